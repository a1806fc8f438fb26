"""What the tests and the benchmark share: copies of the script with other settings."""

import importlib.util
import itertools
import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from types import SimpleNamespace

import numpy as np

SCRIPT = Path(__file__).parent.parent / "min_char_rnn.py"
TEXT = "the cat sat on the mat; the dog sat on the log. " * 5

fresh = itertools.count()
sys.dont_write_bytecode = True  # a cache would not notice a copy edited twice in one second


def edited(folder, text=TEXT, **settings):
    """Writes a copy of the script, its settings' lines edited as a user would, and its text.

    text: what input.txt holds, str or bytes; None: it is not written. Returns the copy's path.
    """
    source = SCRIPT.read_text(encoding="utf-8")
    for name, value in settings.items():
        if isinstance(value, np.generic):
            code = f"np.{type(value).__name__}({value})"
        elif isinstance(value, type):
            code = f"np.{value.__name__}"
        else:
            code = f"float('{value}')" if isinstance(value, float) else repr(value)
        source, found = re.subn(rf"(?m)^{name} = .*$", lambda _, c=f"{name} = {code}": c, source)
        assert found == 1, f"the script has no line of its own for {name}"
    script = Path(folder) / "min_char_rnn.py"
    script.write_text(source, encoding="utf-8")
    if text is not None:
        script.with_name("input.txt").write_bytes(text.encode() if isinstance(text, str) else text)
    return script


def imported(script):
    """Imports a copy under a name of its own, and returns the module, its weights in `params`."""
    spec = importlib.util.spec_from_file_location(f"min_char_rnn_{next(fresh)}", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.params = [module.Wxh, module.Whh, module.Why, module.bh, module.by]
    return module


def model(folder, hidden_size=6, vocab_size=5, dtype=np.float64, size=1.0, **settings):
    """An imported copy whose parameters are random and not tiny."""
    text = "".join(chr(ord("A") + i) for i in range(vocab_size)) * 60
    rnn = imported(edited(folder, text, hidden_size=hidden_size, dtype=dtype, **settings))
    rng = np.random.default_rng(1)
    for param in rnn.params:
        param[...] = size * rng.standard_normal(param.shape) / np.sqrt(hidden_size)
    return rnn


def trained(rnn, lossFun=None):
    """Runs an imported copy's train(); returns its calls of `sample` and of `lossFun`.

    Each call has its kind, args, result, and Wxh as it was. Another lossFun may be put in.
    """
    calls = []

    def recorded(kind, function):
        def call(*args):
            assert len(calls) < 9999, "train() does not end"
            args = [np.copy(a) if isinstance(a, np.ndarray) else a for a in args]
            calls.append(SimpleNamespace(kind=kind, args=args, Wxh=rnn.Wxh.copy()))
            calls[-1].result = function(*args)
            return calls[-1].result

        return call

    rnn.lossFun = recorded("lossFun", lossFun or rnn.lossFun)
    rnn.sample = recorded("sample", rnn.sample)
    rnn.n, rnn.smooth_loss = rnn.train()
    return calls


def lessons(rnn, lossFun=None):
    """As trained(), but its calls of `lossFun` only: one for each window."""
    return [call for call in trained(rnn, lossFun) if call.kind == "lossFun"]


def refusal(call, *args):
    """The line with which this call ends the program."""
    try:
        call(*args)
    except SystemExit as end:
        assert isinstance(end.code, str) and "\n" not in end.code
        return end.code
    raise AssertionError("nothing was refused")


def environment(**changes):
    """The environment of a process: output in UTF-8, buffered as usual, and these changes."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**kept, "PYTHONIOENCODING": "utf-8", **changes}


def run(*arguments, input=None, stdout=PIPE, **env):
    """Runs Python to its end, as a user would; returns its output and its exit status."""
    options = dict(input=input, stdout=stdout, stderr=PIPE, encoding="utf-8", timeout=60)
    return subprocess.run([sys.executable, *arguments], env=environment(**env), **options)


@contextmanager
def start(script):
    """A process that runs a copy, its output a pipe; killed afterwards, or after a minute."""
    options = dict(stdin=PIPE, stdout=PIPE, stderr=PIPE, encoding="utf-8", env=environment())
    with subprocess.Popen([sys.executable, script], **options) as process:
        timer = threading.Timer(60, process.kill)
        timer.start()
        try:
            yield process
        finally:
            timer.cancel()
            process.kill()
