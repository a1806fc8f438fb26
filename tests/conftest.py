"""For every test: one BLAS thread, a bound on its time, and Python's own Ctrl-C."""

import faulthandler
import os
import signal

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")  # before NumPy is imported
os.environ["PYTHONIOENCODING"] = "utf-8"  # of the processes that are started
os.environ.pop("PYTHONUNBUFFERED", None)  # the script itself writes each line out at once
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a background job
stderr = os.dup(2)  # the terminal's, whatever pytest captures


def pytest_runtest_setup():
    """Ends the tests if one of them takes two minutes; each takes seconds."""
    faulthandler.dump_traceback_later(120, exit=True, file=stderr)
