"""checkpoint: a run can be stopped at any instant, carried on, and trusted."""

import io
import os
import pickle
import random

import numpy as np
import pytest
from conftest import check_refusal

NAMES = "Wxh Whh Why bh by mWxh mWhh mWhy mbh mby hprev n p smooth_loss".split()
SMALL = dict(hidden_size=12, seq_length=7, sample_length=5, checkpoint="model.npz")


def read(path):
    """All that a checkpoint holds, by name."""
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def assert_same_run(one, other):
    """The two files hold the same numbers, bit for bit."""
    one, other = read(one), read(other)
    for name in [*NAMES, "chars"]:
        assert one[name].tobytes() == other[name].tobytes(), name


@pytest.fixture
def never_stopped(run, tmp_path):
    """never_stopped(n): the checkpoint of a run of n iterations that nothing disturbed."""

    def never_stopped(n, **settings):
        run(max_iters=n, **{**SMALL, **settings})
        return (tmp_path / "model.npz").rename(tmp_path / "never_stopped.npz")

    return never_stopped


@pytest.mark.parametrize("stops", [[25, 50, 110], [1, 2, 3, 110], [109, 110]])
def test_a_run_carried_on_ends_as_one_never_stopped(run, never_stopped, tmp_path, stops):
    """Parameters, memory, hprev, n, p and smooth_loss: every bit, whenever it was stopped."""
    expected = never_stopped(110)
    for n in stops:
        assert run(max_iters=n, **SMALL).returncode == 0
    assert_same_run(tmp_path / "model.npz", expected)


def test_carrying_on_is_said_and_begins_where_the_run_ended(run):
    """The second run names the file and the iteration, and counts on from there."""
    run(max_iters=20, sample_every=10, **SMALL)
    lines = run(max_iters=40, sample_every=10, **SMALL).stdout.splitlines()
    assert lines[1] == "carrying on from model.npz at iter 20"
    said = [line.split(",")[0] for line in lines if line.startswith("iter ")]
    assert said == ["iter 20", "iter 30"]


@pytest.mark.skipif(os.name == "nt", reason="kills as on Linux and macOS")
@pytest.mark.parametrize("series", range(3))
def test_a_run_killed_at_many_instants_ends_as_one_never_stopped(
    start, never_stopped, copy, tmp_path, series
):
    """SIGKILL leaves no time to tidy up: what is on disk must be whole at every instant."""
    expected = never_stopped(60, sample_every=1)
    script, chance = copy(max_iters=60, sample_every=1, **SMALL), random.Random(series)
    kills = 0
    while kills < 99:
        process = start(script=script)
        for _ in range(chance.randrange(1, 60)):
            process.stdout.readline()
        process.kill()
        if process.wait() == 0:
            break
        kills += 1
        if (tmp_path / "model.npz").exists():
            assert {*NAMES, "chars"} <= set(read(tmp_path / "model.npz"))
    assert 3 < kills < 99
    assert_same_run(tmp_path / "model.npz", expected)


def test_a_checkpoint_is_written_every_sample_every_iterations_and_at_the_end(watch, tmp_path):
    """Not only at the end, which may never come."""
    seen = []

    def lossFun(inputs, targets, hprev):
        seen.append(int(read(tmp_path / "model.npz")["n"]))
        return (1.0, *[np.zeros(1)] * 5, hprev)

    watch(max_iters=8, sample_every=3, lossFun=lossFun, **SMALL)
    assert seen == [0, 0, 0, 3, 3, 3, 6, 6]
    assert read(tmp_path / "model.npz")["n"] == 8


def test_nothing_else_is_left_beside_the_checkpoint(run, tmp_path):
    """The name is as it was set, and the temporary file is gone."""
    run(max_iters=5, **{**SMALL, "checkpoint": "model"})
    assert sorted(os.listdir(tmp_path)) == ["input.txt", "min_char_rnn.py", "model"]


@pytest.mark.parametrize("max_iters", [30, 10])
def test_a_trained_model_prints_one_sample_and_ends(run, tmp_path, max_iters):
    """With n at max_iters or past it nothing more is learnt: so a model is sampled."""
    run(max_iters=30, **SMALL)
    (tmp_path / "before.npz").write_bytes((tmp_path / "model.npz").read_bytes())
    result = run(max_iters=max_iters, **SMALL)
    assert result.returncode == 0
    assert result.stdout.count("\n----\n ") == 1 and "loss" not in result.stdout
    assert_same_run(tmp_path / "model.npz", tmp_path / "before.npz")


@pytest.mark.parametrize(
    "changed",
    [dict(learning_rate=0.01), dict(seq_length=11), dict(temperature=0.5), dict(dtype=np.float64)],
    ids=str,
)
def test_these_settings_may_change_between_two_runs(run, tmp_path, changed):
    """A run may go on at another pace, with other windows, or in another format."""
    run(max_iters=30, **SMALL)
    result = run(max_iters=40, **{**SMALL, **changed})
    assert (result.returncode, result.stderr) == (0, "")
    saved = read(tmp_path / "model.npz")
    assert saved["n"] == 40 and saved["Whh"].dtype == changed.get("dtype", np.float32)


@pytest.mark.parametrize(
    "text, settings, words",
    [
        (None, dict(hidden_size=13), ["hidden_size", "12", "13"]),
        ("abcabd " * 40, {}, ["chars", "'c'", "'d'", "';'"]),
    ],
    ids=["hidden_size", "chars"],
)
def test_another_models_checkpoint_is_refused(run, copy, tmp_path, text, settings, words):
    """The line says which of the two differs, and both values; the file stays as it is."""
    run(max_iters=5, **SMALL)
    before = (tmp_path / "model.npz").read_bytes()
    result = run(**({"text": text} if text else {}), max_iters=9, **{**SMALL, **settings})
    check_refusal(result, tmp_path / "model.npz", *words)
    assert (tmp_path / "model.npz").read_bytes() == before


class Bomb:
    """Unpickling this creates a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def npz(**arrays):
    """The bytes of an .npz with these arrays."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npy(array):
    """The bytes of an .npy with this array."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


DAMAGE = {
    "empty": lambda good, saved, bomb: b"",
    "one byte": lambda good, saved, bomb: good[:1],
    "cut in half": lambda good, saved, bomb: good[: len(good) // 2],
    "cut by one byte": lambda good, saved, bomb: good[:-1],
    "a text": lambda good, saved, bomb: b"hello\n" * 99,
    "a picture": lambda good, saved, bomb: b"\x89PNG\r\n\x1a\n" + bytes(99),
    "a single array": lambda good, saved, bomb: npy(saved["Whh"]),
    "a pickle": lambda good, saved, bomb: pickle.dumps(Bomb(bomb)),
    "pickles inside": lambda good, saved, bomb: npz(**{**saved, "by": np.array([Bomb(bomb)])}),
    "not a number": lambda good, saved, bomb: npz(**{**saved, "by": saved["by"] * np.nan}),
    "another shape": lambda good, saved, bomb: npz(**{**saved, "by": saved["by"].T}),
    "words": lambda good, saved, bomb: npz(**{**saved, "Wxh": saved["Wxh"].astype(str)}),
    **{
        f"without {name}": lambda good, saved, bomb, name=name: npz(
            **{key: value for key, value in saved.items() if key != name}
        )
        for name in [*NAMES, "chars"]
    },
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_checkpoint_is_refused_and_left_alone(run, tmp_path, damage):
    """Whatever the file is, no code from it runs, one line names it, and it stays as it is."""
    run(max_iters=5, **SMALL)
    path, bomb = tmp_path / "model.npz", tmp_path / "bomb"
    path.write_bytes(DAMAGE[damage](path.read_bytes(), read(path), bomb))
    before = path.read_bytes()
    check_refusal(run(max_iters=9, **SMALL), path, "not a checkpoint")
    assert path.read_bytes() == before
    assert not bomb.exists()


@pytest.mark.parametrize("place", range(12))
def test_a_flipped_bit_is_noticed_or_does_no_harm(run, tmp_path, place):
    """An .npz carries checksums: no number in it changes unseen, and no traceback shows."""
    run(max_iters=5, **SMALL)
    path = tmp_path / "model.npz"
    good = read(path)
    content = bytearray(path.read_bytes())
    content[random.Random(place).randrange(len(content))] ^= 1 << (place % 8)
    path.write_bytes(content)
    result = run(max_iters=5, **SMALL)
    if result.returncode == 0:
        assert all(read(path)[name].tobytes() == good[name].tobytes() for name in good)
    else:
        check_refusal(result, path, "not a checkpoint")
        assert path.read_bytes() == content


@pytest.mark.parametrize("name", ["no such folder/model.npz", "input.txt/model.npz", "."])
def test_a_checkpoint_that_cannot_be_written_is_named_at_the_start(run, tmp_path, name):
    """Not after an hour of learning: nothing is sampled or learnt before."""
    result = run(**{**SMALL, "checkpoint": name})
    check_refusal(result, tmp_path / name)
    assert "----" not in result.stdout


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_folder_without_permission_is_named_at_the_start(run, copy, tmp_path):
    """The same for a folder in which one may only read."""
    copy(checkpoint="model.npz")
    tmp_path.chmod(0o500)
    result = run(script=tmp_path / "min_char_rnn.py")
    tmp_path.chmod(0o700)
    check_refusal(result, tmp_path / "model.npz")


def test_a_full_disk_leaves_the_old_checkpoint(run, copy, tmp_path):
    """The new file is written beside the old one, which gives way only to a whole one.

    And a run that carries on finds out at once, not at its next sample.
    """
    pytest.importorskip("resource")
    run(max_iters=5, **SMALL)
    before = (tmp_path / "model.npz").read_bytes()
    limited = tmp_path / "limited.py"
    limit = (
        f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) // 2},) * 2)\n"
    )
    script = copy(max_iters=2000, sample_every=1999, **SMALL).read_text()
    limited.write_text(script.replace("import os\n", "import os\n" + limit, 1))
    result = run(script=limited)
    check_refusal(result, tmp_path / "model.npz", "cannot be written")
    assert len(result.stdout.splitlines()) == 1
    assert (tmp_path / "model.npz").read_bytes() == before


def test_a_run_that_has_diverged_does_not_save(run, tmp_path):
    """A parameter that is not finite is never written over one that is."""
    result = run(max_iters=9, sample_every=1, learning_rate=1e300, **SMALL)
    check_refusal(result, "iter 1", "lower learning_rate")
    saved = read(tmp_path / "model.npz")
    assert saved["n"] == 0 and all(np.isfinite(saved[name]).all() for name in NAMES)
