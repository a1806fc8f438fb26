"""What people do to a script: wrong settings, odd texts, Ctrl-C, closed pipes, small terminals."""

import contextlib
import os
import re
import runpy
import signal
import subprocess
import sys
from pathlib import Path
from signal import SIGINT, SIGTERM

import numpy as np
import pytest
from helpers import TEXT, edited, imported, refusal, run, start

KOREAN = "안녕하세요. 나는 글자를 하나씩 읽고 다음 글자를 배웁니다.\n" * 30
posix = pytest.mark.skipif(os.name == "nt", reason="signals to another process, FIFOs: POSIX")


# ---- settings

ABOVE_0, FINITE = "a whole number (int) above 0", "finite, above 0 (float)"
COUNT = [0, -3, 2.5, 10.0, "10", True, float("nan"), float("inf"), [5], np.int64(5)]
FLOAT = [-0.1, float("nan"), float("inf"), -float("inf"), "0.1", True, 10**400, np.float64(0.1)]
NAME = ["", "  ", "a\0b", 5, True, ["input.txt"]]
SETTINGS = {  # what each must be, values that it may not have, and values that it may have
    "input_file": ("a file name (str)", [*NAME, None], ["input.txt"]),
    "hidden_size": (ABOVE_0, [*COUNT, None], [1]),
    "seq_length": (ABOVE_0, [*COUNT, None], [1, len(TEXT) - 1]),
    "learning_rate": (FINITE, [*FLOAT, 0, 0.0, None], [1, 1e-30]),
    "adagrad_start": ("from 0 to 1e30 (float)", [*FLOAT, 1.1e30, None], [0, 10.0, 1e30]),
    "temperature": (FINITE, [*FLOAT, 0, 0.0, None], [7, 1e-300]),
    "sample_every": (ABOVE_0, [*COUNT, None], [1]),
    "sample_length": (ABOVE_0, [*COUNT, None], [1]),
    "max_iters": (f"{ABOVE_0} or None", COUNT, [1]),
    "checkpoint": ("a file name (str) or None", NAME, ["other name.npz", "no_ending"]),
    "dtype": ("np.float32 or np.float64", [np.float16, np.int32, "float32", None], [np.float64]),
    "seed": ("a whole number (int), 0 or more", [-1, *COUNT[2:], None], [0, 123456789]),
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_wrong_setting_is_named_with_its_value_and_what_it_must_be(tmp_path, setting):
    """One line, in words that are true of the value, before anything is read: there is no text."""
    must_be, wrong, _ = SETTINGS[setting]
    for value in wrong:
        line = refusal(imported, edited(tmp_path, None, **{setting: value}))
        assert line.startswith(f"{setting} is {value!r}; ") and line.endswith(must_be)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("prefix", [None, "my_"], ids=["deleted", "misspelt"])
def test_a_setting_that_is_deleted_or_misspelt_is_named(tmp_path, setting, prefix):
    """One line says which is missing; it is not a NameError from somewhere below."""
    script = edited(tmp_path)
    source = script.read_text(encoding="utf-8")
    source = re.sub(rf"(?m)^{setting} = .*\n", rf"{prefix}\g<0>" if prefix else "", source)
    script.write_text(source, encoding="utf-8")
    line = refusal(imported, script)
    assert line.startswith(f"{setting} is ") and "missing" in line
    assert line.endswith(SETTINGS[setting][0])


def test_a_wrong_setting_ends_the_program_with_one_line(tmp_path):
    """As the user sees it: no traceback, exit status not 0."""
    result = run(edited(tmp_path, hidden_size=-5))
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert result.stderr.startswith("hidden_size is -5; ")


@pytest.mark.parametrize("setting, value", [(n, v) for n in SETTINGS for v in SETTINGS[n][2]])
def test_changing_any_one_setting_works(tmp_path, capsys, setting, value):
    """The settings are the interface: each line can be changed by itself."""
    settings = {"max_iters": 7, "sample_every": 3, setting: value}
    imported(edited(tmp_path, **settings)).main()
    end = rf"\niter 0, loss: \d+\.\d{{6}}\n(.*\n)+stopped at iter {settings['max_iters']}, "
    assert re.search(end, capsys.readouterr().out)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype, rate", [(np.float32, 1e38), (np.float64, 1e307)])
def test_a_loss_that_is_not_finite_ends_the_run(tmp_path, dtype, rate):
    """Too large a step: the line gives the iteration and the way out; no warnings around it."""
    line = refusal(imported(edited(tmp_path, learning_rate=rate, dtype=dtype, max_iters=99)).main)
    assert re.fullmatch(r"iter \d+: .*(nan|inf); lower learning_rate", line)


# ---- the text

A, MARK, CUT = b"a" * 25, b"\xef\xbb\xbf", b"abc\xc3"
UNUSABLE = {
    "missing": (None, ["input_file"]),
    "a folder": (Path.mkdir, ["input_file"]),
    "empty": (b"", ["0 characters", "26"]),
    "short": (A, ["25 characters", "26"]),
    "short, with a byte-order mark": (MARK + A, ["25 characters", "26"]),
    "one wrong byte": (A * 800 + b"\xff" + A, [" 20000", "save it as UTF-8"]),
    "cut off in a character": (MARK + CUT, [" 6", "save it as UTF-8"]),
    "cp949": ("한글".encode("cp949") * 99, [" 0", "save it as UTF-8"]),
    "utf-16": ("abc".encode("utf-16") * 99, [" 0", "save it as UTF-8"]),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_a_text_that_cannot_be_used_is_named(tmp_path, what):
    """The line gives the path, what is wrong with the file, and what would be right."""
    (text, words), path = UNUSABLE[what], tmp_path / "input.txt"
    if text is Path.mkdir:
        text = path.mkdir()
    line = refusal(imported, edited(tmp_path, text))
    assert line.startswith(f"{path}: ") and all(word in line for word in words)
    assert text is None or path.read_bytes() == text


@pytest.mark.parametrize("text", ["a" * 60, "a\0b" * 30, "naïve café 😀 " * 9, KOREAN], ids=ascii)
def test_any_characters_can_be_learnt(tmp_path, capsys, text):
    """One character only, NUL, accents, emoji, Hangul: a character is a character."""
    settings = dict(sample_every=10, checkpoint="model.npz")
    imported(edited(tmp_path, text, max_iters=20, **settings)).main()
    counted = f"data has {len(text)} characters, {len(set(text))} unique.\n"
    assert capsys.readouterr().out.startswith(counted)
    assert imported(edited(tmp_path, text, max_iters=30, **settings)).train()[0] == 30


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_are_newlines_and_the_byte_order_mark_is_dropped(tmp_path, end):
    """A text saved on Windows is the same text (CRLF, BOM)."""
    text = MARK + f"one{end}two{end}{end}".encode() * 9
    assert imported(edited(tmp_path, text)).data == "one\ntwo\n\n" * 9


def test_the_text_is_utf8_and_a_poor_terminal_shows_question_marks(tmp_path):
    """Korean Windows would read cp949, and a bare C locale ASCII; both must read UTF-8.

    What such a terminal cannot show is replaced, and the run goes on.
    """
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    result = run(edited(tmp_path, KOREAN, max_iters=5), PYTHONIOENCODING="ascii", **env)
    counted = f"data has {len(KOREAN)} characters, {len(set(KOREAN))} unique."
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(counted) and result.stdout.isascii() and "?" in result.stdout


def test_the_text_is_looked_up_beside_the_script(tmp_path, monkeypatch):
    """It does not matter from which folder the script is started."""
    script = edited(tmp_path, input_file="other.txt")
    (tmp_path / "input.txt").rename(tmp_path / "other.txt")
    monkeypatch.chdir(tmp_path.parent)
    assert imported(script).data == TEXT


# ---- stopping


def handlers():
    """What Ctrl-C and SIGTERM do in this process."""
    return signal.getsignal(SIGINT), signal.getsignal(SIGTERM)


def main_with(rnn, *numbers):
    """Runs main(); in its third iteration these signals arrive."""
    lossFun, calls = rnn.lossFun, []

    def interrupted(*args):
        calls.append(args)
        assert len(calls) <= 3, "the run goes on"
        for number in numbers if len(calls) == 3 else ():
            signal.raise_signal(number)
        return lossFun(*args)

    rnn.lossFun = interrupted
    rnn.main()


@pytest.mark.parametrize("checkpoint", [None, "model.npz"])
@pytest.mark.parametrize("number", [SIGINT, SIGTERM])
def test_a_signal_ends_the_run_after_the_iteration_under_way(tmp_path, capsys, number, checkpoint):
    """Ctrl-C and SIGTERM alike: a last sample, a last save, a last line that is true of both."""
    before = handlers()
    rnn = imported(edited(tmp_path, sample_every=100, checkpoint=checkpoint))
    main_with(rnn, number)
    last = capsys.readouterr().out.split(" \n----\n")[-1]
    kept = ", saved to model.npz" if checkpoint else ""
    assert re.fullmatch(rf"stopped at iter 3, loss: \d+\.\d{{6}}{kept}\n", last)
    if checkpoint:
        n, _, _, smooth_loss = rnn.load()
        assert n == 3 and f"loss: {smooth_loss:f}," in last
    assert handlers() == before


def test_a_second_ctrl_c_does_not_wait_and_the_handlers_are_given_back(tmp_path):
    """It interrupts as Python's own does, whatever is under way."""
    before = handlers()
    with pytest.raises(KeyboardInterrupt):
        main_with(imported(edited(tmp_path)), SIGINT, SIGINT)
    assert handlers() == before


def test_what_stopped_one_run_does_not_stop_the_next(tmp_path, capsys):
    """In `python -i` main() can be called again after a Ctrl-C."""
    rnn = imported(edited(tmp_path, max_iters=9))
    lossFun = rnn.lossFun
    main_with(rnn, SIGINT)
    rnn.lossFun = lossFun
    rnn.main()
    assert re.findall(r"stopped at iter (\d)", capsys.readouterr().out) == ["3", "9"]


def test_an_import_runs_nothing_and_a_refused_start_gives_the_handlers_back(tmp_path, capsys):
    """The functions can be tried by hand; Ctrl-C there is Python's own."""
    before = handlers()
    rnn = imported(edited(tmp_path, checkpoint="no such folder/model.npz"))
    assert handlers() == before and capsys.readouterr().out == "" and not rnn.mWxh.any()
    assert "cannot be written" in refusal(rnn.main)
    assert handlers() == before


def test_an_interactive_python_keeps_its_own_ctrl_c(tmp_path, monkeypatch):
    """`python -i` and IPython's %run go on after the run, and there Ctrl-C must not end Python."""
    script, before = edited(tmp_path, max_iters=1), handlers()
    code = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    assert run("-i", script, input=code).stdout.endswith("True\n")
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    runpy.run_path(str(script), run_name="__main__")
    assert handlers() == before


@posix
@pytest.mark.parametrize("number, lines", [(SIGINT, 2), (SIGINT, 40), (SIGTERM, 15)])
def test_a_signal_from_outside_ends_with_status_0(tmp_path, number, lines):
    """The usual way to stop, as the user sees it: no traceback, and how far it came."""
    with start(edited(tmp_path, sample_every=1, sample_length=5)) as process:
        for _ in range(lines):
            process.stdout.readline()
        process.send_signal(number)
        last = process.stdout.read().splitlines()[-1]
        assert re.fullmatch(r"stopped at iter \d+, loss: \d+\.\d{6}", last)
        assert (process.wait(), process.stderr.read()) == (0, "")


@posix
def test_a_second_ctrl_c_ends_the_longest_sample_at_once(tmp_path):
    """The first waits for the sample under way, the next one does not.

    The first line is there before the sample: each line is written out at once, into a pipe, too.
    """
    with start(edited(tmp_path, sample_length=10**7)) as process:
        assert process.stdout.readline().startswith("data has ")
        times = 0
        while process.poll() is None:
            process.send_signal(SIGINT)
            times += 1
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)  # two at the same instant would be one
        assert times > 1 and process.returncode == -SIGINT
        assert (process.stdout.read(), process.stderr.read()) == ("", "")


@posix
def test_ctrl_c_while_numpy_is_imported_shows_no_traceback(tmp_path):
    """NumPy's import can take seconds: a stub of it says that it has begun, and waits."""
    (tmp_path / "numpy.py").write_text("print('begun', flush=True)\ninput()")
    with start(edited(tmp_path)) as process:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(SIGINT)
        assert (process.wait(), process.stderr.read()) == (-SIGINT, "")


@posix
def test_ctrl_c_while_the_text_is_a_pipe_ends_at_once(tmp_path):
    """Nobody writes into it, and the script waits."""
    os.mkfifo(tmp_path / "input.txt")
    with start(edited(tmp_path, None)) as process:
        with open(tmp_path / "input.txt", "wb"):  # opens when the script has opened it, too
            process.send_signal(SIGINT)
            assert (process.wait(), process.stderr.read()) == (-SIGINT, "")


# ---- the output, and the reader's own mistakes


def test_a_closed_pipe_ends_the_run_quietly(tmp_path):
    """`python min_char_rnn.py | head` prints its lines and leaves no trace behind them."""
    with start(edited(tmp_path, sample_every=1)) as process:
        for _ in range(10):
            process.stdout.readline()
        process.stdout.close()
        assert (process.wait(), process.stderr.read()) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")
def test_a_full_disk_under_the_output_is_named(tmp_path):
    """One line with the system's reason, and an exit status that says so, too."""
    with open("/dev/full", "w") as full:
        result = run(edited(tmp_path, max_iters=9), stdout=full)
    expected = "the output cannot be written: No space left on device\n"
    assert (result.returncode, result.stderr) == (1, expected)


@pytest.mark.parametrize("mistake", ["open('gone.txt')", "{}['gone.txt']", "int('gone.txt')"])
def test_a_mistake_of_the_readers_own_shows_pythons_traceback(tmp_path, mistake):
    """Nothing hides it: an open() that fails in lossFun is not the output's fault either."""
    edited(tmp_path)
    code = f"import min_char_rnn as rnn; rnn.lossFun = lambda *_: {mistake}; rnn.main()"
    result = run("-c", code, PYTHONPATH=str(tmp_path))
    assert result.returncode == 1 and result.stderr.startswith("Traceback")
    assert "gone.txt" in result.stderr.splitlines()[-1]
