"""How a run ends: Ctrl-C, a second one, a kill, `| head`, `| tee`, in a notebook."""

import os
import re
import signal
import sys
from io import StringIO
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen

import numpy as np
import pytest
from helpers import (
    CHECKPOINT,
    SMALL,
    TEXT,
    before_each_window,
    exec_script,
    exit_message,
    load_script,
    load_small,
    run,
    saved_bytes,
    saved_n,
    start,
    train_until,
    write_script,
)

LONG = dict(max_iters=10**5, checkpoint="model.npz")  # ends, if whoever stops it fails

needs_posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")


# ---- Ctrl-C


class StoppedAtOnce(Exception):
    """By a KeyboardInterrupt, which would end pytest itself."""


def exec_interrupted(script, moments):
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

    former = sys.gettrace()  # a debugger's, or that of what measures coverage
    sys.settrace(call)
    try:
        exec_script(script, "__main__")
    except KeyboardInterrupt as error:
        raise StoppedAtOnce from error
    finally:
        sys.settrace(former)
    return count


def test_ctrl_c_at_any_line_loses_nothing(capsys):
    """What was learnt is saved, a last sample is printed, and the run can be carried on.

    It comes before each line of a run in turn, those of save() and sample() too. Every
    fifth run is carried on, and is bit for bit the one that was never stopped."""
    settings = dict(seq_length=2, sample_every=2, sample_length=1, max_iters=4)
    script = write_script(**SMALL | settings)
    lines = exec_interrupted(script, set())
    expected = saved_bytes()
    assert lines > 200
    for moment in range(1, lines + 1):
        CHECKPOINT.unlink(missing_ok=True)
        capsys.readouterr()
        exec_interrupted(script, {moment})
        printed = capsys.readouterr().out
        ending = r"\n----\n . \n----\nstopped at iter (\d), loss: .*\n$"
        stopped = re.search(ending, printed)
        assert stopped, printed
        assert int(stopped[1]) == (saved_n() or 0)
        if moment == 1:  # before the first iteration
            assert stopped[1] == "0"
        if moment % 5 == 0:
            exec_script(script, "__main__")
            assert saved_bytes() == expected


def test_ctrl_c_in_a_save_that_fails_leaves_another_try(capsys, monkeypatch):
    """Whether a save is the last one was decided before it: an iteration later it works."""
    script = write_script(**SMALL | dict(checkpoint="folder/model.npz", sample_every=3))
    rnn = exec_script(script)

    class Errors(StringIO):
        def write(self, text):  # "iter 3: ... cannot be written"
            os.makedirs("folder", exist_ok=True)
            rnn.stop(None, None)

    monkeypatch.setattr(sys, "stderr", Errors())
    rnn.train()
    assert saved_n("folder/model.npz") == 4
    assert "stopped at iter 4," in capsys.readouterr().out


def test_after_ctrl_c_a_last_save_that_fails_ends_the_run_with_that_line():
    """The run has not ended well, and must not look so; then Ctrl-C is Python's own."""
    script = write_script(**SMALL | dict(checkpoint="no folder/model.npz", max_iters=99))
    line = exit_message(exec_interrupted, script, {99})
    assert "no folder/model.npz cannot be written: " in line
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_ends_the_run_at_once():
    """As it always does in Python; and the file is a whole one."""
    train_until(9)
    script = write_script(**SMALL | {"max_iters": float("inf"), "sample_every": 2})
    for first in range(10, 400, 10):
        with pytest.raises(StoppedAtOnce):
            exec_interrupted(script, {first, first + 3})
        assert saved_bytes()


@pytest.mark.parametrize("moments", [set(), {99}], ids=["by itself", "by Ctrl-C"])
def test_after_a_run_ctrl_c_is_pythons_own(moments):
    """As a prompt and a cell of a notebook have it."""
    exec_interrupted(write_script(**SMALL), moments)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_after_a_run_that_was_refused_ctrl_c_is_pythons_own():
    """Whoever sees the line in a notebook can interrupt the next cell."""
    CHECKPOINT.write_text("something else")
    assert "not a file" in exit_message(exec_script, write_script(**SMALL), "__main__")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_train_leaves_ctrl_c_to_python_in_an_imported_module():
    """Only a run of the file itself has its own ending."""
    rnn = load_small()
    before_each_window(rnn, lambda i: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        rnn.train()


# ---- Processes that are stopped


@needs_posix
@pytest.mark.parametrize("by", ["SIGINT", "SIGKILL"])
def test_a_process_stopped_three_times_ends_as_one_never_stopped(by):
    """Ctrl-C ends it as max_iters does; SIGKILL leaves no time to tidy up.

    A full pipe keeps each process from its end until it is stopped."""
    text = "".join(chr(0x1F300 + ord(ch)) for ch in TEXT)  # four bytes each
    expected = train_until(300, text)
    CHECKPOINT.unlink()
    settings = dict(max_iters=300, sample_every=1, sample_length=250)
    script = write_script(text, **SMALL | settings)
    for lines in 9, 30, 60:
        with start(script) as process:
            for _ in range(lines):
                process.stdout.readline()
            process.send_signal(signal.Signals[by])
            printed, errors = process.communicate()
        if by == "SIGINT":
            assert (process.returncode, errors) == (0, "")
            assert f"\nstopped at iter {saved_n()}, loss: " in printed
        else:
            assert process.returncode == -signal.SIGKILL
        assert 0 < saved_n() < 300
    n = saved_n()
    printed = run(script).stdout  # carried on to its end
    assert f"carrying on from model.npz at iter {n}\n" in printed
    assert saved_bytes() == expected


# ---- Terminals, pipes, notebooks


def run_in_a_shell(command, press_after=None):
    """Runs a command in a shell; Ctrl-C is pressed once this text has come.

    It goes to all commands of a pipe, as that of a terminal does. Returns what came, and
    the exit status."""
    bash = ["bash", "-c", command]
    with Popen(bash, stdout=PIPE, stderr=STDOUT, start_new_session=True) as shell:
        printed = b""
        while press_after and press_after not in printed:
            part = os.read(shell.stdout.fileno(), 4096)
            assert part, f"it ended after {printed.decode()}"
            printed += part
        if press_after:
            os.killpg(shell.pid, signal.SIGINT)
        printed += shell.communicate()[0]
    return printed.decode(), shell.returncode


def command(script):
    """What starts it in a shell."""
    return f'"{sys.executable}" "{script}"'


@needs_posix
def test_in_a_shell_ctrl_c_ends_the_run_with_a_last_sample():
    """The iteration that is printed is the one in the file."""
    script = write_script(**LONG | dict(sample_every=1000))
    printed, status = run_in_a_shell(command(script), b"iter 1000,")
    assert status == 0
    assert printed.startswith("data has ")
    stopped = re.search(r"\n----\nstopped at iter (\d+), loss: .*\n$", printed)
    assert stopped and int(stopped[1]) == saved_n() > 1000
    assert "Traceback" not in printed


@needs_posix
def test_ctrl_c_ends_tee_too_and_the_run_is_saved_quietly():
    """The save comes before the last sample, which nobody reads any more."""
    script = write_script(**LONG | dict(sample_every=10**9))
    printed, _ = run_in_a_shell(f"{command(script)} | tee log", b"iter 0,")
    assert printed.startswith("data has ")
    assert not re.search("Traceback|Error|Exception|stopped", printed)
    assert saved_n() > 0
    assert not list(Path().glob("*.part*"))


@needs_posix
def test_head_ends_the_run_quietly():
    """Nine lines are asked for, and nothing else is seen; what was saved is whole."""
    script = write_script(**LONG | dict(sample_every=500))
    printed, _ = run_in_a_shell(f"{command(script)} | head -n 9")
    assert printed.startswith("data has ")
    assert len(printed.splitlines()) == 9
    assert saved_n() % 500 == 0


def test_each_sample_shows_what_has_been_saved():
    """A print can fail, as behind `| head`: what was learnt before it is in the file."""
    rnn = load_small(sample_every=4)
    sample = rnn.sample
    seen = []

    def note(*args):
        seen.append(saved_n())
        return sample(*args)

    rnn.sample = note
    rnn.train()
    assert seen == [None, 4, 8, 9]


def test_lines_are_written_out_at_once():
    """Into a pipe too: the first one is there before the run has come to its save."""
    with start(write_script(**LONG | dict(sample_every=10**9))) as process:
        assert process.stdout.readline() == "data has 240 characters, 15 unique.\n"
        assert not CHECKPOINT.exists()
        process.kill()


@needs_posix
def test_a_closed_pipe_gives_a_status_that_is_not_0():
    """As Python's documentation has it: what should have been printed is not."""
    with start(write_script(sample_every=1, max_iters=10**5)) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 1
        assert process.stderr.read() == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device here")
def test_a_full_disk_under_the_output_is_not_silent():
    """Only a reader that has gone away is: what cannot be written is an error."""
    printed, status = run_in_a_shell(f"{command(write_script(max_iters=3))} > /dev/full")
    assert status != 0
    assert "No space left on device" in printed


def test_a_cell_of_a_notebook_can_hold_the_whole_source(monkeypatch):
    """There is no __file__ there, and the output is no terminal and no file."""
    script = write_script(**SMALL)
    monkeypatch.setattr(sys, "stdout", StringIO())
    cell = exec_script(script, "__main__")
    assert not hasattr(cell, "__file__")
    assert "\nstopped at iter 9, " in sys.stdout.getvalue()


@pytest.mark.parametrize("checkpoint", [None, "", "model.npz"])
def test_the_last_line_says_whether_something_was_kept(capsys, checkpoint):
    """A newcomer who has trained for an hour learns here which setting would keep it."""
    load_small(checkpoint=checkpoint).train()
    last_line = capsys.readouterr().out.splitlines()[-1]
    if checkpoint:
        assert last_line.startswith("stopped at iter 9")
    else:
        assert last_line.startswith("nothing was saved")
        assert last_line.endswith(' set checkpoint = "model.npz"')


def test_an_import_prints_and_trains_nothing(monkeypatch):
    """So its functions can be used by hand."""
    monkeypatch.setattr(sys, "stdout", StringIO())
    rnn = load_script(**SMALL)
    assert (rnn.mWxh == 10).all()
    assert sys.stdout.getvalue() == ""
    assert rnn.sample(np.zeros((12, 1)), 0, 3)
    assert sorted(os.listdir()) == ["input.txt", "min_char_rnn.py"]
