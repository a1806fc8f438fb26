"""For every test: an empty folder of its own, one thread, and Python's own Ctrl-C.

The tests, in the order in which they are best read:
    test_gradients    lossFun: the numeric check first, then autograd and step by step
    test_commentary   the main loop, passage by passage of "rnn 주해 2편"
    test_sampling     sample
    test_learning     that the whole learns, whatever it is given
    test_checkpoint   save and load
    test_endings      Ctrl-C, kills, pipes, notebooks
    test_faults       wrong settings, odd texts, poor terminals
    test_readme       that the page is true
and the programs, which the tests use or check:
    step_by_step      lossFun and sample, one time step after the other; prints an example
    in_pytorch        the model and the main loop in PyTorch
    held_out          the network against counting, on text that was not learnt from
    figures           prints the samples and figures of the page
    benchmark         how fast the script is
    helpers           what they share
How long a test may take, and which warnings fail it, stands in .pytest.ini."""

import os
import signal

import pytest

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")  # before NumPy is imported
os.environ["PYTHONIOENCODING"] = "utf-8"  # of the processes that are started
os.environ.pop("PYTHONUNBUFFERED", None)  # the script itself writes each line out at once
os.environ.pop("PYTHONSAFEPATH", None)  # copies are imported from the working directory
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working directory, since the script's paths are relative to it."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def ctrl_c():
    """Whatever a test has made of Ctrl-C, the next one finds Python's own."""
    yield
    signal.signal(signal.SIGINT, signal.default_int_handler)
