"""checkpoint: a run can be stopped at any instant, carried on, and trusted."""

import io
import os
import pickle
import random
import re
from pathlib import Path

import numpy as np
import pytest
from helpers import TEXT, edited, imported, refusal, start, trained

NAMES = "Wxh Whh Why bh by mWxh mWhh mWhy mbh mby hprev n p smooth_loss".split()
SMALL = dict(hidden_size=12, seq_length=7, sample_length=5, checkpoint="model.npz")
CHANGES = dict(learning_rate=0.01, adagrad_start=10.0, seq_length=11, temperature=0.5)
CHANGES["dtype"] = np.float64
not_for_root = pytest.mark.skipif(
    getattr(os, "geteuid", int)() == 0, reason="POSIX file modes, which root need not obey"
)


def copy(folder, text=TEXT, **settings):
    """An imported copy whose checkpoint is model.npz, which may be there or not."""
    return imported(edited(folder, text, **{**SMALL, **settings}))


def learn(folder, n, **settings):
    """Learns until iteration n; returns the checkpoint's path."""
    copy(folder, max_iters=n, **settings).train()
    return folder / "model.npz"


def read(path):
    """All that a checkpoint holds, by name."""
    with np.load(path) as file:
        return dict(file)


def bits(path):
    """The numbers that make a run, bit for bit."""
    saved = read(path)
    return {name: saved[name].tobytes() for name in NAMES}


@pytest.mark.parametrize("stops", [[25, 50, 110], [1, 2, 3, 110], [109, 110]])
def test_a_run_carried_on_ends_as_one_never_stopped(tmp_path, capsys, stops):
    """Parameters, memory, hprev, n, p and smooth_loss: every bit, whenever it was stopped."""
    learn(tmp_path, 110).rename(tmp_path / "never_stopped.npz")
    for n, before in zip(stops, [None, *stops]):
        learn(tmp_path, n)
        said = re.findall("(?m)^carrying on from model.npz at iter (.*)$", capsys.readouterr().out)
        assert said == ([] if before is None else [str(before)])
    assert bits(tmp_path / "model.npz") == bits(tmp_path / "never_stopped.npz")


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL, as on Linux and macOS")
def test_a_run_killed_at_many_instants_ends_as_one_never_stopped(tmp_path):
    """SIGKILL leaves no time to tidy up: what is on disk must be whole at every instant."""
    path, chance, kills = learn(tmp_path, 60, sample_every=1), random.Random(0), 0
    expected, script = bits(path), edited(tmp_path, max_iters=60, sample_every=1, **SMALL)
    path.unlink()
    while kills < 99:
        with start(script) as process:
            for _ in range(chance.randrange(1, 60)):
                process.stdout.readline()
            process.kill()
            if process.wait() == 0:
                break
        kills += 1
        assert not path.exists() or len(bits(path)) == len(NAMES)
    assert 3 < kills < 99
    assert bits(path) == expected


@pytest.mark.parametrize("setting", CHANGES)
def test_these_settings_may_change_between_two_runs(tmp_path, setting):
    """A run may go on at another pace, with other windows, or in another format; and back."""
    before = read(learn(tmp_path, 30))
    after = read(learn(tmp_path, 40, **{setting: CHANGES[setting]}))
    assert after["n"] == 40 and after["Whh"].dtype == ("f8" if setting == "dtype" else "f4")
    assert (after["mWhh"] >= before["mWhh"]).all()  # Adagrad's memory is carried on, too
    assert read(learn(tmp_path, 41))["Whh"].dtype == "f4"


@pytest.mark.parametrize("max_iters", [30, 10])
def test_a_trained_model_prints_one_sample_and_ends(tmp_path, capsys, max_iters):
    """With n at max_iters or past it nothing is learnt and nothing saved: so a model is sampled."""
    before = learn(tmp_path, 30).read_bytes()
    capsys.readouterr()
    rnn = copy(tmp_path, max_iters=max_iters)
    rnn.save = rnn.lossFun = None  # not to be called
    rnn.main()
    printed = capsys.readouterr().out
    assert printed.count("\n----\n ") == 1 and "\niter" not in printed
    assert "\nstopped at iter 30, loss: " in printed
    assert (tmp_path / "model.npz").read_bytes() == before


def test_a_model_can_be_sampled_by_hand(tmp_path):
    """After an import load() fills the parameters, and sample() writes with them."""
    saved, rnn = read(learn(tmp_path, 30)), copy(tmp_path)
    n, p, hprev, smooth_loss = rnn.load()
    assert (n, p, smooth_loss) == (30, saved["p"], saved["smooth_loss"])
    assert (type(n), type(p), type(smooth_loss)) == (int, int, float)
    np.testing.assert_array_equal(hprev, saved["hprev"])
    np.testing.assert_array_equal(rnn.Why, saved["Why"])
    assert len(rnn.sample(hprev, 0, 9)) == 9


# ---- writing


def test_a_checkpoint_is_written_every_sample_every_iterations_and_at_the_end(tmp_path):
    """Not only at the end, which may never come."""
    path, seen = tmp_path / "model.npz", []

    def lossFun(inputs, targets, hprev):
        saved = read(path)
        seen.append(saved["n"])
        assert saved["hprev"].shape == hprev.shape  # from the first one on, it can be carried on
        return (1.0, *[np.zeros(1)] * 5, hprev)

    trained(copy(tmp_path, max_iters=8, sample_every=3), lossFun)
    assert [*seen, read(path)["n"]] == [0, 0, 0, 3, 3, 3, 6, 6, 8]


def test_no_file_is_written_but_the_checkpoint(tmp_path, monkeypatch):
    """Its name is as it was set, and the temporary file beside it is gone at the end.

    That one is not the user's and not another run's: the process's number is in its name.
    """
    moved, replace, number = [], Path.replace, str(os.getpid())
    monkeypatch.setattr(Path, "replace", lambda part, to: moved.append(part) or replace(part, to))
    names = ["model.npz", "model.part", f"model.{number}.part", "model.tmp"]
    for name in names:
        (tmp_path / name).write_text("the user's")
    copy(tmp_path, max_iters=5, checkpoint="model").train()
    assert sorted(os.listdir(tmp_path)) == sorted(["input.txt", "min_char_rnn.py", "model", *names])
    assert {(tmp_path / name).read_text() for name in names} == {"the user's"}
    assert len(moved) == 2
    assert all(number in part.name and part.parent == tmp_path for part in moved)


@pytest.mark.parametrize("step", ["write_bytes", "replace"])
def test_a_save_that_fails_leaves_the_old_checkpoint_and_nothing_else(tmp_path, monkeypatch, step):
    """A disk that is full half-way through, or a file that cannot be moved over the old one.

    It is found out at the start of a run, not at its next sample.
    """
    before, write_bytes = learn(tmp_path, 5).read_bytes(), Path.write_bytes

    def fails(path, content):
        if step == "write_bytes":
            write_bytes(path, content[:100])
        raise OSError(28, "No space left on device")

    rnn = copy(tmp_path, max_iters=9)
    rnn.lossFun = None  # not to be called
    monkeypatch.setattr(Path, step, fails)
    line = refusal(rnn.train)
    assert str(tmp_path / "model.npz") in line and "No space left" in line
    assert sorted(os.listdir(tmp_path)) == ["input.txt", "min_char_rnn.py", "model.npz"]
    assert (tmp_path / "model.npz").read_bytes() == before


no_utf8 = pytest.mark.skipif(os.name == "nt", reason="POSIX file names are bytes, here UTF-8")
NO_FILES = ["no such folder/model.npz", "input.txt/model.npz", "."]


@pytest.mark.parametrize("name", [*NO_FILES, pytest.param("\ud800", marks=no_utf8, id="no UTF-8")])
def test_a_checkpoint_that_cannot_be_written_is_named_at_the_start(tmp_path, capsys, name):
    """Not after an hour of learning: nothing is sampled or learnt before."""
    assert f"{tmp_path / name}: cannot be " in refusal(copy(tmp_path, checkpoint=name).train)
    assert "----" not in capsys.readouterr().out


@not_for_root
def test_in_a_folder_that_one_may_only_read_a_model_is_sampled_and_not_trained(tmp_path):
    """The first needs no file, and the second says at the start that it may write none."""
    path = learn(tmp_path, 30)
    sampling, training = copy(tmp_path, max_iters=30), copy(tmp_path, max_iters=40)
    tmp_path.chmod(0o500)
    assert sampling.train()[0] == 30
    assert f"{path}: cannot be written" in refusal(training.train)
    tmp_path.chmod(0o700)


def test_a_run_that_has_diverged_does_not_save(tmp_path):
    """A parameter that is not finite is never written over one that is."""
    rnn = copy(tmp_path, max_iters=9, sample_every=1, learning_rate=1e300)
    with np.errstate(all="ignore"):
        line = refusal(rnn.train)
    assert line.startswith("iter 1: ") and "lower learning_rate" in line
    saved = read(tmp_path / "model.npz")
    assert saved["n"] == 0 and all(np.isfinite(saved[name]).all() for name in NAMES)


# ---- reading


def test_another_models_checkpoint_is_refused_by_what_differs(tmp_path):
    """Both sizes, or the characters that only one of the two has, 20 at most; the file stays."""
    path = learn(tmp_path, 5)
    before, many = path.read_bytes(), [chr(0xAC00 + i) for i in range(30)]
    for text, size, words in [
        (TEXT, 13, "hidden_size.* 12.* 13"),
        (TEXT.replace("d", "D"), 12, re.escape("another text") + ".*" + re.escape("['D', 'd']")),
        (TEXT + "".join(many), 12, re.escape(str(many[:20]))),
    ]:
        line = refusal(copy(tmp_path, text, hidden_size=size).load)
        assert line.startswith(f"{path}: ") and re.search(words, line)
    assert path.read_bytes() == before


@pytest.mark.parametrize("what", ["a folder", pytest.param("mode 0", marks=not_for_root)])
def test_a_checkpoint_that_cannot_be_read_is_not_called_damaged(tmp_path, what):
    """The file may be whole: the line gives the system's reason."""
    path = tmp_path / "model.npz"
    path.mkdir() if what == "a folder" else learn(tmp_path, 5).chmod(0)
    assert f"{path}: cannot be read: " in refusal(copy(tmp_path).train)


class Bomb:
    """Unpickling this prints a word."""

    def __reduce__(self):
        return print, ("boom",)


def content(save, *args, **arrays):
    """The bytes that np.save or np.savez writes."""
    save(file := io.BytesIO(), *args, **arrays)
    return file.getvalue()


def damages(path):
    """What may lie in the checkpoint's place, by name: from an empty file to a pickle."""
    good, saved = path.read_bytes(), read(path)
    changes = {
        "pickles inside": {**saved, "by": np.array([Bomb()])},
        "not a number": {**saved, "by": saved["by"] * np.nan},
        "infinite": {**saved, "smooth_loss": np.inf},
        "another shape": {**saved, "by": saved["by"].T},
        "a single weight": {**saved, "by": saved["by"][:1]},
        "words": {**saved, "Wxh": saved["Wxh"].astype(str)},
    }
    for gone in [*NAMES, "hidden_size", "chars"]:
        changes[f"without {gone}"] = {name: saved[name] for name in saved if name != gone}
    return {
        "empty": b"",
        "one byte": good[:1],
        "cut in half": good[: len(good) // 2],
        "cut by one byte": good[:-1],
        "a text": b"hello\n" * 99,
        "a picture": b"\x89PNG\r\n\x1a\n" + bytes(99),
        "a single array": content(np.save, saved["Whh"]),
        "a pickle": pickle.dumps(Bomb()),
        **{name: content(np.savez, **arrays) for name, arrays in changes.items()},
    }


def test_a_damaged_checkpoint_is_refused_and_left_alone(tmp_path, capsys):
    """Whatever the file is, no code from it runs, one line names it, and it stays as it is."""
    path = learn(tmp_path, 5)
    for name, bad in damages(path).items():
        path.write_bytes(bad)
        assert f"{path}: not a checkpoint, or damaged" in refusal(copy(tmp_path).load), name
        assert path.read_bytes() == bad, name
    assert "boom" not in capsys.readouterr().out


def test_a_flipped_bit_is_noticed_or_does_no_harm(tmp_path):
    """An .npz carries checksums: no number in it changes unseen, and no traceback shows."""
    path, chance = learn(tmp_path, 5), random.Random(0)
    good, expected = path.read_bytes(), bits(path)
    for place in range(60):
        bad = bytearray(good)
        bad[chance.randrange(len(bad))] ^= 1 << (place % 8)
        path.write_bytes(bad)
        rnn = copy(tmp_path)
        try:
            rnn.save(*rnn.load())
            assert bits(path) == expected
        except SystemExit as end:
            assert "not a checkpoint, or damaged" in end.code
