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
    exit_message,
    load_small,
    parameters,
    record_calls,
    run,
    saved,
    saved_n,
    train_until,
    write_script,
)

ARRAYS = [*PARAMETERS, *["m" + name for name in PARAMETERS]]
FILES = ["input.txt", "min_char_rnn.py", "model.npz"]


# ---- What is saved, and when


def test_all_that_is_saved_comes_back_under_other_settings():
    """Even a million iterations into a long text; only adagrad_start has no effect then."""
    text = TEXT * 600
    rng = np.random.default_rng(0)
    old = load_small(text)
    for name in ARRAYS:
        getattr(old, name)[...] = rng.random(getattr(old, name).shape)
    hprev = rng.random((12, 1)).astype(np.float32)
    old.save(10**6, 123_456, hprev, 1.1, running=True)
    new = load_small(text, adagrad_start=0.0, temperature=0.5, dtype=np.float64)
    n, p, h, smooth_loss = new.load()
    assert (n, p, smooth_loss) == (10**6, 123_456, 1.1)
    pairs = [(getattr(new, name), getattr(old, name)) for name in ARRAYS]
    for after, before in [*pairs, (h, hprev)]:
        np.testing.assert_array_equal(after, before)
        assert after.dtype == np.float64
        assert after.shape == before.shape


@pytest.mark.parametrize("seq_length", [1, 11, 49])
def test_with_another_seq_length_the_printed_loss_is_right_at_once(seq_length):
    """It is a sum over the window: twice as long, twice as much."""
    train_until(9)
    before = saved()["smooth_loss"]
    after = load_small(seq_length=seq_length).load()[3]
    assert after == pytest.approx(before * seq_length / 7, rel=1e-12)


# TEXT has 34 windows of 7: at 34 and 68 the next one is the first again.
@pytest.mark.parametrize("stops", [[25, 50, 110], [1, 2, 34, 68, 110], [33, 67, 110]])
def test_a_run_carried_on_ends_as_one_never_stopped(stops):
    """Every bit, wherever it was stopped."""
    expected = train_until(110)
    CHECKPOINT.unlink()
    for n in stops:
        after = train_until(n, sample_every=9)
    assert after == expected


@pytest.mark.parametrize("n, p", [(33, 33 * 7), (34, 34 * 7), (35, 7)])
def test_the_place_that_is_saved_is_where_the_next_window_begins(n, p):
    """At the end of the text too, where the next start drops the state."""
    train_until(n)
    assert int(saved()["p"]) == p
    assert saved()["hprev"].any()


@pytest.mark.parametrize("max_iters, expected", [(9, [4, 8, 9]), (8, [4, 8])])
def test_a_run_is_saved_every_sample_every_iterations_and_at_its_end(max_iters, expected):
    """Not only at the end, which may never come; and no state is saved twice."""
    rnn = load_small(sample_every=4, max_iters=max_iters)
    calls = record_calls(rnn, "save")
    seen = []
    before_each_window(rnn, lambda i: seen.append(saved_n()))
    rnn.train()
    assert [args[0] for args, _ in calls] == expected
    assert seen == ([None] * 4 + [4] * 4 + [8])[:max_iters]
    assert saved_n() == max_iters


@pytest.mark.parametrize("max_iters", [30, 10, 0])
def test_a_trained_model_prints_one_sample_and_ends(capsys, max_iters):
    """With n at max_iters or past it nothing is learnt or written: to get more samples."""
    train_until(30)
    capsys.readouterr()
    rnn = load_small(max_iters=max_iters, sample_every=7)
    windows = record_calls(rnn, "lossFun")
    saves = record_calls(rnn, "save")
    rnn.train()
    assert not windows and not saves
    printed = capsys.readouterr().out
    assert printed.count("\n----\n ") == 1
    assert "\niter" not in printed
    assert "\nstopped at iter 30, loss: " in printed


def test_a_trained_model_prints_another_sample_for_each_seed(capsys):
    """Loading does not bring the random numbers back."""
    train_until(30)
    samples = []
    for seed in 0, 0, 1:
        capsys.readouterr()
        train_until(30, seed=seed)
        samples.append(capsys.readouterr().out)
    assert samples[0] == samples[1] != samples[2]


def test_samples_are_drawn_from_what_was_loaded():
    """The last sample starts from the saved state, at the saved place."""
    train_until(30)
    rnn = load_small(max_iters=30)
    calls = record_calls(rnn, "sample")
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
    train_until(30)
    assert set(text) == set(TEXT)
    assert saved()["p"] > 60
    rnn = load_small(text, max_iters=max_iters)
    assert rnn.load()[1] == min(saved()["p"], len(text) - 1)
    rnn.train()
    printed = capsys.readouterr().out
    assert f"data has {len(text)} characters" in printed
    assert printed.splitlines()[-1].startswith(f"stopped at iter {max_iters}, ")


# ---- Writing the file


def test_at_every_moment_of_a_save_the_file_is_a_whole_one():
    """A run may be killed at any call, in NumPy's code too.

    The new file begins in the same folder: only there can it be moved in one step."""
    os.mkdir("folder")
    path = Path("folder/model.npz")
    load_small(checkpoint=str(path)).train()
    before = path.read_bytes()
    rnn = load_small(checkpoint=str(path))
    n, *state = rnn.load()
    seen = set()
    others = set()

    def look(*_):
        seen.add(path.exists() and path.read_bytes())
        others.update([*os.listdir(), *os.listdir("folder")])

    former = sys.getprofile()
    sys.setprofile(look)
    try:
        rnn.save(10, *state, running=True)
    finally:
        sys.setprofile(former)
    assert seen == {before, path.read_bytes()}
    assert others - {"input.txt", "min_char_rnn.py", "folder"} == {
        "model.npz",
        "model.npz.part.npz",
    }
    assert os.listdir("folder") == ["model.npz"]


def test_a_part_file_that_a_kill_has_left_does_no_harm():
    """The next save takes its place."""
    Path("model.npz.part.npz").write_bytes(b"half a file")
    load_small().train()
    assert sorted(os.listdir()) == FILES


def test_a_save_that_fails_says_so_and_the_next_one_succeeds(capsys):
    """The folder is missing at the first save, and is there at the second.

    The first is at the last multiple of sample_every, and the last of the run follows."""
    rnn = load_small(sample_every=4, max_iters=7, checkpoint="folder/model.npz")
    before_each_window(rnn, lambda i: i == 5 and os.mkdir("folder"))
    rnn.train()
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1
    assert errors[0].startswith("iter 4: folder/model.npz cannot be written: ")
    assert os.listdir("folder") == ["model.npz"]
    assert saved_n("folder/model.npz") == 7


def test_a_last_save_that_fails_ends_the_run_with_that_line():
    """It would otherwise end as if it had been saved."""
    name = "no such folder/model.npz"
    result = run(write_script(**SMALL | {"sample_every": 3, "checkpoint": name}))
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["iter 3", "iter 6", "iter 9"]
    reason = f"No such file or directory: '{name}.part.npz'"  # in the system's words
    assert all(f"{name} cannot be written: " in line for line in lines)
    assert all(line.endswith(reason) for line in lines)
    assert "stopped at" not in result.stdout


def test_a_save_by_hand_that_fails_ends_with_that_line():
    """Nothing follows that would try again."""
    rnn = load_small(checkpoint="no such folder/model.npz")
    line = exit_message(rnn.save, 9, 0, rnn.bh, 1.0)
    assert line.startswith("iter 9: no such folder/model.npz cannot be written: ")


def test_a_programs_error_in_save_is_not_taken_for_the_disks(monkeypatch):
    """Whoever adds a misspelt line sees Python's words, and not "cannot be written"."""
    rnn = load_small()

    def savez(*_, **__):
        raise NameError("misspelt")

    monkeypatch.setattr(np, "savez", savez)
    with pytest.raises(NameError, match="misspelt"):
        rnn.train()


def test_a_checkpoint_has_the_very_name_that_is_set():
    """NumPy would add an ending, and the next start would not find the file."""
    load_small(checkpoint="no_ending").train()
    assert sorted(os.listdir()) == ["input.txt", "min_char_rnn.py", "no_ending"]
    assert load_small(checkpoint="no_ending").load()[0] == 9


def test_a_full_disk_leaves_the_old_file():
    """No file may grow beyond 4 KB here, and a checkpoint needs more."""
    pytest.importorskip("resource", reason="Windows has no limit on the size of a file")
    train_until(9)
    before = CHECKPOINT.read_bytes()
    write_script(**SMALL | {"max_iters": 19, "sample_every": 5})
    limited = """
        import resource, runpy
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
        runpy.run_path("min_char_rnn.py", run_name="__main__")"""
    result = run("-c", textwrap.dedent(limited))
    assert result.returncode == 1
    lines = re.findall("(?m)^iter.*cannot be written.*$", result.stderr)
    assert [line.split(":")[0] for line in lines] == ["iter 10", "iter 15", "iter 19"]
    assert CHECKPOINT.read_bytes() == before


# ---- Numbers that are not finite


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_loss_that_is_not_finite_never_replaces_a_good_model(bad):
    """The run ends with a line that says what to do."""
    train_until(9)
    rnn = load_small(max_iters=19, sample_every=1)
    lossFun = rnn.lossFun
    rnn.lossFun = lambda *window: (bad, *lossFun(*window)[1:])
    before = CHECKPOINT.read_bytes()
    line = exit_message(rnn.train)
    assert line.startswith("iter 10: not saved")
    assert line.endswith(": lower learning_rate")
    assert CHECKPOINT.read_bytes() == before
    assert sorted(os.listdir()) == FILES


@pytest.mark.parametrize("name", [*ARRAYS, "hprev"])
def test_a_model_with_one_nan_never_replaces_a_good_one(name):
    """Nobody has seen its loss yet."""
    train_until(9)
    before = CHECKPOINT.read_bytes()
    rnn = load_small()
    n, p, hprev, smooth_loss = rnn.load()
    (hprev if name == "hprev" else getattr(rnn, name))[0, 0] = np.nan
    assert "not saved" in exit_message(rnn.save, 10, p, hprev, smooth_loss, True)
    assert CHECKPOINT.read_bytes() == before


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_training_in_float16_does_not_cost_the_model():
    """There 1e-8 is 0, and a memory of 0 gives 0 / 0: that NaN ends the run, unsaved.

    It is in the parameters already when no loss has it yet."""
    train_until(1, adagrad_start=0.0)
    before = CHECKPOINT.read_bytes()
    rnn = load_small(max_iters=2, dtype=np.float16)
    assert "not saved" in exit_message(rnn.train)
    assert CHECKPOINT.read_bytes() == before


def test_without_a_checkpoint_a_nan_ends_the_run_at_the_next_sample():
    """The draw does not go on with nonsense."""
    rnn = load_small(checkpoint=None)
    rnn.by[:] = np.nan
    with pytest.raises(ValueError, match="(?i)probabilities"):
        rnn.train()


# ---- What is refused


def foreign_files(good):
    """Damaged checkpoints, and files of other kinds."""
    np.savez(CHECKPOINT, **{**good, "by": good["by"].astype(object)})
    pickled = CHECKPOINT.read_bytes()
    np.savez(CHECKPOINT, weights=np.ones(3))
    another_programs = CHECKPOINT.read_bytes()
    np.savez(CHECKPOINT, **{**good, "Why": np.ones((7, 7))})
    another_shape = CHECKPOINT.read_bytes()
    np.savez(CHECKPOINT, **good)
    whole = CHECKPOINT.read_bytes()
    np.save("array.npy", good["bh"])
    array = Path("array.npy").read_bytes()
    return dict(
        empty=b"",
        cut_short=whole[:-1],
        half=whole[: len(whole) // 2],
        flipped=whole.replace(good["Why"].tobytes(), (good["Why"] + 1).tobytes()),
        text=b"hello\n" * 99,
        pickle=pickle.dumps(good),
        pickle_inside=pickled,
        another_programs=another_programs,
        another_shape=another_shape,
        array=array,
    )


# NumPy leaves the file open where a zip is damaged, and Python says so when it tidies up.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_a_file_that_is_no_checkpoint_is_refused_and_left_alone():
    """In one line, which names the file, and does not advise to load it unsafely.

    No pickle is read, since one may run code."""
    train_until(9)
    good = saved()
    for kind, content in foreign_files(good).items():
        CHECKPOINT.write_bytes(content)
        line = exit_message(load_small().train)
        assert line.startswith("checkpoint = 'model.npz': not a file of this script"), kind
        assert re.search(r" \(\w+\)$", line)  # the kind of error
        assert "pickle" not in line
        assert CHECKPOINT.read_bytes() == content


def test_a_file_that_lacks_an_array_is_refused():
    """Nothing is made up in its place."""
    train_until(9)
    good = saved()
    for name in good:
        np.savez(CHECKPOINT, **{other: good[other] for other in good if other != name})
        assert "not a file of this script" in exit_message(load_small().load)


def test_another_models_checkpoint_is_refused_and_left_alone():
    """The line says what differs."""
    train_until(9)
    before = CHECKPOINT.read_bytes()
    for size in 11, 13:
        line = exit_message(load_small(hidden_size=size).train)
        assert re.search(f"'model.npz'.*hidden_size.*12.*{size}$", line)
    line = exit_message(load_small(TEXT.replace("d", "D")).train)
    assert re.search("'model.npz'.*characters$", line)
    assert CHECKPOINT.read_bytes() == before


def test_a_folder_is_no_checkpoint():
    """It is refused at the start, and left alone, with what is in it."""
    os.mkdir("model.npz")
    Path("model.npz/mine.txt").write_text("mine")
    line = exit_message(load_small().train)
    assert line.startswith("checkpoint = 'model.npz': ")
    assert os.listdir("model.npz") == ["mine.txt"]


def test_load_without_a_checkpoint_says_what_is_missing():
    """As at a prompt, with `checkpoint = None`."""
    assert exit_message(load_small(checkpoint=None).load).startswith("checkpoint = None: ")


def test_loading_changes_the_arrays_themselves():
    """The main loop and whoever has taken rnn.Wxh go on with what was loaded."""
    train_until(9)
    rnn = load_small()
    before = parameters(rnn)
    rnn.load()
    for array, name in zip(before, PARAMETERS):
        assert array is getattr(rnn, name)
        np.testing.assert_array_equal(array, saved()[name])
