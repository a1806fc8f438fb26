"""How fast the script is, beside its step-by-step form, PyTorch and JAX (where installed).

`python tests/benchmark.py` takes two minutes; with --quick some seconds, for rough figures. All
forms run in this process on one thread, in turns: what slows one of them down slows down all.
"""

import os
import sys
import tempfile
import time
from contextlib import redirect_stdout, suppress
from io import StringIO
from statistics import median

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"  # NumPy's and PyTorch's
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
import numpy as np
from helpers import SCRIPT, edited, imported, run
from step_by_step import loss_and_gradients, sample

TURNS, SECONDS, RUN = (2, 0.05, 500) if "--quick" in sys.argv else (7, 0.5, 5000)
INPUT = SCRIPT.with_name("input.txt").read_text(encoding="utf-8")


# ---- The forms that are timed: each a function of n that does something n times
def script(vocab_size=None, **settings):
    """A copy of the script, imported, with input.txt or a text of so many characters."""
    text = "".join(map(chr, range(0xAC00, 0xAC00 + vocab_size))) if vocab_size else INPUT
    with tempfile.TemporaryDirectory() as folder:
        return imported(edited(folder, text, **settings))


def step_by_step(**settings):
    """The same in float64, with the functions of step_by_step.py in it."""
    rnn = script(dtype=np.float64, **settings)
    rnn.lossFun = lambda *window: loss_and_gradients(*window, *rnn.params)
    rnn.sample = lambda h, ix, n: sample(h, ix, n, rnn.temperature, rnn.rng, *rnn.params)
    return rnn


def windows(rnn):
    """The first window of the text, n times through lossFun."""
    ixes = [rnn.char_to_ix[ch] for ch in rnn.data[: rnn.seq_length + 1]]
    hprev = np.random.default_rng(0).uniform(-0.9, 0.9, rnn.bh.shape).astype(rnn.dtype)
    return lambda n: [rnn.lossFun(ixes[:-1], ixes[1:], hprev)[0] for _ in range(n)]


def iterations(module, loop, **settings):
    """n iterations of a module's main loop, with these settings."""
    vars(module).update(settings)
    return lambda n: (setattr(module, "max_iters", n), loop())


def in_pytorch(hidden_size):
    """The main loop of in_pytorch.py."""
    import in_pytorch

    return iterations(in_pytorch, in_pytorch.train, hidden_size=hidden_size)


def in_jax(hidden_size):
    """The same in JAX: the time steps are a scan, and an iteration is one compiled function."""
    import jax
    from jax import numpy as jnp

    rnn = script(hidden_size=hidden_size)
    T, ixes = rnn.seq_length, np.array([rnn.char_to_ix[ch] for ch in rnn.data])
    params = [jnp.array(w.squeeze()) for w in rnn.params]

    def lossFun(params, inputs, targets, hprev):
        Wxh, Whh, Why, bh, by = params
        from_xs = Wxh.T[inputs] + bh
        h, hs = jax.lax.scan(lambda h, x: (jnp.tanh(x + Whh @ h),) * 2, hprev, from_xs)
        return -jax.nn.log_softmax(hs @ Why.T + by)[jnp.arange(T), targets].sum(), h

    @jax.jit
    def iteration(params, mems, hprev, *window):
        (loss, h), grads = jax.value_and_grad(lossFun, has_aux=True)(params, *window, hprev)
        grads = [d.clip(-5, 5) for d in grads]
        mems = [m + d * d for m, d in zip(mems, grads)]
        params = [w - 0.1 * d / jnp.sqrt(m + 1e-8) for w, d, m in zip(params, grads, mems)]
        return loss, params, mems, h

    def timed(n):
        state = params, [0 * w for w in params], jnp.zeros(hidden_size)
        for i in range(n):
            p = i * T % (len(ixes) - T)
            loss, *state = iteration(*state, ixes[p : p + T], ixes[p + 1 : p + T + 1])
            float(loss)

    return timed


# ---- The table
def microseconds(timed, n):
    """The time of one repetition, as the mean over n; what is printed meanwhile is dropped."""
    with redirect_stdout(StringIO()):
        begin = time.perf_counter()
        timed(n)
        return (time.perf_counter() - begin) / n * 1e6


def row(what, *forms, n=None):
    """Times two forms in turns and prints a line: the medians, and the ratio turn by turn."""
    for timed in forms:
        microseconds(timed, 5)  # to warm up; JAX compiles now
    counts = [n or 1 + round(SECONDS * 1e6 / microseconds(timed, 20)) for timed in forms]
    turns = [list(map(microseconds, forms, counts)) for _ in range(TURNS)]
    other, ours = map(median, zip(*turns))
    ratios = sorted(a / b for a, b in turns)
    print(f"{what:42}{other:>10,.0f}{ours:>14,.0f}{median(ratios):>8.2f}", end="")
    print(f"  ({ratios[0]:.2f}-{ratios[-1]:.2f})", flush=True)


def main():
    """Prints the peak memory of a run, where the system tells it, and the table."""
    with suppress(ImportError), tempfile.TemporaryDirectory() as folder:
        import resource

        run(edited(folder, INPUT, max_iters=100))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        print(f"A run takes {peak / (2**20 if sys.platform == 'darwin' else 2**10):.0f} MiB.\n")
    print(f"{'microseconds':42}{'the other':>10}{'this script':>14}{'ratio':>8}  (least-most)")
    sizes = ("hidden_size", 100), ("hidden_size", 512), ("seq_length", 100), ("vocab_size", 1500)
    for name, size in sizes:
        forms = [windows(form(**{name: size})) for form in (step_by_step, script)]
        row(f"step by step: lossFun, {name} {size:,}", *forms)
    forms = [iterations(rnn, rnn.main) for rnn in (step_by_step(), script())]
    row(f"step by step: iteration of a run of {RUN:,}", *forms, n=RUN)
    for engine, form in {"PyTorch": in_pytorch, "JAX": in_jax}.items():
        for hidden_size in 100, 512:
            with suppress(ImportError):
                other, rnn = form(hidden_size), script(hidden_size=hidden_size)
                ours = iterations(rnn, rnn.train, sample_every=10**9, sample_length=1)
                row(f"{engine}: iteration, hidden_size {hidden_size}", other, ours)


if __name__ == "__main__":
    main()
