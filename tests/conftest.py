"""For every test: an empty folder of its own, one thread, and Python's own Ctrl-C.

The tests, in the order in which they are best read: test_gradients, test_main_loop,
test_sampling, test_learning, test_checkpoint, test_endings, test_settings, test_readme."""

import os
import re
import signal

import pytest
from helpers import README, ROOT, SCRIPT, settings_table

os.environ["OMP_NUM_THREADS"] = "1"  # PyTorch's
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


@pytest.fixture
def shipped_settings():
    """Skips where a setting of the script differs from the README's table."""
    source = SCRIPT.read_text(encoding="utf-8")
    for name, default in settings_table():
        if not re.search(rf"(?m)^{name} = {re.escape(default)}(  #|$)", source):
            pytest.skip(f"{name} is edited")


@pytest.fixture
def shipped_text(shipped_settings):
    """The text as it ships; skips where it is not the one in the README's first block."""
    path = ROOT / "input.txt"
    text = path.read_bytes().decode(errors="replace") if path.exists() else ""
    text = text.replace("\r\n", "\n")
    if f"data has {len(text)} characters, {len(set(text))} unique." not in README:
        pytest.skip("input.txt is edited")
    return text
