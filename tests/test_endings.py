"""How a run ends: Ctrl-C, a second one, a kill, a closed pipe, in a notebook."""

import os
import re
import signal
import sys
from io import StringIO
from subprocess import PIPE, Popen

import pytest
from helpers import (
    CHECKPOINT,
    checkpoint_bytes,
    execute,
    exit_line,
    import_copy,
    iterations_saved,
    record_calls,
    reported_end,
    train_until,
    write_copy,
)

LONG = dict(max_iters=10**5, sample_every=500)  # ends, if whoever stops it fails

needs_posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")


class StoppedAtOnce(Exception):
    """Stands for KeyboardInterrupt, which would end pytest where it is not expected."""


def execute_interrupted(script, moments):
    """Executes a copy; Ctrl-C comes just before the m-th line, for each m in moments.

    Only lines of the script's functions count. Returns the module and their number."""
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
        rnn = execute(script, "__main__")
    except KeyboardInterrupt as error:
        raise StoppedAtOnce from error
    finally:
        sys.settrace(former)
    return rnn, count


# ---- Ctrl-C


def test_ctrl_c_at_any_line_loses_nothing(capsys):
    """At any line of a function: what was learnt is saved, and Ctrl-C is Python's again.

    Every fifth run is carried on, and is bit for bit the one that was never stopped."""
    script = write_copy(seq_length=2, sample_every=2, sample_length=1, max_iters=4)
    _, lines = execute_interrupted(script, set())
    expected = checkpoint_bytes()
    assert lines > 200
    for moment in range(lines + 1):  # at 0 nothing interrupts it
        CHECKPOINT.unlink(missing_ok=True)
        capsys.readouterr()
        execute_interrupted(script, {moment})
        printed = capsys.readouterr().out
        assert re.search(r"\n----\n . \n----\n.+\n$", printed), printed
        n, _ = reported_end(printed)
        assert n == (iterations_saved() or 0)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if moment == 1:  # before the first iteration
            assert n == 0
        if moment % 5 == 0:
            execute(script, "__main__")
            assert checkpoint_bytes() == expected


def test_after_ctrl_c_train_can_be_called_again():
    """In the next cell of a notebook, or at a prompt: it learns on, and saves."""
    rnn, _ = execute_interrupted(write_copy(max_iters=99), {99})
    n = iterations_saved()
    assert 0 < n < 99
    rnn.train()
    after = checkpoint_bytes()
    assert iterations_saved() == 99
    CHECKPOINT.unlink()
    train_until(99)
    assert checkpoint_bytes() == after


def test_ctrl_c_before_a_save_that_fails_leaves_another_try():
    """Whether a save is the last one was decided before it: an iteration later it works."""
    rnn = import_copy(checkpoint="folder/model.npz")
    record_calls(rnn, "save", before=lambda: rnn.stop(None, None))
    record_calls(rnn, "lossFun", before=lambda: rnn.interrupted and os.mkdir("folder"))
    rnn.train()
    assert iterations_saved("folder/model.npz") == 5


@pytest.mark.parametrize("moments", [set(), {99}], ids=["by itself", "by Ctrl-C"])
def test_a_run_whose_last_save_fails_gives_ctrl_c_back(moments):
    """It ends with a line and a status that are not those of a run that went well."""
    script = write_copy(checkpoint="no folder/model.npz", max_iters=49)
    assert "no folder/model.npz" in exit_line(execute_interrupted, script, moments)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_ends_the_run_at_once():
    """As it always does in Python; and the file is a whole one."""
    train_until(9)
    script = write_copy(max_iters=float("inf"))
    for first in range(10, 400, 10):
        with pytest.raises(StoppedAtOnce):
            execute_interrupted(script, {first, first + 3})
        assert checkpoint_bytes()


def test_train_leaves_ctrl_c_to_python_in_an_imported_module():
    """Only a run of the file itself has its own ending."""
    rnn = import_copy()
    record_calls(rnn, "lossFun", before=lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        rnn.train()


# ---- Processes


def start(script, stdout=PIPE):
    """A process that runs a copy, to be stopped by whoever starts it."""
    return Popen([sys.executable, script], stdout=stdout, stderr=PIPE, encoding="utf-8")


def read_until_saved(process):
    """Reads its lines until there is a checkpoint. Each comes at once, or this waits."""
    while not CHECKPOINT.exists():
        assert process.stdout.readline()


@needs_posix
@pytest.mark.parametrize("by", ["SIGINT", "SIGKILL"])
def test_a_process_that_is_stopped_leaves_the_weights_of_a_run_to_that_iteration(by):
    """Ctrl-C ends it as max_iters does; SIGKILL leaves no time to tidy up."""
    with start(write_copy(**LONG)) as process:
        read_until_saved(process)
        process.send_signal(signal.Signals[by])
        printed, errors = process.communicate()
    n = iterations_saved()
    if by == "SIGINT":
        assert (process.returncode, errors) == (0, "")
        assert reported_end(printed)[0] == n
    else:
        assert process.returncode == -signal.SIGKILL
        assert n % 500 == 0
    stopped = checkpoint_bytes()
    CHECKPOINT.unlink()
    train_until(n, sample_every=10**9)
    assert checkpoint_bytes() == stopped


@needs_posix
@pytest.mark.parametrize("other", ["head", "tee"])
def test_a_closed_pipe_ends_the_run_quietly_with_status_1(other):
    """As behind `| head`, or `| tee`, which Ctrl-C ends too. The status is not 0, as not
    all could be printed."""
    with start(write_copy(**LONG)) as process:
        read_until_saved(process)
        process.stdout.close()
        if other == "tee":
            process.send_signal(signal.SIGINT)
        assert process.wait(60) == 1
        assert process.stderr.read() == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device here")
def test_a_full_disk_under_the_output_is_not_silent():
    """Only a reader that has gone away is: what cannot be written is an error."""
    with open("/dev/full", "w") as full, start(write_copy(), full) as process:
        assert "No space left on device" in process.stderr.read()
        assert process.wait(60) != 0


def test_a_cell_of_a_notebook_can_hold_the_whole_source(monkeypatch):
    """The output is no terminal and no file there."""
    script = write_copy()
    monkeypatch.setattr(sys, "stdout", StringIO())
    execute(script, "__main__")
    assert reported_end(sys.stdout.getvalue())[0] == 9
