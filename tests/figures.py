"""Prints the samples and the figures of the README, from runs of copies of the script.

python tests/figures.py run       the run at the top of the page, and what its model writes
python tests/figures.py bits      bits per character with other settings
python tests/figures.py held_out  bits per character on text that was not learnt from

The first takes some two minutes, the second ten. The last two train with five seeds, and
with two of OpenBLAS's kernels, those for AVX2 and for SSE4.2, whose roundings differ (not
so on a processor that has neither, such as Apple's). To use another text than input.txt,
put its name at the end. All is done in a temporary folder, with the settings given here."""

import os
import re
import subprocess
import sys
import tempfile
import textwrap
from concurrent.futures import ThreadPoolExecutor
from math import log
from pathlib import Path

from helpers import DEFAULTS, ROOT, write_script

STOPS = [0, 1_000, 10_000, 100_000]  # iterations
SHOWN = dict(
    hidden_size=256,
    seq_length=50,
    learning_rate=0.05,
    adagrad_start=100.0,
    temperature=0.6,
)
SAMPLES = dict(sample_length=400, sample_every=10**9, checkpoint="model.npz")
KERNELS = ["Haswell", "Nehalem"]
SEEDS = range(5)
COMPARED = [
    {},
    dict(adagrad_start=0.0),
    dict(hidden_size=500),
    dict(hidden_size=500, learning_rate=0.05),
]


def output(*command, kernel=None, folder="."):
    """What this Python program prints, started in this folder."""
    env = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    if kernel is not None:
        env["OPENBLAS_CORETYPE"] = kernel
    command = [sys.executable, *command]
    return subprocess.run(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, encoding="utf-8", check=True
    ).stdout


# ---- run


def stopped(n, text, **settings):
    """Trains the run that is shown up to iteration n, from its checkpoint.

    Returns its last sample, and its bits per character."""
    settings = {**SHOWN, **SAMPLES, **settings}
    printed = output(write_script(text, max_iters=n, **settings))
    samples, end = printed.rsplit(" \n----\nstopped at iter ", 1)
    sample = samples.rsplit("----\n ", 1)[1]
    loss = float(end.split("loss: ")[1])
    return sample, loss / settings["seq_length"] / log(2)


def wrapped(sample, lines=None):
    """Its first lines, of at most 60 columns, indented; empty ones are left out."""
    parts = []
    for line in sample.split("\n"):
        parts += textwrap.wrap(line, 58)
    return textwrap.indent("\n".join(parts[:lines]), "  ")


def block(n, text):
    """How the page shows one stop of the run: a mark for each quarter of a bit."""
    sample, bits = stopped(n, text)
    bar = "#" * round(4 * bits)
    lines = wrapped(sample, 6 if n == STOPS[-1] else 2)
    return f"{bits:.2f} bits {bar} {n:,} iterations\n{lines}\n"


def run(text):
    for n in STOPS:
        print(block(n, text))
    for temperature in 0.3, 1.5:
        sample, _ = stopped(STOPS[-1], text, temperature=temperature)
        print(f"temperature = {temperature}\n{wrapped(sample, 3)}\n")
    for program in programs():
        opening = re.search('text = "(.+)"', program)
        if opening and set(opening[1]) <= set(text):  # the text has all that it needs
            write_script(text, **{**SHOWN, **SAMPLES})
            print(wrapped(output("-c", program)))


def programs():
    """The README's Python programs."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"(?s)\n```python\n(.+?)```\n", readme)


# ---- bits and held_out


def prepared(text, **settings):
    """A new folder with a copy of the script and of held_out.py, for 20,000 iterations."""
    folder = Path(tempfile.mkdtemp(dir=".")).absolute()
    (folder / "tests").mkdir()
    held_out = "tests/held_out.py"
    (folder / held_out).write_bytes((ROOT / held_out).read_bytes())
    os.chdir(folder)
    write_script(text, max_iters=20000, sample_every=10**9, **settings)
    os.chdir("..")
    return folder


def everywhere(program, pattern, text, settings):
    """The number that this program prints behind the pattern, for each seed and kernel."""
    jobs = []
    for seed in SEEDS:
        folder = prepared(text, seed=seed, **settings)
        jobs += [(folder, kernel) for kernel in KERNELS]

    def number(job):
        folder, kernel = job
        printed = output(program, folder=folder, kernel=kernel)
        return float(re.search(f"{pattern}(.*)", printed)[1])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(number, jobs))


def show(settings, numbers):
    """Prints the settings as one writes them, the range, and the numbers, seed by seed."""
    lines = ", ".join(f"{name} = {value}" for name, value in settings.items()) or "defaults"
    every = " ".join(f"{number:.2f}" for number in numbers)
    print(f"{lines:42}{min(numbers):.2f} to {max(numbers):.2f}   {every}", flush=True)


def bits(text):
    for settings in COMPARED:
        losses = everywhere("min_char_rnn.py", "stopped at .* loss: ", text, settings)
        window = {**DEFAULTS, **settings}["seq_length"]
        show(settings, [loss / window / log(2) for loss in losses])


def held_out(text):
    show({}, everywhere("tests/held_out.py", "network after .*: ", text, {}))
    printed = output("tests/held_out.py", "100", folder=prepared(text))
    print(printed.split("\n", 1)[1])  # counting, without the network


if __name__ == "__main__":
    commands = {"run": run, "bits": bits, "held_out": held_out}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    path = Path(sys.argv[2] if sys.argv[2:] else ROOT / "input.txt")
    text = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        commands[sys.argv[1]](text)
        os.chdir(ROOT)
