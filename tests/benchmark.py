"""How fast the script is, beside the step-by-step form that it is explained in.

    python tests/benchmark.py           under a minute
    python tests/benchmark.py --quick   some seconds, with figures that are only rough

Both forms run in this process, in turns, so that a machine that slows down slows down both.
"""

import contextlib
import io
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the script does, before NumPy is imported
import numpy as np
from edited import SCRIPT, edited_source
from step_by_step import loss_and_gradients

QUICK = "--quick" in sys.argv[1:]
TURNS = 3 if QUICK else 7
SECONDS = 0.02 if QUICK else 0.12  # for each form in each turn


# ---- Loading the script with other settings and a text of as many characters as wanted


def load(folder, vocab_size=58, **settings):
    """The names of the script, imported with these settings, and a window's arguments."""
    characters = [chr(0xAC00 + i) for i in range(vocab_size)]  # Hangul
    (folder / "text.txt").write_text("".join(characters) * 30, encoding="utf-8")
    source = edited_source({"input_file": "text.txt", **settings})
    names = {"__name__": "min_char_rnn", "__file__": str(folder / "min_char_rnn.py")}
    exec(compile(source, str(SCRIPT), "exec"), names)
    rng = np.random.default_rng(0)
    inputs, targets = rng.integers(0, vocab_size, (2, names["seq_length"])).tolist()
    return names, (inputs, targets, rng.uniform(-0.9, 0.9, (names["hidden_size"], 1)))


def ours(folder, dtype=np.float32, **sizes):
    """lossFun as the script has it, ready to be called."""
    names, (inputs, targets, hprev) = load(folder, dtype=dtype, **sizes)
    hprev = hprev.astype(dtype)
    return lambda: names["lossFun"](inputs, targets, hprev)


def theirs(folder, **sizes):
    """The step-by-step form in float64, ready to be called."""
    names, arguments = load(folder, dtype=np.float64, **sizes)
    params = [names[name] for name in ("Wxh", "Whh", "Why", "bh", "by")]
    return lambda: loss_and_gradients(*arguments, *params)


# ---- Timing


def microseconds(call, times):
    """The time of one call, as the mean over so many."""
    begin = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - begin) / times * 1e6


def in_turns(*calls):
    """For each call the times of its turns, one turn of each after the other, all warmed up."""
    counts = [max(1, round(SECONDS * 1e6 / microseconds(call, 2))) for call in calls]
    turns = [[microseconds(call, n) for call, n in zip(calls, counts)] for _ in range(TURNS)]
    return list(zip(*turns))


def spread(values, digits=0):
    """A median with its minimum and maximum."""
    low, middle, high = min(values), median(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f}-{high:,.{digits}f})"


def row(what, slow, fast):
    """A line of the table: both times, and the ratio turn by turn."""
    ratios = spread([a / b for a, b in zip(slow, fast)], 1)
    print(f"{what:38}{spread(slow):>24}{spread(fast):>24}{ratios:>17}")


# ---- What is measured


def machine():
    """Prints what the figures were measured on."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        info = Path("/proc/cpuinfo").read_text()
        name = re.search(r"model name\s*: (.*)", info).group(1)
    blas = "BLAS unknown"
    with contextlib.suppress(Exception):  # the form of this differs from version to version
        found = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        blas = f"{found['name']} {found['version']}"
    threads = os.environ["OPENBLAS_NUM_THREADS"]
    print(
        f"{name}, {os.cpu_count()} cores; {platform.system()}; Python "
        f"{platform.python_version()}, NumPy {np.__version__}, {blas}, threads: {threads}"
    )
    print("Ratios carry over to other machines, times do not.\n")


def whole_run(folder, iterations, step_by_step=False):
    """Runs the script from its start to so many iterations; returns seconds and peak memory."""
    source = edited_source({"max_iters": iterations})
    if step_by_step:
        source = edited_source({"max_iters": iterations, "dtype": np.float64})
        swap = (
            f"sys.path.insert(0, {str(Path(__file__).parent)!r})\nimport step_by_step\n\n\n"
            "def lossFun(inputs, targets, hprev):\n"
            "    params = Wxh, Whh, Why, bh, by\n"
            "    return step_by_step.loss_and_gradients(inputs, targets, hprev, *params)\n\n\n"
            "def sample(h, seed_ix, n):\n"
            "    params = Wxh, Whh, Why, bh, by\n"
            "    return step_by_step.sample(h, seed_ix, n, temperature, rng, *params)\n\n\n"
        )
        assert source.count("# ---- Training") == 1
        source = source.replace("# ---- Training", swap + "# ---- Training")
    (folder / "run.py").write_text(source, encoding="utf-8")
    (folder / "input.txt").write_bytes((SCRIPT.parent / "input.txt").read_bytes())
    begin = time.perf_counter()
    process = subprocess.Popen([sys.executable, folder / "run.py"], stdout=subprocess.DEVNULL)
    memory = None
    if hasattr(os, "wait4"):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        memory = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    assert process.wait() == 0
    return time.perf_counter() - begin, memory


def growth(folder, what, sizes, theory):
    """Prints the time of lossFun at growing sizes, and the exponent by which it grows."""
    calls = [ours(folder, **{what: size}) for size in sizes]
    times = [median(turns) for turns in in_turns(*calls)]
    ends = slice(3), slice(-3, None)
    first, last = (np.polyfit(np.log(sizes[i]), np.log(times[i]), 1)[0] for i in ends)
    print(f"{what:12}" + "".join(f"{size:>9,}" for size in sizes))
    print(f"{'  us':12}" + "".join(f"{value:>9,.0f}" for value in times))
    print(f"  exponent: first three {first:.2f}, last three {last:.2f}, in theory {theory}\n")


def parts_of_an_iteration(folder, iterations):
    """Prints where the time of an iteration goes, from a run with a clock at these lines."""
    marks = [
        ("        if p + seq_length", "window"),
        ("        last = stopping", "sampling and printing"),
        ("        loss, dWxh, dWhh", "forward"),
        ("    dys = ps.copy()", "backward"),
        ("        if not np.isfinite(loss)", "loss smoothed and printed"),
        ("        for param, dparam", "update"),
        ("        p += seq_length", "window"),
    ]
    source = edited_source({"max_iters": iterations})
    for line, part in marks:
        assert source.count("\n" + line) == 1, f"the script has no line {line.strip()!r}"
        indent = " " * (len(line) - len(line.lstrip()))
        source = source.replace("\n" + line, f"\n{indent}mark({part!r})\n{line}")
    spent, now = dict.fromkeys([part for _, part in marks], 0.0), [None, time.perf_counter()]

    def mark(part):
        moment = time.perf_counter()
        if now[0]:
            spent[now[0]] += moment - now[1]
        now[:] = part, time.perf_counter()

    names = {"__name__": "__main__", "__file__": str(folder / "run.py"), "mark": mark}
    with np.errstate(), contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, "run.py", "exec"), names)
    total = sum(spent.values())
    print(f"Where an iteration goes ({total / iterations * 1e6:.0f} us):")
    for part, value in spent.items():
        print(f"{100 * value / total:5.0f} %  {part}")
    print()


def main(folder):
    """Prints everything."""
    begin = time.perf_counter()
    machine()
    iterations = 1000 if QUICK else 5000
    whole_run(folder, 10)  # warms up the disk
    runs = [
        (whole_run(folder, iterations, True), whole_run(folder, iterations))
        for _ in range(1 if QUICK else 3)
    ]
    slow, fast = ([run[i][0] / iterations * 1e6 for run in runs] for i in (0, 1))
    memory = runs[0][1][1]

    print(
        f"{'microseconds: median (least-most)':38}{'step by step, float64':>24}"
        f"{'this script':>24}{'ratio':>17}"
    )
    configurations = {
        "lossFun, as the settings are": {},
        "lossFun, hidden_size 512": {"hidden_size": 512},
        "lossFun, seq_length 100": {"seq_length": 100},
        "lossFun, 1,500 characters": {"vocab_size": 1500},
    }
    for what, sizes in configurations.items():
        times = in_turns(
            theirs(folder, **sizes), ours(folder, **sizes), ours(folder, np.float64, **sizes)
        )
        row(what, times[0], times[1])
        row("  the same in float64", times[0], times[2])
    row(f"an iteration of a run of {iterations:,}", slow, fast)
    seq_length = load(folder)[0]["seq_length"]
    print(
        f"\nA whole run learns from {seq_length / median(fast) * 1e6:,.0f} characters a second, "
        "its start and its samples included."
    )
    print(f"Its peak memory is {memory:.0f} MiB.\n" if memory else "Its memory is not measured.\n")

    parts_of_an_iteration(folder, iterations)
    print("lossFun as one size grows and the others stay as they are:\n")
    growth(folder, "hidden_size", [64, 128, 256, 512, 1024], 2)
    growth(folder, "seq_length", [10, 25, 50, 100, 200, 400], 1)
    growth(folder, "vocab_size", [30, 100, 300, 1000, 3000], 1)
    print("Where the exponent is below theory, Python's and NumPy's time per call still weighs.")
    print(f"Measured in {time.perf_counter() - begin:.0f} seconds.")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
