"""What the tests and the benchmark share: copies of the script with other settings."""

import os
import re
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE, Popen
from types import ModuleType

import numpy as np

SCRIPT = Path(__file__).parent.parent / "min_char_rnn.py"
TEXT = "the cat sat on the mat; the dog sat on the log. " * 5


def edited(folder, text=TEXT, **settings):
    """Writes a copy of the script, its settings edited, and its text (None: no text)."""
    source = SCRIPT.read_text(encoding="utf-8")
    for name, value in settings.items():  # nan and np.float32 as one writes them
        code = re.sub(r"\b(nan|inf)\b|<class 'numpy\.(\w+)'>", r"np.\1\2", repr(value))
        before, _, after = re.split(rf"(?m)^({name} = .*)$", source)
        source = f"{before}{name} = {code}{after}"
    script = Path(folder, "min_char_rnn.py")
    script.write_text(source, encoding="utf-8")
    if text is not None:
        text = text.encode() if isinstance(text, str) else text
        Path(folder, "input.txt").write_bytes(text)
    return script


def imported(script):
    """Imports a copy, anew each time; returns the module, its weights in `params`."""
    rnn = ModuleType("min_char_rnn")
    rnn.__file__ = str(script)
    exec(compile(script.read_bytes(), script, "exec"), vars(rnn))
    rnn.params = [rnn.Wxh, rnn.Whh, rnn.Why, rnn.bh, rnn.by]
    return rnn


def model(folder, hidden_size=6, vocab_size=5, dtype=np.float64, size=1.0, **settings):
    """An imported copy whose parameters are random and not tiny."""
    text = "".join(chr(ord("A") + i) for i in range(vocab_size)) * 60
    rnn = imported(edited(folder, text, hidden_size=hidden_size, dtype=dtype, **settings))
    for i, param in enumerate(rnn.params):
        param[:] = np.random.default_rng(i).normal(0, size / hidden_size**0.5, param.shape)
    return rnn


def refusal(call, *args):
    """The one line with which this call ends the program."""
    try:
        call(*args)
    except SystemExit as end:
        assert "\n" not in end.code
        return end.code
    raise AssertionError("nothing was refused")


def run(*arguments, **env):
    """Runs Python to its end, as a user would; returns its output and its exit status."""
    options = dict(env={**os.environ, **env}, encoding="utf-8", timeout=60)
    return subprocess.run([sys.executable, *arguments], capture_output=True, **options)


def start(script):
    """A process that runs a copy; after a `with` its output is closed, which ends it."""
    return Popen([sys.executable, script], stdout=PIPE, stderr=PIPE, text=True)
