"""For every test: a folder of its own, a bound on its time, and Python's own Ctrl-C."""

import faulthandler
import os
import signal

import pytest

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")  # before NumPy is imported
os.environ["PYTHONIOENCODING"] = "utf-8"  # of the processes that are started
os.environ.pop("PYTHONUNBUFFERED", None)  # the script itself writes each line out at once
os.environ.pop("PYTHONSAFEPATH", None)  # copies are imported from the working directory
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it


def pytest_configure():
    global stderr
    stderr = os.dup(2)  # the terminal's, before pytest captures what a test prints


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working directory, since the script's paths are relative to it."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def two_minutes():
    """Ends the tests if one of them takes longer than this; each takes seconds."""
    faulthandler.dump_traceback_later(120, exit=True, file=stderr)
    yield
    faulthandler.cancel_dump_traceback_later()


def pytest_enter_pdb():
    """Whoever looks around in a debugger has all the time that there is."""
    faulthandler.cancel_dump_traceback_later()
