"""What the tests share: copies of the script with other settings, run whole or looked into."""

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from edited import edited_source

TEXT = "the cat sat on the mat; the dog sat on the log. " * 5


def check_refusal(result, *words):
    """The program has ended with one line on standard error that holds these words."""
    assert result.returncode not in (0, None)
    assert re.fullmatch(r"[^\n]+\n", result.stderr), result.stderr
    for word in words:
        assert str(word) in result.stderr


@pytest.fixture
def copy(tmp_path):
    """copy(text, **settings): puts an edited copy and its text in a folder; returns its path."""

    def copy(text=TEXT, **settings):
        script = tmp_path / "min_char_rnn.py"
        script.write_text(edited_source(settings), encoding="utf-8")
        if text is not None:
            text = text.encode() if isinstance(text, str) else text
            (tmp_path / "input.txt").write_bytes(text)
        return script

    return copy


@pytest.fixture
def run(copy):
    """run(text, **settings): runs an edited copy to its end, as a user would."""

    def run(text=TEXT, *, env=None, script=None, **settings):
        command = [sys.executable, script or copy(text, **settings)]
        env = {**os.environ, "PYTHONIOENCODING": "utf-8", **(env or {})}
        return subprocess.run(command, capture_output=True, encoding="utf-8", env=env, timeout=60)

    return run


@pytest.fixture
def start(copy):
    """start(text, **settings): starts an edited copy and returns the process, its output a pipe."""
    started = []

    def start(text=TEXT, *, script=None, **settings):
        command = [sys.executable, script or copy(text, **settings)]
        env = {name: os.environ[name] for name in os.environ if name != "PYTHONUNBUFFERED"}
        pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process = subprocess.Popen(command, encoding="utf-8", env=env, **pipes)
        started.append((process, threading.Timer(60, process.kill)))  # nothing waits for ever
        started[-1][1].start()
        return process

    yield start
    for process, timer in started:
        timer.cancel()
        process.kill()
        process.communicate()


@pytest.fixture
def module(copy):
    """module(text, **settings): the names of an edited copy after its import."""

    def module(text=TEXT, **settings):
        script = copy(text, **{"max_iters": 1, **settings})  # should it train, then not for ever
        names = {"__name__": "min_char_rnn", "__file__": str(script)}
        exec(compile(script.read_text(encoding="utf-8"), script, "exec"), names)
        return SimpleNamespace(**names, names=names)

    return module


@pytest.fixture
def model(module):
    """model(hidden_size, vocab_size, dtype): a script whose parameters are random, not tiny."""

    def model(hidden_size=6, vocab_size=5, dtype=np.float64, size=1.0, **settings):
        text = "".join(chr(ord("A") + i) for i in range(vocab_size)) * 30
        rnn = module(text, hidden_size=hidden_size, dtype=dtype, **settings)
        rnn.params = [rnn.Wxh, rnn.Whh, rnn.Why, rnn.bh, rnn.by]
        rng = np.random.default_rng(1)
        for param in rnn.params:
            param[...] = size * rng.standard_normal(param.shape) / np.sqrt(hidden_size)
        return rnn

    return model


@pytest.fixture
def watch(copy):
    """watch(text, **settings): runs an edited copy's main loop in the test, its calls recorded.

    Returns the script's names after the run, with `printed`, the output, and `calls`, a list of
    what `sample` and `lossFun` were given and gave back. `lossFun` may be replaced.
    """

    def watch(text=TEXT, lossFun=None, **settings):
        script = copy(text, **settings)
        definitions, loop = script.read_text(encoding="utf-8").split("# ---- Training")
        names = {"__name__": "__main__", "__file__": str(script)}
        calls = []

        def recorded(kind, function):
            def call(*args):
                args = [np.copy(a) if isinstance(a, np.ndarray) else a for a in args]
                calls.append(SimpleNamespace(kind=kind, args=args, Wxh=names["Wxh"].copy()))
                calls[-1].result = function(*args)
                return calls[-1].result

            return call

        ctrl_c = signal.getsignal(signal.SIGINT)
        try:
            with np.errstate(), contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile(definitions, script, "exec"), names)
                names["lossFun"] = recorded("lossFun", lossFun or names["lossFun"])
                names["sample"] = recorded("sample", names["sample"])
                exec(compile("# " + loop, script, "exec"), names)
        finally:
            signal.signal(signal.SIGINT, ctrl_c)
        return SimpleNamespace(**{**names, "printed": printed.getvalue(), "calls": calls})

    return watch
