"""How a run ends: Ctrl-C, a second one, a kill, `| head`, `| tee`, in a notebook."""

import os
import re
import signal
import sys
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from helpers import (
    CHECKPOINT,
    SMALL,
    TEXT,
    before_each_window,
    contents,
    edited,
    executed,
    imported,
    iteration,
    learnt,
    run,
    small,
    start,
)


def interrupted(script, moments):
    """Executes a copy; Ctrl-C comes just before the m-th line, for each m in moments.

    Only lines of the script's functions count. Returns how many were executed."""
    count = 0

    def line(frame, event, _):
        nonlocal count
        if event == "line":
            count += 1
            if count in moments:
                signal.raise_signal(signal.SIGINT)
        return line

    def call(frame, *_):
        inside = frame.f_code.co_filename == str(script)
        return line if inside and frame.f_code.co_name[0] != "<" else None  # no <module>

    sys.settrace(call)
    try:
        executed(script, "__main__")
    finally:
        sys.settrace(None)
    return count


# ---- Ctrl-C


def test_ctrl_c_at_any_line_loses_nothing(capsys):
    """What was learnt is saved, a last sample is printed, and the run can be carried on.

    It comes before each line of a run in turn, those of save() and sample() too. Every
    fifth run is carried on, and is bit for bit the one that was never stopped."""
    settings = dict(seq_length=2, sample_every=2, sample_length=1, max_iters=4)
    script = edited(**SMALL | settings)
    lines = interrupted(script, set())
    expected = contents()
    assert lines > 200
    for moment in range(1, lines + 1):
        CHECKPOINT.unlink(missing_ok=True)
        capsys.readouterr()
        interrupted(script, {moment})
        printed = capsys.readouterr().out
        stopped = re.search(
            r"\n----\n . \n----\nstopped at iter (\d), loss: .*\n$", printed
        )
        assert stopped, printed
        assert int(stopped[1]) == (iteration() or 0)
        if moment == 1:  # before the first iteration
            assert stopped[1] == "0"
        if moment % 5 == 0:
            executed(script, "__main__")
            assert contents() == expected


def test_a_second_ctrl_c_ends_the_run_at_once():
    """As it always does in Python; and the file is a whole one."""
    learnt(9)
    script = edited(**SMALL | {"max_iters": float("inf"), "sample_every": 2})
    former = signal.getsignal(signal.SIGINT)
    for first in range(10, 400, 10):
        with pytest.raises(KeyboardInterrupt):
            interrupted(script, {first, first + 3})
        assert signal.getsignal(signal.SIGINT) is former
        assert contents()


@pytest.mark.parametrize("ending", ["by itself", "by Ctrl-C"])
def test_after_a_run_ctrl_c_is_what_it_was(ending):
    """A prompt and a notebook have their own."""
    pressed = []
    former = signal.signal(signal.SIGINT, lambda *_: pressed.append("Ctrl-C"))
    try:
        interrupted(edited(**SMALL), {99} if ending == "by Ctrl-C" else set())
        assert not pressed
        signal.raise_signal(signal.SIGINT)
        assert pressed
    finally:
        signal.signal(signal.SIGINT, former)


def test_train_leaves_ctrl_c_to_python_in_an_imported_module():
    """Only a run of the file itself has its own ending."""
    rnn = small()
    before_each_window(rnn, lambda i: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        rnn.train()


# ---- Processes that are stopped


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("by", ["SIGINT", "SIGKILL"])
def test_a_process_stopped_three_times_ends_as_one_never_stopped(by):
    """Ctrl-C ends it as max_iters does; SIGKILL leaves no time to tidy up.

    A full pipe keeps each process from its end until it is stopped."""
    text = "".join(chr(0x1F300 + ord(ch)) for ch in TEXT)  # four bytes each
    expected = learnt(300, text)
    CHECKPOINT.unlink()
    settings = dict(max_iters=300, sample_every=1, sample_length=250)
    script = edited(text, **SMALL | settings)
    for lines in 9, 30, 60:
        with start(script) as process:
            for _ in range(lines):
                process.stdout.readline()
            process.send_signal(signal.Signals[by])
            printed, errors = process.communicate()
        if by == "SIGINT":
            assert (process.returncode, errors) == (0, "")
            assert f"\nstopped at iter {iteration()}, loss: " in printed
        else:
            assert process.returncode == -signal.SIGKILL
        assert 0 < iteration() < 300
    n = iteration()
    printed = run(script).stdout  # carried on to its end
    assert f"carrying on from model.npz at iter {n}\n" in printed
    assert contents() == expected


# ---- Terminals, pipes, notebooks


def in_a_terminal(command, press_after):
    """Runs a command in a pseudo-terminal; Ctrl-C is pressed once this text has come.

    A terminal sends Ctrl-C to all commands of a pipe. Returns what came, and the status.
    What comes is printed as well, which a test's capfd takes."""
    pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminal")
    printed = b""
    pressed = False

    def read(terminal):
        nonlocal printed, pressed
        if press_after and press_after in printed and not pressed:
            os.write(terminal, b"\x03")
            pressed = True
        part = os.read(terminal, 4096)
        printed += part
        return part

    status = pty.spawn(["bash", "-c", command], read)
    return printed.decode().replace("\r\n", "\n"), status


def test_in_a_terminal_ctrl_c_ends_the_run_with_a_last_sample(capfd):
    """The iteration that is printed is the one in the file."""
    script = edited(sample_every=1000, checkpoint="model.npz")
    printed, status = in_a_terminal(f'"{sys.executable}" "{script}"', b"iter 1000,")
    assert status == 0
    assert printed.startswith("data has ")
    stopped = re.search(r"\n----\nstopped at iter (\d+), loss: .*\n$", printed)
    assert stopped and int(stopped[1]) == iteration() > 1000
    assert "Traceback" not in printed


def test_ctrl_c_ends_tee_too_and_the_run_is_saved_quietly(capfd):
    """The save comes before the last sample, which nobody reads any more."""
    script = edited(sample_every=500, checkpoint="model.npz")
    printed, _ = in_a_terminal(f'"{sys.executable}" "{script}" | tee log', b"iter 1000,")
    assert printed.startswith("data has ")
    assert not re.search("Traceback|Error|Exception|stopped", printed)
    assert iteration() >= 1000
    assert not list(Path().glob("*.part*"))


def test_head_ends_the_run_quietly(capfd):
    """Nine lines are asked for, and nothing else is seen; what was saved is whole."""
    script = edited(sample_every=500, checkpoint="model.npz")
    printed, _ = in_a_terminal(f'"{sys.executable}" "{script}" | head -n 9', None)
    assert printed.startswith("data has ")
    assert len(printed.splitlines()) == 9
    assert iteration() % 500 == 0


def test_lines_are_written_out_at_once():
    """Into a pipe too: the first one is there before the run has come to its save."""
    script = edited(max_iters=5000, sample_every=5000, checkpoint="model.npz")
    with start(script) as process:
        assert process.stdout.readline() == "data has 240 characters, 15 unique.\n"
        assert not CHECKPOINT.exists()
        process.communicate()


@pytest.mark.skipif(os.name == "nt", reason="Windows has another error for a closed pipe")
def test_a_closed_pipe_gives_a_status_that_is_not_0():
    """As Python's documentation has it: what should have been printed is not."""
    with start(edited(sample_every=1)) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 1
        assert process.stderr.read() == ""


def test_a_cell_of_a_notebook_can_hold_the_whole_source(monkeypatch):
    """There is no __file__ there, and the output is no terminal and no file."""
    script = edited(**SMALL)
    monkeypatch.setattr(sys, "stdout", StringIO())
    cell = executed(script, "__main__")
    assert not hasattr(cell, "__file__")
    assert "\nstopped at iter 9, " in sys.stdout.getvalue()


def test_an_import_prints_and_trains_nothing(monkeypatch):
    """So its functions can be used by hand."""
    monkeypatch.setattr(sys, "stdout", StringIO())
    rnn = imported(**SMALL)
    assert not rnn.mWxh.any()
    assert sys.stdout.getvalue() == ""
    assert rnn.sample(np.zeros((12, 1)), 0, 3)
    assert sorted(os.listdir()) == ["input.txt", "min_char_rnn.py"]
