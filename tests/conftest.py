"""For every test: a bound on its time, and the Ctrl-C that Python has by itself."""

import faulthandler
import os
import signal

import pytest

stderr = os.dup(2)  # the terminal's, whatever pytest captures
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it


@pytest.fixture(autouse=True)
def bounded():
    """Ends the tests if one of them takes two minutes; each takes seconds."""
    faulthandler.dump_traceback_later(120, exit=True, file=stderr)
    yield
    faulthandler.cancel_dump_traceback_later()
