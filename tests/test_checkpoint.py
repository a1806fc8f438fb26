"""checkpoint: a run can be stopped at any instant, carried on, and trusted."""

import os
import pickle
import re
import signal
import sys

import numpy as np
import pytest
from helpers import TEXT, edited, imported, refusal, run, start

ARRAYS = "Wxh Whh Why bh by mWxh mWhh mWhy mbh mby".split()
FILES = ["input.txt", "min_char_rnn.py", "model.npz"]
SMALL = dict(hidden_size=12, seq_length=7, max_iters=9, checkpoint="model.npz")


def copy(folder, text=TEXT, **settings):
    return imported(edited(folder, text, **{**SMALL, **settings}))


def learnt(folder, n, **settings):
    """Learns until iteration n; returns the checkpoint's path."""
    copy(folder, max_iters=n, **settings).train()
    return folder / "model.npz"


def bits(path):
    return {name: array.tobytes() for name, array in np.load(path).items()}


def iteration(path):
    return int(np.load(path)["n"]) if path.exists() else None


def test_all_that_is_saved_comes_back_whatever_the_settings_are_now(tmp_path):
    """A million iterations into a long text, at another pace and in another format."""
    rng, old = np.random.default_rng(0), copy(tmp_path)
    for name in ARRAYS:
        getattr(old, name)[...] = rng.random(getattr(old, name).shape)
    hprev = rng.random((12, 1)).astype(np.float32)
    old.save(10**6, 129_861, hprev, 1.1)
    new = copy(tmp_path, adagrad_start=10.0, seq_length=11, dtype=np.float64)
    n, p, h, smooth_loss = new.load()
    assert (n, p, smooth_loss) == (10**6, 129_861, 1.1)
    pairs = [(getattr(new, name), getattr(old, name)) for name in ARRAYS]
    for after, before in [*pairs, (h, hprev)]:
        np.testing.assert_array_equal(after, before)
        assert (after.dtype, after.shape) == (np.float64, before.shape)


@pytest.mark.parametrize("stops", [[25, 50, 110], [1, 2, 3, 110], [109, 110]])
def test_a_run_carried_on_ends_as_one_never_stopped(tmp_path, stops):
    """Every bit, wherever it was stopped."""
    expected = bits(learnt(tmp_path, 110).rename(tmp_path / "never stopped"))
    for n in stops:
        learnt(tmp_path, n, sample_every=9)
    assert bits(tmp_path / "model.npz") == expected


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_run_killed_three_times_ends_as_one_never_stopped(tmp_path):
    """SIGKILL leaves no time to tidy up. A full pipe keeps each from its end."""
    text = "".join(chr(0x1F300 + ord(ch)) for ch in TEXT)  # four bytes a character
    expected = bits(learnt(tmp_path, 300, text=text).rename(tmp_path / "never stopped"))
    copy(tmp_path, text, sample_every=1, sample_length=250, max_iters=300)
    path, script = tmp_path / "model.npz", tmp_path / "min_char_rnn.py"
    for lines in 9, 30, 60:
        with start(script) as process:
            for _ in range(lines):
                process.stdout.readline()
            process.kill()
            assert process.wait() == -signal.SIGKILL
        assert 0 < iteration(path) < 300
    assert f"carrying on from model.npz at iter {iteration(path)}" in run(script).stdout
    assert bits(path) == expected


def test_a_run_is_saved_every_sample_every_iterations_and_at_its_end(tmp_path):
    """Not only at the end, which may never come."""
    path, rnn, seen = tmp_path / "model.npz", copy(tmp_path, sample_every=4), []
    lossFun = rnn.lossFun
    rnn.lossFun = lambda *window: (seen.append(iteration(path)), *lossFun(*window))[1:]
    rnn.train()
    assert [*seen, iteration(path)] == [None] * 4 + [4] * 4 + [8, 9]


@pytest.mark.parametrize("max_iters", [30, 10])
def test_a_trained_model_prints_one_sample_and_ends(tmp_path, capsys, max_iters):
    """With n at max_iters or past it nothing is learnt: so a model is sampled."""
    path = learnt(tmp_path, 30)
    before, _ = path.read_bytes(), capsys.readouterr()
    rnn = copy(tmp_path, max_iters=max_iters, sample_every=7)
    rnn.lossFun = None  # not to be called
    rnn.train()
    printed = capsys.readouterr().out
    assert printed.count("\n----\n ") == 1 and "\niter" not in printed
    assert "\nstopped at iter 30, loss: " in printed and path.read_bytes() == before


def test_at_every_moment_of_a_save_the_file_is_a_whole_one(tmp_path):
    """A run may be killed at any call, in NumPy's code, too; and Ctrl-C may come."""
    path, rnn, seen, stops = learnt(tmp_path, 9), copy(tmp_path), set(), [KeyboardInterrupt]
    before, (_, *state) = path.read_bytes(), rnn.load()

    def look(frame, *_):
        seen.add(path.exists() and path.read_bytes())
        if stops and frame.f_code is rnn.save.__code__ and len(os.listdir(tmp_path)) > 3:
            raise stops.pop()  # when the new file lies beside the old one

    try:
        sys.setprofile(look)
        with pytest.raises(KeyboardInterrupt):
            rnn.save(10, *state)
        assert seen == {before} and sorted(os.listdir(tmp_path)) == FILES
        sys.setprofile(look)
        rnn.save(10, *state)
    finally:
        sys.setprofile(None)
    assert seen == {before, path.read_bytes()} and sorted(os.listdir(tmp_path)) == FILES


def test_a_checkpoint_that_cannot_be_written_is_named(tmp_path):
    """Its folder is missing, or a folder has its name; nothing else is left."""
    (tmp_path / "folder").mkdir()
    for name in "no such folder/model.npz", "folder":
        rnn = copy(tmp_path, checkpoint=name)
        assert str(tmp_path / name) in refusal(rnn.save, 5, 0, rnn.bh, 1.0)
    assert sorted(os.listdir(tmp_path)) == ["folder", *FILES[:2]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_ends_the_run_and_is_never_saved(tmp_path, bad):
    """A loss or a weight. The line says where it was, and what to do."""
    path, rnn = learnt(tmp_path, 9), copy(tmp_path, max_iters=19, sample_every=1)
    before, (_, *state), lossFun = path.read_bytes(), rnn.load(), rnn.lossFun
    rnn.lossFun = lambda *window: (bad, *lossFun(*window)[1:])
    lines = [refusal(rnn.train)]
    for param in rnn.params:
        rnn.load()
        param[-1, -1] = bad
        lines.append(refusal(rnn.save, 10, *state))
    assert all(re.search(r"\b(9|10)\b.*learning_rate", line) for line in lines)
    assert path.read_bytes() == before


def test_a_checkpoint_that_cannot_be_used_is_refused_and_left_alone(tmp_path):
    """Another model's, by what differs. Of pickles, which may run code, none is read."""
    path = learnt(tmp_path, 9)
    good, state = path.read_bytes(), dict(np.load(path))
    files = [b"", good[:-1], good[: len(good) // 2], b"hello\n" * 99, pickle.dumps(state)]
    lacking = [{k: state[k] for k in state if k != gone} for gone in state]
    for arrays in [{**state, "by": state["by"].astype(object)}, *lacking]:
        np.savez(path, **arrays)
        files.append(path.read_bytes())
    cases = [(content, {}, "") for content in files]
    cases.append((good, dict(hidden_size=13), "hidden_size.*12.*13"))
    cases.append((good, dict(text=TEXT.replace("d", "D")), "characters"))
    for content, settings, words in cases:
        path.write_bytes(content)
        line = refusal(copy(tmp_path, **settings).train)
        assert str(path) in line and re.search(words, line) and path.read_bytes() == content
