"""Prints what the README shows of runs, from the script and its settings as they are here.

python tests/figures.py run    the run on the first screen, and how its model goes on
python tests/figures.py bits   bits per character with other settings, for five seeds

Each run has 20,000 iterations. For another text than input.txt, put its name at the end.
All is done in a temporary folder."""

import os
import re
import sys
import tempfile
import textwrap
from contextlib import redirect_stdout
from io import StringIO
from math import log
from pathlib import Path

from helpers import ROOT, import_copy, programs, reported_end, run_python

SHOWN = "\n(iter 0|iter 1000|stopped at iter 20000), loss: "
COMPARED = [{}, dict(hidden_size=500), dict(hidden_size=500, learning_rate=0.05)]


def output(text, **settings):
    """A run of 20,000 iterations with the script's settings but these, and its output."""
    rnn = import_copy(text, own_settings=True, max_iters=20000, **settings)
    printed = StringIO()
    with redirect_stdout(printed):
        rnn.train()
    return rnn, printed.getvalue()


def wrapped(text, most=None):
    """Its lines, of at most 70 letters or 40 syllables, and at most so many."""
    width = 70 if text.isascii() else 40
    lines = [part for line in text.split("\n") for part in textwrap.wrap(line, width)]
    return "\n".join(lines[:most]) + (" ..." if lines[most:] and most else "")


def run(text):
    _, printed = output(text, checkpoint=None)
    start, *samples = printed.split("----\n ")
    shown = [sample for sample in samples if re.search(SHOWN, sample)]
    parts = [sample.split("\n----\n") for sample in shown]
    print(start + "...\n".join(f"----\n {wrapped(a, 2)}\n----\n{b}" for a, b in parts))
    (program,) = programs("min_char_rnn")
    if set(re.search('text = "(.+)"', program)[1]) <= set(text):
        output(text, checkpoint="model.npz")
        print(wrapped(run_python("-c", program).stdout))


def bits(text):
    for settings in COMPARED:
        numbers = []
        for seed in range(5):
            rnn, printed = output(text, seed=seed, checkpoint=None, **settings)
            _, loss = reported_end(printed)
            numbers.append(loss / rnn.seq_length / log(2))
        lines = ", ".join(f"{name} = {value}" for name, value in settings.items())
        every = " ".join(f"{number:.2f}" for number in numbers)
        print(f"{lines or 'the settings as they are':42}{every}", flush=True)


if __name__ == "__main__":
    commands = {"run": run, "bits": bits}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    path = Path(sys.argv[2] if sys.argv[2:] else ROOT / "input.txt")
    text = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        commands[sys.argv[1]](text)
        os.chdir(ROOT)
