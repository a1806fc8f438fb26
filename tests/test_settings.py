"""What people do to a script: edited settings, odd texts, poor terminals."""

import os
import re
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pytest
from helpers import (
    TEXT,
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

KOREAN = "안녕하세요. 나는 글자를 하나씩 읽고 다음 글자를 배웁니다.\n" * 30
COUNTS = ["hidden_size", "seq_length", "sample_every", "sample_length"]
POSITIVE = ["learning_rate", "temperature"]
WRONG = [(name, value) for name in COUNTS for value in (0, -3, 1 - 1e-9)]
WRONG += [(name, value) for name in POSITIVE for value in (0, -0.1)]
WRONG += [("adagrad_start", -0.1)]
WRONG += [(name, float("nan")) for name in [*COUNTS, *POSITIVE, "adagrad_start"]]
RIGHT = [
    ("input_file", os.path.join("folder", "other.txt")),
    ("encoding", "ascii"),
    ("hidden_size", 1),
    ("seq_length", 1),
    ("seq_length", len(TEXT) - 1),
    ("learning_rate", 1e-30),
    ("adagrad_start", 0),
    ("temperature", 7),
    ("sample_every", 1),
    ("sample_length", 1),
    ("max_iters", 7.0),
    ("checkpoint", os.path.join("folder", "model.npz")),
    ("checkpoint", ""),
    ("dtype", np.float64),
    ("seed", 123456789),
]
ODD = dict(  # texts of
    one_character="a" * 60,
    nul="ab\0" * 30,
    emoji="a😀 é" * 20,
    hangul=KOREAN,
    jamo=normalize("NFD", KOREAN),
)
UNUSABLE = dict(  # texts, settings, and what is said of them
    missing=(None, {}, "input_file = 'input.txt'.*No such file"),
    folder=(TEXT, dict(input_file=os.curdir), r"input_file = '\.'"),
    no_utf8=(b"a\xff" * 99, {}, "input_file = 'input.txt'.*utf-8.*decode.*byte 0xff"),
    unknown=(TEXT, dict(encoding="utf9"), "input_file = 'input.txt'.*unknown"),
)


# ---- Settings


@pytest.mark.parametrize("setting, value", WRONG)
def test_a_wrong_setting_is_refused_with_its_name_in_the_line(setting, value):
    """The script would go on with nonsense, or fail with a riddle far below."""
    line = exit_line(import_copy, **{setting: value})
    assert re.search(rf"\b{setting}\b", line)


@pytest.mark.parametrize("setting, value", RIGHT)
def test_changing_any_one_setting_works(capsys, setting, value):
    """The settings are the interface."""
    os.mkdir("folder")
    Path("folder/other.txt").write_text(TEXT[::-1])
    rnn = import_copy(**{setting: value})
    assert rnn.data == (TEXT[::-1] if setting == "input_file" else TEXT)
    rnn.train()
    n, _ = reported_end(capsys.readouterr().out)
    assert n == (7 if setting == "max_iters" else 9)


def test_max_iters_0_without_a_model_writes_a_sample_of_an_untrained_one(capsys):
    """From a zero state and the text's first character; and nothing is saved."""
    rnn = import_copy(max_iters=0)
    calls = record_calls(rnn, "sample")
    rnn.train()
    ((h, ix, _), _) = calls[0]
    assert (h.any(), rnn.ix_to_char[ix]) == (False, TEXT[0])
    assert reported_end(capsys.readouterr().out)[0] == 0
    assert sorted(os.listdir()) == ["input.txt", "min_char_rnn.py"]


@pytest.mark.parametrize("setting, value", [("max_iters", "10"), ("input_file", 3.5)])
def test_a_setting_of_the_wrong_kind_shows_pythons_traceback(setting, value):
    """Nothing hides it: Python names the line, before anything is learnt."""
    result = run_python(write_copy(**{setting: value}))
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("TypeError")
    assert "iter 0" not in result.stdout


# ---- Texts


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_text_that_cannot_be_read_is_named_with_the_folder(kind):
    """An editor's Run button may start the script elsewhere than one thinks."""
    text, settings, words = UNUSABLE[kind]
    line = exit_line(import_copy, text, **settings)
    assert re.search(words, line)
    assert os.getcwd() in line


@pytest.mark.parametrize("length", [0, 7])
def test_a_text_that_is_too_short_is_refused_with_both_numbers(length):
    """A window needs seq_length characters, and one more as the last target."""
    line = exit_line(import_copy, "a" * length)
    assert re.search(rf"input_file = 'input.txt'.*\b{length}\b.*\b8\b", line)
    assert import_copy("a" * 8).data_size == 8


@pytest.mark.parametrize("kind", ODD)
def test_any_characters_are_learnt_and_carried_on(kind):
    """A character is a character: a syllable, or its parts where a file has these."""
    for n in 20, 30:
        assert train_until(n, ODD[kind]).data == ODD[kind]
    assert iterations_saved() == 30


def test_a_text_in_cp949_is_read_by_the_setting():
    """As Korean editors on Windows write it."""
    assert import_copy(KOREAN.encode("cp949"), encoding="cp949").data == KOREAN


def test_line_ends_are_newlines_and_the_byte_order_mark_is_dropped():
    """A text saved on Windows is the same text."""
    rnn = import_copy(b"\xef\xbb\xbf" + b"one\r\ntwo\rthree\n\r\n" * 9)
    assert rnn.data == "one\ntwo\nthree\n\n" * 9


# ---- Surroundings


def test_the_locale_does_not_matter_and_a_poor_terminal_shows_question_marks():
    """The system's encoding neither changes the text nor ends the run."""
    env = dict(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    result = run_python(write_copy(KOREAN), PYTHONIOENCODING="ascii", **env)
    assert (result.returncode, result.stderr) == (0, "")
    assert set(read_checkpoint()["chars"]) == set(KOREAN)
    assert result.stdout.isascii() and "?" in result.stdout


def test_one_thread_is_asked_of_openblas_before_numpy_is_imported():
    """OpenBLAS looks then. What a user has set stays.

    A NumPy that only says what it sees stands in for the real one."""
    write_copy()
    Path("numpy.py").write_text("import os; exit(os.environ['OPENBLAS_NUM_THREADS'])")
    unset = "import os; del os.environ['OPENBLAS_NUM_THREADS']; import min_char_rnn"
    assert run_python("-c", unset).stderr == "1\n"
    assert run_python("-c", "import min_char_rnn", OPENBLAS_NUM_THREADS="2").stderr == "2\n"
