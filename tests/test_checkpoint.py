"""checkpoint: what is saved, when, and what can be carried on."""

import gc
import os
import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import (
    CHECKPOINT,
    MEMORY,
    PARAMETERS,
    TEXT,
    checkpoint_bytes,
    exit_line,
    import_copy,
    iterations_saved,
    read_checkpoint,
    record_calls,
    reported_end,
    run_python,
    train_until,
    write_copy,
)

ARRAYS = [*PARAMETERS, *MEMORY]
FILES = ["input.txt", "min_char_rnn.py", "model.npz"]


# ---- What is saved, and when


def test_all_that_is_saved_comes_back_under_other_settings():
    """Even a million iterations into a long text, and in the arrays that are there.

    The printed loss is a sum over the window: three times as long, three times as much."""
    text = TEXT * 600
    rng = np.random.default_rng(0)
    old = import_copy(text)
    for name in ARRAYS:
        getattr(old, name)[...] = rng.random(getattr(old, name).shape)
    hprev = rng.random((12, 1)).astype(np.float32)
    old.save(10**6, 123_456, hprev, 1.1, True)
    new = import_copy(text, seq_length=21, adagrad_start=0.0, dtype=np.float64)
    arrays = [getattr(new, name) for name in ARRAYS]
    n, p, h, smooth_loss = new.load()
    assert (n, p) == (10**6, 123_456)
    assert smooth_loss == pytest.approx(3 * 1.1)
    for after, before in zip([*arrays, h], [*old.arrays.values(), hprev]):
        np.testing.assert_array_equal(after, before)
        assert after.dtype == np.float64
    for name, array in zip(ARRAYS, arrays):
        assert getattr(new, name) is array


def test_an_older_versions_checkpoint_is_carried_on():
    """Its contents have had the same names and kinds since the loss is in it."""
    rnn = import_copy()
    shapes = {name: getattr(rnn, name).shape for name in ARRAYS}
    contents = {name: np.full(shape, 0.5, np.float32) for name, shape in shapes.items()}
    contents.update(hprev=np.full((12, 1), 0.25, np.float32), n=8, p=56, smooth_loss=15.5)
    contents.update(chars=sorted(set(TEXT)), seq_length=7)
    np.savez(CHECKPOINT, **contents)
    n, p, hprev, smooth_loss = rnn.load()
    assert (n, p, smooth_loss) == (8, 56, 15.5)
    assert (rnn.Wxh == 0.5).all() and (hprev == 0.25).all()
    rnn.train()
    assert iterations_saved() == 9
    assert read_checkpoint().keys() == contents.keys()


# TEXT has 34 windows of 7: at 34 and 68 the next one is the first again.
@pytest.mark.parametrize("stops", [[25, 50, 110], [1, 2, 34, 68, 110], [33, 67, 110]])
def test_a_run_carried_on_ends_as_one_never_stopped(capsys, stops):
    """Every bit, wherever it was stopped, and with the same loss."""
    train_until(110, sample_every=9)
    expected = checkpoint_bytes(), reported_end(capsys.readouterr().out)
    CHECKPOINT.unlink()
    for n in stops:
        capsys.readouterr()
        train_until(n, sample_every=9)
    assert (checkpoint_bytes(), reported_end(capsys.readouterr().out)) == expected


@pytest.mark.parametrize("max_iters, expected", [(9, [4, 8, 9]), (8, [4, 8])])
def test_a_run_is_saved_every_sample_every_iterations_and_at_its_end(max_iters, expected):
    """Not only at the end, which may never come; and no state is saved twice.

    Each save comes before the sample that shows it, whose print may fail."""
    rnn = import_copy(max_iters=max_iters)
    saves = record_calls(rnn, "save")
    seen = []
    record_calls(rnn, "sample", before=lambda: seen.append(iterations_saved()))
    rnn.train()
    assert [args[0] for args, _ in saves] == expected
    assert seen == [None, 4, 8, 9][: len(expected) + 1]


@pytest.mark.parametrize("max_iters", [34, 10, 0])
def test_a_model_that_has_reached_max_iters_only_writes_a_sample(capsys, max_iters):
    """From the state and the place where it stopped; another for each seed.

    Iteration 34 is at the end of the text, where the place is saved as it is."""
    train_until(34)
    assert int(read_checkpoint()["p"]) == 34 * 7
    samples = []
    for seed in 0, 0, 1:
        rnn = import_copy(max_iters=max_iters, seed=seed)
        windows, saves, calls = [
            record_calls(rnn, name) for name in ["lossFun", "save", "sample"]
        ]
        capsys.readouterr()
        rnn.train()
        assert not windows and not saves
        ((h, ix, _), sample) = calls[0]
        np.testing.assert_array_equal(h, read_checkpoint()["hprev"])
        assert (len(calls), rnn.ix_to_char[ix]) == (1, TEXT[34 * 7])
        printed = capsys.readouterr().out
        assert "\ncarrying on from model.npz at iter 34\n----\n" in printed
        assert reported_end(printed)[0] == 34
        samples.append(sample)
    assert samples[0] == samples[1] != samples[2]


@pytest.mark.parametrize("text", [TEXT[:60], TEXT * 3], ids=["shorter", "longer"])
def test_a_text_of_the_same_characters_can_be_carried_on_with(text):
    """Also if the saved place is beyond the end of the new text."""
    train_until(30)
    place = read_checkpoint()["p"]
    assert set(text) == set(TEXT) and place > 60
    assert import_copy(text).load()[1] == min(place, len(text) - 1)
    for n in 30, 40:
        train_until(n, text)
    assert iterations_saved() == 40


# ---- Writing the file


def test_at_every_moment_of_a_save_the_file_is_a_whole_one():
    """A run may be killed at any call, in NumPy's code too.

    The new file begins in the same folder: only there can it be moved in one step."""
    os.mkdir("folder")
    path = Path("folder/model.npz")
    rnn = train_until(9, checkpoint=str(path))
    before = path.read_bytes()
    seen = set()
    files = set()

    def look(*_):
        seen.add(path.exists() and path.read_bytes())
        files.update(os.listdir("folder"))

    former = sys.getprofile()
    sys.setprofile(look)
    try:
        rnn.save(10, 0, rnn.bh, 1.0, True)
    finally:
        sys.setprofile(former)
    assert seen == {before, path.read_bytes()}
    assert files - {"model.npz"}  # it begins under another name
    assert os.listdir("folder") == ["model.npz"]


def test_a_save_that_fails_says_so_and_the_next_one_succeeds(capsys):
    """The folder is missing at the first save, and is there at the second.

    The first is at the last multiple of sample_every, and the last of the run follows."""
    rnn = import_copy(max_iters=7, checkpoint="folder/model.npz")
    started = []

    def before_window():
        started.append(1)
        if len(started) == 6:
            os.mkdir("folder")

    record_calls(rnn, "lossFun", before=before_window)
    rnn.train()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("iter 4: folder/model.npz cannot be written: ")
    assert "No such file" in line  # in the system's words
    assert iterations_saved("folder/model.npz") == 7


def test_a_last_save_that_fails_ends_the_run_with_a_status_that_is_not_0():
    """It would otherwise end as if it had been saved; and the old file stays."""
    train_until(9)
    before = CHECKPOINT.read_bytes()
    os.mkdir("model.npz.part.npz")  # in the way
    result = run_python(write_copy(max_iters=14))
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == ["iter 12", "iter 14"]
    assert CHECKPOINT.read_bytes() == before


def test_a_save_by_hand_that_fails_ends_with_that_line():
    """Nothing follows that would try again."""
    rnn = import_copy(checkpoint="no such folder/model.npz")
    assert exit_line(rnn.save, 9, 0, rnn.bh, 1.0).startswith("iter 9: ")


def test_without_a_checkpoint_nothing_is_written_or_read_by_hand():
    """load() names the setting, and save() leaves no part file behind."""
    rnn = import_copy(checkpoint=None)
    with pytest.raises(TypeError):
        rnn.save(9, 0, rnn.bh, 1.0)
    assert "checkpoint = None" in exit_line(rnn.load)
    assert sorted(os.listdir()) == FILES[:2]


def test_a_checkpoint_has_the_very_name_that_is_set():
    """NumPy would add an ending, and the next start would not find the file."""
    train_until(9, checkpoint="no_ending")
    assert sorted(os.listdir()) == ["input.txt", "min_char_rnn.py", "no_ending"]
    assert import_copy(checkpoint="no_ending").load()[0] == 9


# ---- Numbers that are not finite


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_never_replaces_a_good_model(bad):
    """In whichever array it is, the run ends with a line that says what to do."""
    train_until(9)
    before = CHECKPOINT.read_bytes()
    for name in [*ARRAYS, "hprev", "smooth_loss"]:
        rnn = import_copy()
        state = dict(rnn.arrays, hprev=rnn.bh * 0, smooth_loss=np.ones((1, 1)))
        state[name][0, 0] = bad
        line = exit_line(rnn.save, 10, 0, state["hprev"], state["smooth_loss"], True)
        assert line.startswith("iter 10: not saved") and "learning_rate" in line
        assert CHECKPOINT.read_bytes() == before
        assert sorted(os.listdir()) == FILES


# ---- What is refused


def foreign_files(good):
    """Damaged checkpoints, files of other kinds, and files that lack an array."""
    whole = CHECKPOINT.read_bytes()
    archives = {f"no {name}": {k: good[k] for k in good if k != name} for name in good}
    archives["pickled"] = {**good, "by": good["by"].astype(object)}
    for kind, contents in archives.items():
        np.savez(CHECKPOINT, **contents)
        archives[kind] = CHECKPOINT.read_bytes()
    np.save("array.npy", good["bh"])
    return dict(
        archives,
        empty=b"",
        cut_short=whole[:-1],
        half=whole[: len(whole) // 2],
        altered=whole[:2000] + bytes([whole[2000] ^ 1]) + whole[2001:],
        text=b"hello\n" * 99,
        pickle=pickle.dumps(good),
        array=Path("array.npy").read_bytes(),
    )


# NumPy leaves the file open where a zip is damaged, and Python says so when it tidies up.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_a_file_that_is_no_checkpoint_is_refused_and_left_alone():
    """In one line, which does not advise to load it unsafely: a pickle may run code.

    Nothing is filled in half."""
    train_until(9)
    for kind, content in foreign_files(read_checkpoint()).items():
        CHECKPOINT.write_bytes(content)
        rnn = import_copy()
        before = rnn.Wxh.copy()
        line = exit_line(rnn.train)
        assert "checkpoint = 'model.npz'" in line, kind
        assert re.search(r" \(\w+\)$", line)  # the kind of error
        assert "pickle" not in line
        np.testing.assert_array_equal(rnn.Wxh, before)
        assert CHECKPOINT.read_bytes() == content
        gc.collect()  # here, where the warnings of the file left open are ignored
    CHECKPOINT.unlink()
    CHECKPOINT.mkdir()
    assert "checkpoint = 'model.npz'" in exit_line(import_copy().train)
    assert CHECKPOINT.is_dir()


def test_another_models_checkpoint_is_refused_and_left_alone():
    """The line says what differs."""
    train_until(9)
    before = CHECKPOINT.read_bytes()
    for size in 11, 13:
        line = exit_line(import_copy(hidden_size=size).train)
        assert re.search(f"'model.npz'.*hidden_size.*12.*{size}", line)
    line = exit_line(import_copy(TEXT.replace("d", "D")).train)
    assert re.search("'model.npz'.*characters", line)
    assert CHECKPOINT.read_bytes() == before
