"""What the tests and the other programs share: copies of the script with other settings."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE, Popen
from types import ModuleType

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "min_char_rnn.py"
TEXT = "the cat sat on the mat; the dog sat on the log. " * 5
PARAMETERS = ["Wxh", "Whh", "Why", "bh", "by"]
CHECKPOINT = Path("model.npz")
SMALL = dict(hidden_size=12, seq_length=7, max_iters=9, checkpoint="model.npz")
DEFAULTS = dict(
    input_file="input.txt",
    hidden_size=100,
    seq_length=25,
    learning_rate=0.1,
    adagrad_start=10.0,
    temperature=1.0,
    sample_every=100,
    sample_length=200,
    max_iters=float("inf"),
    checkpoint=None,
    dtype=np.float32,
    seed=0,
)


# ---- Copies of the script


def code(value):
    """This value as one writes it in the script."""
    if isinstance(value, type):
        return f"np.{value.__name__}"  # a number format
    if isinstance(value, np.generic):
        return f"np.{type(value).__name__}({value})"
    if isinstance(value, float):
        return f'float("{value}")'  # nan and inf too
    return repr(value)


def write_script(text=TEXT, **settings):
    """Writes a copy of the script into the working directory, and the text beside it.

    Its settings are these and else the defaults, and it reads UTF-8, whatever a user has
    put there. The text may be bytes; with None, no text is written."""
    assert settings.keys() <= DEFAULTS.keys()
    source = SCRIPT.read_text(encoding="utf-8")
    for name, value in {**DEFAULTS, **settings}.items():
        line = f"{name} = {code(value)}".replace("\\", r"\\")
        source, count = re.subn(rf"(?m)^{name} *=.*", line, source)
        assert count == 1, f"{count} lines of the script set {name}"
    source = re.sub(r"(?<=open\(input_file, encoding=)\"[^\"]+\"", '"utf-8-sig"', source)
    script = Path("min_char_rnn.py").absolute()
    script.write_text(source, encoding="utf-8")
    if isinstance(text, str):
        text = text.encode()
    if text is not None:
        Path("input.txt").write_bytes(text)
    return script


def exec_script(script, name="min_char_rnn"):
    """Executes a copy as an import does, or a notebook's cell if its name is __main__."""
    module = ModuleType(name)
    exec(compile(script.read_text(encoding="utf-8"), script, "exec"), vars(module))
    return module


def load_script(text=TEXT, **settings):
    """Imports a copy, anew each time."""
    return exec_script(write_script(text, **settings))


def load_small(text=TEXT, **settings):
    """Imports a copy with the settings in SMALL, or these instead."""
    return load_script(text, **SMALL | settings)


def load_random(hidden_size=6, vocab_size=5, dtype=np.float64, scale=1.0, **settings):
    """Imports a copy whose parameters are random, and larger than at the start."""
    text = "".join(chr(ord("A") + i) for i in range(vocab_size)) * 60
    rnn = load_script(text, hidden_size=hidden_size, dtype=dtype, **settings)
    for i, param in enumerate(parameters(rnn)):
        rng = np.random.default_rng(i)
        param[:] = rng.normal(0, scale / hidden_size**0.5, param.shape)
    return rnn


def parameters(rnn):
    """The five arrays that are learnt, in the order of the main loop."""
    return [getattr(rnn, name) for name in PARAMETERS]


# ---- Looking into a run


def before_each_window(rnn, action):
    """Has the main loop call action(i) before its i-th window is learnt, from 0 on."""
    lossFun = rnn.lossFun
    windows = itertools.count()

    def call(*window):
        action(next(windows))
        return lossFun(*window)

    rnn.lossFun = call


def record_calls(rnn, name):
    """Records each call of this function of the script: a list of (arguments, result)."""
    function = getattr(rnn, name)
    calls = []

    def call(*args):
        result = function(*args)
        calls.append((args, result))
        return result

    setattr(rnn, name, call)
    return calls


def exit_message(call, *args):
    """The one line with which this call ends the program."""
    try:
        call(*args)
    except SystemExit as end:
        assert "\n" not in end.code
        return end.code
    raise AssertionError("the program was not ended")


# ---- Checkpoints


def train_until(n, text=TEXT, **settings):
    """Trains a small model until iteration n, from its checkpoint if there is one.

    Returns what is saved then, as saved_bytes does."""
    load_small(text, max_iters=n, **settings).train()
    return saved_bytes()


def saved(path=CHECKPOINT):
    """The arrays of a checkpoint."""
    with np.load(path) as file:
        return dict(file)


def saved_bytes():
    """The arrays of the checkpoint as bytes, to be compared bit by bit."""
    return {name: array.tobytes() for name, array in saved().items()}


def saved_n(path=CHECKPOINT):
    """The iteration of a checkpoint; None, as long as there is no file."""
    return int(saved(path)["n"]) if Path(path).exists() else None


# ---- Processes


def run(*arguments, **env):
    """Runs Python to its end, as a user would; returns its output and its exit status."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **env},
        timeout=100,
    )


def start(script):
    """A process that runs a copy, to be stopped by whoever starts it."""
    return Popen([sys.executable, script], stdout=PIPE, stderr=PIPE, encoding="utf-8")
