"""What people do to a script: wrong settings, odd texts, Ctrl-C, closed pipes, small terminals."""

import os
import random
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
from conftest import check_refusal

KOREAN = "안녕하세요. 나는 글자를 하나씩 읽고 다음 글자를 배웁니다.\n" * 30
posix_only = pytest.mark.skipif(os.name == "nt", reason="signals as on Linux and macOS")


# ---- settings


WHOLE = [0, -3, 2.5, 10.0, "10", True, float("nan"), float("inf"), [5]]
POSITIVE = [0, 0.0, -0.1, float("nan"), float("inf"), -float("inf"), "0.1", True, None, 10**400]
WRONG = {
    "input_file": ["", "  ", 5, None, ["input.txt"]],
    "hidden_size": [*WHOLE, None],
    "seq_length": [*WHOLE, None],
    "learning_rate": POSITIVE,
    "temperature": POSITIVE,
    "sample_every": [*WHOLE, None],
    "sample_length": [*WHOLE, None],
    "max_iters": WHOLE,
    "checkpoint": ["", 5, True],
    "dtype": [np.float16, np.int32, "float32", 32, None],
    "seed": [-1, 1.5, "0", True, None, float("nan")],
}


@pytest.mark.parametrize("setting", WRONG)
def test_a_wrong_setting_is_named_with_its_value_and_what_it_may_be(module, setting):
    """One line says which setting, what it is, and what it must be, before anything is read."""
    for value in WRONG[setting]:
        with pytest.raises(SystemExit) as ended:
            module(text=None, **{setting: value})  # no text: settings are looked at first
        shown = repr(value) if not isinstance(value, type) else value.__name__
        message = ended.value.code
        assert message.startswith(f"{setting} is ") and shown in message and "\n" not in message
        assert re.search("; it must be .*(whole|number|file name|np.float32)", message)


def test_a_wrong_setting_ends_the_program_with_one_line(run):
    """As the user sees it: no traceback, exit status not 0."""
    result = run(hidden_size=-5, max_iters=1)
    check_refusal(result, "hidden_size is -5", "whole number above 0")
    assert result.stdout == ""


@pytest.mark.parametrize(
    "settings",
    [
        dict(hidden_size=1),
        dict(seq_length=1),
        dict(seq_length=239),
        dict(learning_rate=1),
        dict(learning_rate=1e-30),
        dict(temperature=7),
        dict(sample_every=1),
        dict(sample_length=1),
        dict(max_iters=1),
        dict(dtype=np.float64),
        dict(seed=123456789),
        dict(checkpoint="other name.npz"),
        dict(checkpoint="no_ending"),
    ],
    ids=str,
)
def test_changing_any_one_setting_works(run, settings):
    """The settings are the interface: each line can be changed by itself."""
    result = run(**{"max_iters": 7, "sample_every": 3, **settings})
    assert (result.returncode, result.stderr) == (0, "")
    assert re.search(r"\niter 0, loss: \d+\.\d{6}\n", result.stdout)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_loss_that_is_not_finite_ends_the_run(run, dtype):
    """Too large a step: the line gives the iteration and the way out; no warnings around it."""
    result = run(learning_rate=1e307 if dtype is np.float64 else 1e38, dtype=dtype, max_iters=99)
    check_refusal(result, "iter ", "lower learning_rate")


# ---- the text


@pytest.mark.parametrize(
    "text, words",
    [
        (None, ["input_file"]),
        (b"", ["0 characters", "26"]),
        (b"a" * 25, ["25 characters", "26"]),
        (b"\xef\xbb\xbf" + b"a" * 25, ["25 characters", "26"]),
        (b"a" * 20000 + b"\xff" + b"a" * 100, ["byte 20000", "save it as UTF-8"]),
        ("한글".encode("cp949") * 99, ["byte 0", "save it as UTF-8"]),
        ("abc".encode("utf-16") * 99, ["byte 0", "save it as UTF-8"]),
        (b"\xef\xbb\xbfabc\xc3", ["byte 6", "save it as UTF-8"]),
    ],
    ids=["missing", "empty", "short", "short with mark", "byte", "cp949", "utf-16", "cut off"],
)
def test_a_text_that_cannot_be_used_is_named(run, tmp_path, text, words):
    """The line gives the path, what is wrong with the file, and what would be right."""
    check_refusal(run(text, max_iters=1), tmp_path / "input.txt", *words)
    assert text is None or (tmp_path / "input.txt").read_bytes() == text


def test_a_folder_is_not_a_text(run, tmp_path):
    """A folder where the text should be is named, too."""
    (tmp_path / "input.txt").mkdir()
    check_refusal(run(None, max_iters=1), tmp_path / "input.txt")


def test_the_shortest_text_trains(run):
    """seq_length + 1 characters are enough: one window, again and again."""
    assert run("ab" * 13, max_iters=5).returncode == 0


@pytest.mark.parametrize("text", ["a" * 60, "a\x00b" * 30, "naïve café 😀 " * 9, KOREAN], ids=ascii)
def test_any_characters_can_be_learnt(run, text):
    """One character only, NUL, accents, emoji, Hangul: a character is a character."""
    result = run(text, max_iters=20, sample_every=10, checkpoint="model.npz")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"data has {len(text)} characters, {len(set(text))} unique.\n")
    assert run(text, max_iters=30, checkpoint="model.npz").returncode == 0


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_are_newlines_and_the_byte_order_mark_is_dropped(module, end):
    """A text saved on Windows is the same text (CRLF, BOM)."""
    rnn = module(b"\xef\xbb\xbf" + f"one{end}two{end}{end}".encode() * 9)
    assert rnn.data == "one\ntwo\n\n" * 9
    assert rnn.chars == sorted("one\ntw")


def test_the_text_is_utf8_whatever_the_locale(run):
    """Korean Windows would read cp949, and a bare C locale ASCII; both must read UTF-8."""
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    result = run(KOREAN, max_iters=1, env=env)
    assert f"data has {len(KOREAN)} characters, {len(set(KOREAN))} unique." in result.stdout


def test_a_terminal_that_knows_only_ascii_shows_question_marks(run):
    """A character that cannot be shown is replaced, and the run goes on."""
    result = run(KOREAN, max_iters=5, env={"PYTHONIOENCODING": "ascii"})
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.isascii() and "?" in result.stdout


def test_the_text_is_looked_up_beside_the_script(copy, tmp_path):
    """It does not matter from which folder the script is started."""
    script = copy(max_iters=1)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "input.txt").write_text("xyz" * 50)
    result = subprocess.run([sys.executable, script], cwd=elsewhere, capture_output=True)
    assert result.stdout.startswith(b"data has 240 characters")


# ---- stopping


@posix_only
@pytest.mark.parametrize("moment", range(8))
def test_ctrl_c_ends_with_one_line_and_status_0(start, moment):
    """The usual way to stop: the last line tells how far it came."""
    process = start(sample_every=1, sample_length=5)
    for _ in range(random.Random(moment).randrange(1, 60)):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert re.fullmatch(r"stopped at iter \d+, loss: \d+\.\d{6}", stdout.splitlines()[-1])
    assert (process.returncode, stderr) == (0, "")


@posix_only
def test_ctrl_c_saves_the_iteration_that_it_names(start, tmp_path):
    """What the last line says is what the checkpoint holds."""
    process = start(sample_every=10**9, checkpoint="model.npz")
    for _ in range(4):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    last = process.communicate(timeout=60)[0].splitlines()[-1]
    with np.load(tmp_path / "model.npz") as saved:
        assert last == f"stopped at iter {saved['n']}, loss: {saved['smooth_loss']:f}"


def test_a_closed_pipe_ends_the_run_quietly(start):
    """`python min_char_rnn.py | head` prints its lines and leaves no trace behind them."""
    process = start(sample_every=1)
    for _ in range(10):
        process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == ""
    process.stdout = open(os.devnull)  # for the tidying up


def test_output_arrives_with_each_sample(start):
    """Through a pipe, too, the first sample is there while the run goes on."""
    process = start(sample_every=10**9, sample_length=5)  # a second sample would take hours
    lines = [process.stdout.readline() for _ in range(2)]
    while not lines[-1].startswith("iter 0, loss: "):
        lines.append(process.stdout.readline())
        assert lines[-1], "the output has ended"
    assert process.poll() is None
