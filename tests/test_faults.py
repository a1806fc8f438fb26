"""What people do to a script: edited settings, odd texts, poor terminals."""

import os
import re
import sys
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pytest
from helpers import TEXT, exec_script, exit_message, load_script, run, write_script

KOREAN = "안녕하세요. 나는 글자를 하나씩 읽고 다음 글자를 배웁니다.\n" * 30
ODD = dict(  # texts of
    one_character="a" * 60,
    nul="ab\0" * 30,
    emoji="a😀 é" * 20,
    hangul=KOREAN,
    jamo=normalize("NFD", KOREAN),  # left as they are, as the page says
)
UNUSABLE = dict(  # texts, and what is said of them
    missing=(None, "No such file or directory: 'input.txt'$"),
    empty=("", " 0 characters, needs 26$"),
    short=("a" * 25, " 25 characters, needs 26$"),
    no_utf8=(b"a\xff" * 99, "codec can't decode"),
    cp949=("안녕하세요 ".encode("cp949") * 30, "codec can't decode"),
)
COUNTS = ["hidden_size", "seq_length", "sample_every", "sample_length"]
RULES = {
    **{name: "must be 1 or more" for name in COUNTS},
    "learning_rate": "must be above 0",
    "temperature": "must be above 0",
    "adagrad_start": "adagrad_start 0 or more",
}
WRONG = [(name, value) for name in COUNTS for value in (0, -3, 1 - 1e-9)]
WRONG += [("learning_rate", 0), ("learning_rate", -0.1)]
WRONG += [("temperature", 0), ("temperature", -0.1), ("adagrad_start", -0.1)]
WRONG += [(name, float("nan")) for name in RULES]
RIGHT = dict(
    input_file=["other.txt", os.path.join("folder", "other.txt")],
    hidden_size=[1, np.int64(5)],
    seq_length=[1, len(TEXT) - 1, np.int64(5)],
    learning_rate=[1, 1e-30, np.float32(0.1)],
    adagrad_start=[0, 10.0, np.float32(0.1)],
    temperature=[7, 1e-30, np.float32(0.1)],
    sample_every=[1, np.int64(5)],
    sample_length=[1, np.int64(5)],
    max_iters=[0, 1, 7.0],
    checkpoint=["model.npz", os.path.join("folder", "model.npz"), ""],
    dtype=[np.float64],
    seed=[0, 123456789],
)


# ---- Settings


@pytest.mark.parametrize("setting, value", WRONG)
def test_a_wrong_setting_is_refused_with_its_rule(setting, value):
    """The script would go on with nonsense, or fail with a riddle far below."""
    line = exit_message(exec_script, write_script(**{setting: value}))
    assert line.startswith(("hidden_size, ", "learning_rate and "))
    assert setting in line
    assert RULES[setting] in line
    assert line.endswith((" 1 or more", " 0 or more"))


@pytest.mark.parametrize("setting", RIGHT)
def test_changing_any_one_setting_works(capsys, setting):
    """The settings are the interface; and a number may be one of NumPy's."""
    os.mkdir("folder")
    other = TEXT[::-1]
    Path("other.txt").write_text(other)
    Path("folder/other.txt").write_text(other)
    for value in RIGHT[setting]:
        settings = {"max_iters": 7, "sample_every": 3, setting: value}
        rnn = load_script(**settings)
        assert rnn.data == (other if setting == "input_file" else TEXT)
        rnn.train()
        n = int(settings["max_iters"])
        printed = capsys.readouterr().out
        assert re.search(rf"(?s)\n----\n .* \n----\nstopped at iter {n}, loss: \d", printed)
        assert ("\niter 0, loss: " in printed) == (n > 0)


MISTAKES = dict(max_iters="10", hidden_size="10", input_file=3.5)


@pytest.mark.parametrize("setting", MISTAKES)
def test_a_mistake_of_the_readers_own_shows_pythons_traceback(setting):
    """Nothing hides it: Python names the line, before anything is learnt."""
    result = run(write_script(checkpoint="model.npz", **{setting: MISTAKES[setting]}))
    assert result.returncode == 1
    assert result.stderr.startswith("Traceback")
    assert result.stderr.splitlines()[-1].startswith("TypeError")
    assert "iter 0" not in result.stdout


# ---- Texts


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_text_that_cannot_be_used_is_named(kind):
    """With the setting, its value, and what is wrong."""
    text, words = UNUSABLE[kind]
    line = exit_message(exec_script, write_script(text))
    assert line.startswith("input_file = 'input.txt': ")
    assert re.search(words, line)


def test_a_folder_is_no_text():
    """Nor does it end in a traceback."""
    os.mkdir("folder")
    line = exit_message(exec_script, write_script(input_file="folder"))
    assert line.startswith("input_file = 'folder': ")


@pytest.mark.parametrize("kind", ODD)
def test_any_characters_are_learnt_and_carried_on(capsys, kind):
    """One character only, NUL, emoji, Hangul, its parts: a character is a character."""
    text = ODD[kind]
    for n in 20, 30:
        load_script(text, max_iters=n, checkpoint="model.npz").train()
    printed = capsys.readouterr().out
    assert f"data has {len(text)} characters, {len(set(text))} unique.\n" in printed
    assert "carrying on from model.npz at iter 20\n" in printed


def test_line_ends_are_newlines_and_the_byte_order_mark_is_dropped():
    """A text saved on Windows is the same text."""
    rnn = load_script(b"\xef\xbb\xbf" + b"one\r\ntwo\rthree\n\r\n" * 9)
    assert rnn.data == "one\ntwo\nthree\n\n" * 9


# ---- Surroundings


def test_the_text_is_utf8_and_a_poor_terminal_shows_question_marks():
    """The system's locale neither changes the text nor ends the run."""
    env = dict(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    result = run(write_script(KOREAN, max_iters=5), PYTHONIOENCODING="ascii", **env)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"{len(KOREAN)} characters, {len(set(KOREAN))} unique" in result.stdout
    assert result.stdout.isascii() and "?" in result.stdout


def test_pythons_development_mode_finds_nothing():
    """No file is left open, nothing is deprecated; with a checkpoint that is carried on."""
    for n in 5, 9:
        script = write_script(max_iters=n, sample_every=3, checkpoint="model.npz")
        # On Apple's processors some versions of NumPy warn of a dot product in vain.
        fatal = "error::ResourceWarning" if sys.platform == "darwin" else "error"
        result = run("-X", "dev", "-W", fatal, script)
        assert (result.returncode, result.stderr) == (0, "")


def test_paths_are_relative_to_the_working_directory():
    """Like everybody's: the text and the checkpoint are not looked up beside the script."""
    script = write_script(max_iters=3, checkpoint="model.npz")
    os.mkdir("elsewhere")
    os.rename("input.txt", "elsewhere/input.txt")
    os.chdir("elsewhere")
    assert run(script).returncode == 0
    assert sorted(os.listdir()) == ["input.txt", "model.npz"]


def test_one_thread_is_asked_of_openblas_before_numpy_is_imported():
    """OpenBLAS looks then. More make a small network slower; what a user has set stays.

    A NumPy that only says what it sees stands in for the real one."""
    write_script()
    Path("numpy.py").write_text("import os; exit(os.environ['OPENBLAS_NUM_THREADS'])")
    unset = "import os; del os.environ['OPENBLAS_NUM_THREADS']; import min_char_rnn"
    assert run("-c", unset).stderr == "1\n"
    assert run("-c", "import min_char_rnn", OPENBLAS_NUM_THREADS="2").stderr == "2\n"
