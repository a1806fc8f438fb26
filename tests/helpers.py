"""What the tests and the other programs share: copies of the script with other settings."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in the script, before NumPy is imported
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "min_char_rnn.py"
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXT = "the cat sat on the mat; the dog sat on the log. " * 5
PARAMETERS = ["Wxh", "Whh", "Why", "bh", "by"]
MEMORY = ["mWxh", "mWhh", "mWhy", "mbh", "mby"]
CHECKPOINT = Path("model.npz")
SMALL = dict(  # what a copy has, whatever a user has put into the script
    input_file="input.txt",
    encoding="utf-8-sig",
    hidden_size=12,
    seq_length=7,
    learning_rate=0.1,
    adagrad_start=10.0,
    temperature=1.0,
    sample_every=4,
    sample_length=20,
    max_iters=9,
    checkpoint="model.npz",
    dtype=np.float32,
    seed=0,
)


# ---- The README


def settings_table():
    """The names and defaults in the README's table of settings."""
    return re.findall(r"(?m)^\| `(\w+)` \| `(.+?)` \|", README)


def programs(word):
    """The README's Python programs that have this word."""
    blocks = re.findall(r"(?ms)^ *```python\n(.+?)^ *```", README)
    return [textwrap.dedent(block) for block in blocks if word in block]


# ---- Copies of the script


def code(value):
    """This value as one writes it in the script."""
    if isinstance(value, type):
        return f"np.{value.__name__}"  # a number format
    if isinstance(value, float):
        return f'float("{value}")'  # nan and inf too
    return repr(value)


def write_copy(text=TEXT, own_settings=False, **settings):
    """Writes a copy of the script into the working directory, and the text beside it.

    It has the settings of SMALL, or the script's own except input_file and encoding, and
    these instead. With None, no text is written."""
    source = SCRIPT.read_text(encoding="utf-8")
    own = ["input_file", "encoding"] if own_settings else SMALL
    for name, value in {**{name: SMALL[name] for name in own}, **settings}.items():
        line = f"{name} = {code(value)}"
        source, count = re.subn(rf"(?m)^{name} *=.*", lambda _, line=line: line, source)
        assert count == 1, f"{count} lines of the script set {name}"
    script = Path("min_char_rnn.py").absolute()
    script.write_text(source, encoding="utf-8")
    if text is not None:
        Path("input.txt").write_bytes(text.encode() if isinstance(text, str) else text)
    return script


def execute(script, name="min_char_rnn"):
    """Executes a copy as an import does, or a notebook's cell if its name is __main__."""
    module = ModuleType(name)
    exec(compile(script.read_text(encoding="utf-8"), script, "exec"), vars(module))
    return module


def import_copy(text=TEXT, **settings):
    """Imports a copy, anew each time."""
    return execute(write_copy(text, **settings))


def import_random(hidden_size=6, vocab_size=5, dtype=np.float64, scale=1.0, **settings):
    """Imports a copy whose parameters are random, of this scale."""
    text = "".join(chr(ord("A") + i) for i in range(vocab_size)) * 60
    rnn = import_copy(text, hidden_size=hidden_size, dtype=dtype, **settings)
    for i, param in enumerate(parameters(rnn)):
        rng = np.random.default_rng(i)
        param[:] = rng.normal(0, scale / hidden_size**0.5, param.shape)
    return rnn


def parameters(rnn):
    """The five arrays that are learnt, in the order of the main loop."""
    return [getattr(rnn, name) for name in PARAMETERS]


# ---- Looking into a run


def record_calls(rnn, name, before=lambda: None):
    """Records each call of this function of the script: a list of (arguments, result).

    before is called before each."""
    function = getattr(rnn, name)
    calls = []

    def call(*args):
        before()
        result = function(*args)
        calls.append((args, result))
        return result

    setattr(rnn, name, call)
    return calls


def reported_end(printed):
    """The iteration at which a run says that it ended, and its loss."""
    n, loss = re.findall("(?m)^stopped at iter (.+), loss: (.+)$", printed)[0]
    return int(n), float(loss)


def exit_line(call, *args, **settings):
    """The one line with which this call ends the program."""
    try:
        call(*args, **settings)
    except SystemExit as end:
        assert "\n" not in end.code
        return end.code
    raise AssertionError("the program was not ended")


def train_until(n, text=TEXT, **settings):
    """Trains a copy until iteration n, from its checkpoint if there is one."""
    rnn = import_copy(text, max_iters=n, **settings)
    rnn.train()
    return rnn


def read_checkpoint(path=CHECKPOINT):
    """The arrays of a checkpoint."""
    with np.load(path) as file:
        return dict(file)


def checkpoint_bytes():
    """The same, to be compared bit by bit."""
    return {name: array.tobytes() for name, array in read_checkpoint().items()}


def iterations_saved(path=CHECKPOINT):
    """The iteration of a checkpoint; None, as long as there is no file."""
    return int(read_checkpoint(path)["n"]) if Path(path).exists() else None


def run_python(*arguments, **env):
    """Runs Python to its end, as a user would; returns its output and its exit status."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **env},
        timeout=100,
    )
