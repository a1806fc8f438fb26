"""checkpoint: what is saved, when, and what can be carried on."""

import os
import pickle
import re
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from helpers import (
    CHECKPOINT,
    PARAMETERS,
    SMALL,
    TEXT,
    before_each_window,
    edited,
    iteration,
    learnt,
    noted,
    parameters,
    refusal,
    run,
    saved,
    small,
)

ARRAYS = [*PARAMETERS, *["m" + name for name in PARAMETERS]]
FILES = ["input.txt", "min_char_rnn.py", "model.npz"]


# ---- What is saved, and when


def test_all_that_is_saved_comes_back_under_other_settings():
    """Even a million iterations into a long text; only adagrad_start has no effect then."""
    text = TEXT * 600
    rng = np.random.default_rng(0)
    old = small(text)
    for name in ARRAYS:
        getattr(old, name)[...] = rng.random(getattr(old, name).shape)
    hprev = rng.random((12, 1)).astype(np.float32)
    old.save(10**6, 123_456, hprev, 1.1)
    new = small(text, adagrad_start=10.0, seq_length=11, dtype=np.float64)
    n, p, h, smooth_loss = new.load()
    assert (n, p, smooth_loss) == (10**6, 123_456, 1.1)
    pairs = [(getattr(new, name), getattr(old, name)) for name in ARRAYS]
    for after, before in [*pairs, (h, hprev)]:
        np.testing.assert_array_equal(after, before)
        assert after.dtype == np.float64
        assert after.shape == before.shape


@pytest.mark.parametrize("stops", [[25, 50, 110], [1, 2, 3, 110], [109, 110]])
def test_a_run_carried_on_ends_as_one_never_stopped(stops):
    """Every bit, wherever it was stopped."""
    expected = learnt(110)
    CHECKPOINT.unlink()
    for n in stops:
        after = learnt(n, sample_every=9)
    assert after == expected


def test_a_run_is_saved_every_sample_every_iterations_and_at_its_end():
    """Not only at the end, which may never come."""
    rnn = small(sample_every=4)
    seen = []
    before_each_window(rnn, lambda i: seen.append(iteration()))
    rnn.train()
    assert seen == [None] * 4 + [4] * 4 + [8]
    assert iteration() == 9


@pytest.mark.parametrize("max_iters", [30, 10, 0])
def test_a_trained_model_prints_one_sample_and_ends(capsys, max_iters):
    """With n at max_iters or past it nothing is learnt or written: to get more samples."""
    learnt(30)
    before = CHECKPOINT.read_bytes(), CHECKPOINT.stat().st_mtime_ns
    capsys.readouterr()
    rnn = small(max_iters=max_iters, sample_every=7)
    rnn.lossFun = None  # not to be called
    rnn.train()
    printed = capsys.readouterr().out
    assert printed.count("\n----\n ") == 1
    assert "\niter" not in printed
    assert "\nstopped at iter 30, loss: " in printed
    assert (CHECKPOINT.read_bytes(), CHECKPOINT.stat().st_mtime_ns) == before


def test_samples_are_drawn_from_what_was_loaded():
    """The last sample starts from the saved state, at the saved place."""
    learnt(30)
    rnn = small(max_iters=30)
    calls = noted(rnn, "sample")
    rnn.train()
    assert len(calls) == 1
    (h, ix, n), _ = calls[0]
    np.testing.assert_array_equal(h, saved()["hprev"])
    assert rnn.ix_to_char[ix] == rnn.data[saved()["p"]]
    assert n == 200


@pytest.mark.parametrize("max_iters", [30, 40])
@pytest.mark.parametrize("text", [TEXT[:60], TEXT * 3], ids=["shorter", "longer"])
def test_a_text_of_the_same_characters_can_be_carried_on_with(capsys, text, max_iters):
    """Also if the saved place is beyond the end of the new text."""
    learnt(30)
    assert set(text) == set(TEXT)
    assert saved()["p"] > 60
    rnn = small(text, max_iters=max_iters)
    assert rnn.load()[1] == min(saved()["p"], len(text) - 1)
    rnn.train()
    printed = capsys.readouterr().out
    assert f"data has {len(text)} characters" in printed
    assert printed.splitlines()[-1].startswith(f"stopped at iter {max_iters}, ")


# ---- Writing the file


def test_at_every_moment_of_a_save_the_file_is_a_whole_one():
    """A run may be killed at any call, in NumPy's code too, and another may share it."""
    learnt(9)
    before = CHECKPOINT.read_bytes()
    rnn = small()
    n, *state = rnn.load()
    seen = set()
    others = set()

    def look(*_):
        seen.add(CHECKPOINT.exists() and CHECKPOINT.read_bytes())
        others.update(set(os.listdir()) - set(FILES))

    sys.setprofile(look)
    try:
        rnn.save(10, *state)
    finally:
        sys.setprofile(None)
    assert seen == {before, CHECKPOINT.read_bytes()}
    assert sorted(os.listdir()) == FILES
    (part,) = others
    assert str(os.getpid()) in part and part.endswith(".npz")


def test_a_save_that_fails_says_so_and_the_next_one_succeeds(capsys):
    """The folder is missing at the first save, and is there at the second."""
    rnn = small(sample_every=4, checkpoint="folder/model.npz")
    before_each_window(rnn, lambda i: i == 5 and os.mkdir("folder"))
    rnn.train()
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1
    assert errors[0].startswith("iter 4: folder/model.npz cannot be written: ")
    assert os.listdir("folder") == ["model.npz"]
    assert iteration("folder/model.npz") == 9


def test_a_last_save_that_fails_ends_the_run_with_that_line():
    """It would otherwise end as if it had been saved."""
    name = "no such folder/model.npz"
    result = run(edited(**SMALL | {"sample_every": 3, "checkpoint": name}))
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["iter 3", "iter 6", "iter 9"]
    assert all(f"{name} cannot be written: " in line for line in lines)
    assert "stopped at" not in result.stdout


def test_after_ctrl_c_a_save_that_fails_ends_the_run():
    """Ctrl-C makes max_iters 0, which is less than any n."""
    rnn = small(checkpoint="no such folder/model.npz", max_iters=0)
    assert refusal(rnn.save, 9, 0, rnn.bh, 1.0).startswith("iter 9: ")


def test_a_save_that_fails_at_its_end_removes_what_it_began():
    """The new file is whole, and cannot be moved: a folder has the checkpoint's name."""
    os.mkdir("folder")
    rnn = small(checkpoint="folder")
    assert "folder cannot be written: " in refusal(rnn.save, 9, 0, rnn.bh, 1.0)
    assert sorted(os.listdir()) == ["folder", "input.txt", "min_char_rnn.py"]


def test_a_checkpoint_has_the_very_name_that_is_set():
    """NumPy would add an ending, and the next start would not find the file."""
    small(checkpoint="no_ending").train()
    assert sorted(os.listdir()) == ["input.txt", "min_char_rnn.py", "no_ending"]
    assert small(checkpoint="no_ending").load()[0] == 9


def test_a_full_disk_leaves_the_old_file_and_nothing_else():
    """No file may grow beyond 4 KB here, and a checkpoint needs more."""
    pytest.importorskip("resource", reason="Windows has no limit on the size of a file")
    learnt(9)
    before = CHECKPOINT.read_bytes()
    edited(**SMALL | {"max_iters": 19, "sample_every": 5})
    limited = """
        import resource, runpy
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
        runpy.run_path("min_char_rnn.py", run_name="__main__")"""
    result = run("-c", textwrap.dedent(limited))
    assert result.returncode == 1
    lines = re.findall("(?m)^iter.*cannot be written.*$", result.stderr)
    assert [line.split(":")[0] for line in lines] == ["iter 10", "iter 15", "iter 19"]
    assert CHECKPOINT.read_bytes() == before
    assert sorted(os.listdir()) == FILES


# ---- What is refused


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_loss_that_is_not_finite_ends_the_run_before_anything_is_changed(capsys, bad):
    """The line has the iteration that the printed lines have, and says what to do.

    No parameter is touched, nothing more is sampled, and the file is the last good one."""
    learnt(9)
    rnn = small(max_iters=19, sample_every=1)
    lossFun = rnn.lossFun
    rnn.lossFun = lambda *window: (bad, *lossFun(*window)[1:])
    before = CHECKPOINT.read_bytes()
    line = refusal(rnn.train)
    assert line.startswith("iter 9: the loss is ")
    assert "lower learning_rate" in line
    assert capsys.readouterr().out.splitlines()[-1].startswith("iter 9, loss: ")
    assert CHECKPOINT.read_bytes() == before
    params = [param.copy() for param in parameters(rnn)]
    rnn.load()  # back to what was saved
    for param, saved_param in zip(params, parameters(rnn)):
        np.testing.assert_array_equal(param, saved_param)


def unreadable(good):
    """Damaged checkpoints, and files of other kinds."""
    np.savez(CHECKPOINT, **{**good, "by": good["by"].astype(object)})
    pickled = CHECKPOINT.read_bytes()
    np.savez(CHECKPOINT, **good)
    whole = CHECKPOINT.read_bytes()
    np.save("array.npy", good["bh"])
    array = Path("array.npy").read_bytes()
    return dict(
        empty=b"",
        cut_short=whole[:-1],
        half=whole[: len(whole) // 2],
        flipped=whole[:2000] + bytes([whole[2000] ^ 255]) + whole[2001:],
        text=b"hello\n" * 99,
        pickle=pickle.dumps(good),
        pickle_inside=pickled,
        array=array,
    )


def test_a_file_that_is_no_checkpoint_is_refused_and_left_alone():
    """In one line, which names the file. No pickle is read, since one may run code."""
    learnt(9)
    good = saved()
    for kind, content in unreadable(good).items():
        CHECKPOINT.write_bytes(content)
        line = refusal(small().train)
        assert line.startswith("checkpoint = 'model.npz': "), kind
        assert len(line) > len("checkpoint = 'model.npz': ")
        assert CHECKPOINT.read_bytes() == content


def test_another_models_checkpoint_is_refused_and_left_alone():
    """The line says what differs."""
    learnt(9)
    before = CHECKPOINT.read_bytes()
    line = refusal(small(hidden_size=13).train)
    assert re.search("'model.npz'.*hidden_size.*12.*13", line)
    line = refusal(small(TEXT.replace("d", "D")).train)
    assert re.search("'model.npz'.*characters", line)
    assert CHECKPOINT.read_bytes() == before


def test_a_missing_array_is_named():
    """Nothing is made up in its place."""
    learnt(9)
    good = saved()
    for name in good:
        np.savez(CHECKPOINT, **{other: good[other] for other in good if other != name})
        with pytest.raises(KeyError, match=rf"^'{name}\b"):
            small().load()


def test_a_mistake_of_the_readers_own_in_load_is_not_hidden():
    """Python names it and its line, and does not call the file unreadable."""
    learnt(9)
    rnn = small()
    rnn.arrays["Wxz"] = rnn.Wxh
    with pytest.raises(KeyError, match="Wxz"):
        rnn.load()
    rnn.arrays = None
    with pytest.raises(AttributeError):
        rnn.load()


def test_load_without_a_checkpoint_says_what_is_missing():
    """As at a prompt, with `checkpoint = None`."""
    assert refusal(small(checkpoint=None).load).startswith("checkpoint = None: ")
