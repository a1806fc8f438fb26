"""How fast the script is, beside its step-by-step form, PyTorch and JAX, on one thread.

All forms take turns in one process. The step-by-step form is in float64: beside it, the
script in float64 shows what taking all steps at once wins, float32 what its format adds.
With --quick it takes some seconds, and is rough.

On a shared AMD EPYC with OpenBLAS's kernels for AVX2, beside the script in float32, a
window took 4.2 times as long step by step, with 512 units 12 times, with 1,500 characters
9 times, a run 3.2 times, an iteration in PyTorch 6 times, and a window in JAX about as
long: 0.9 to 1.1 times."""

import os
import sys
import tempfile
import time
from contextlib import redirect_stdout
from statistics import median

os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"  # PyTorch's
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"  # and JAX's
import numpy as np
from helpers import ROOT, load_script, parameters
from step_by_step import loss_and_gradients, sample

QUICK = "--quick" in sys.argv
TURNS = 2 if QUICK else 7
SECONDS = 0.05 if QUICK else 0.5  # of each turn
RUN = 500 if QUICK else 5000  # iterations
TEXT = (ROOT / "input.txt").read_text(encoding="utf-8")
MANY = "".join(chr(0xAC00 + i) for i in range(1500))  # different characters


def script(text=TEXT, **settings):
    """An imported copy of the script."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            return load_script(text, **settings)
        finally:
            os.chdir(before)


def one_step_at_a_time(text=TEXT, **settings):
    """A copy whose lossFun and sample take one time step after the other, in float64."""
    rnn = script(text, dtype=np.float64, **settings)
    params = parameters(rnn)
    rnn.lossFun = lambda *window: loss_and_gradients(*window, *params)
    rnn.sample = lambda h, ix, n: sample(h, ix, n, rnn.temperature, rnn.rng, *params)
    return rnn


def window(rnn):
    """What computes the loss and the gradients of the text's first window n times."""
    ixs = [rnn.char_to_ix[ch] for ch in rnn.data[:26]]
    h = rnn.bh + 0.5

    def repeat(n):
        for _ in range(n):
            rnn.lossFun(ixs[:-1], ixs[1:], h)

    return repeat


def training(rnn):
    """What runs train() for n iterations."""

    def repeat(n):
        rnn.max_iters = n
        rnn.train()

    return repeat


def against_pytorch():
    """PyTorch's main loop, and the script's without samples."""
    import in_pytorch  # fails where PyTorch is missing

    ours = training(script(sample_every=10**9, sample_length=1))
    return lambda n: in_pytorch.train(TEXT, n), ours


def against_jax():
    """JAX finds the gradients and compiles; the time steps are a scan."""
    import jax
    from jax import numpy as jnp

    def loss(params, inputs, targets, hprev):
        Wxh, Whh, Why, bh, by = params

        def step(h, from_x):
            h = jnp.tanh(from_x + Whh @ h)
            return h, h

        _, hs = jax.lax.scan(step, hprev[:, 0], Wxh.T[inputs] + bh.T)
        log_ps = jax.nn.log_softmax(hs @ Why.T + by.T)
        return -log_ps[jnp.arange(len(hs)), targets].sum()

    rnn = script()
    params = [jnp.array(param) for param in parameters(rnn)]
    compiled = jax.jit(jax.value_and_grad(loss))
    ixs = [rnn.char_to_ix[ch] for ch in rnn.data[:26]]
    arrays = np.array(ixs[:-1]), np.array(ixs[1:]), np.array(rnn.bh + 0.5)
    theirs, _ = compiled(params, *arrays)
    ours = rnn.lossFun(ixs[:-1], ixs[1:], rnn.bh + 0.5)[0]
    assert abs(float(theirs) - ours) < 1e-3

    def repeat(n):
        for _ in range(n):
            value, _ = compiled(params, *arrays)
            float(value)  # waits for it

    return repeat, window(rnn)


def microseconds(repeat, n):
    """How long one of n repetitions takes."""
    with redirect_stdout(None):  # print does nothing then
        begin = time.perf_counter()
        repeat(n)
        return (time.perf_counter() - begin) / n * 1e6


def row(what, other, ours, n=None):
    """Prints the medians, and the ratio turn by turn: its median, least and most."""
    warm = microseconds(other, 20), microseconds(ours, 20)
    counts = [n or 1 + round(SECONDS * 1e6 / each) for each in warm]
    theirs_all, ours_all, ratios = [], [], []
    for _ in range(TURNS):
        theirs_all.append(microseconds(other, counts[0]))
        ours_all.append(microseconds(ours, counts[1]))
        ratios.append(theirs_all[-1] / ours_all[-1])
    times = f"{median(theirs_all):9,.0f}{median(ours_all):13,.0f}"
    ratio = f"{median(ratios):8.2f}  ({min(ratios):.2f}-{max(ratios):.2f})"
    print(f"{what:44}{times}{ratio}", flush=True)


if __name__ == "__main__":
    print(f"{'microseconds':44}{'the other':>9}{'this script':>13}{'ratio':>8}")
    sizes = {
        "": {},
        ", 512 units": {"hidden_size": 512},
        ", 1,500 characters": {"text": MANY},
    }
    for size, settings in sizes.items():
        for dtype in np.float64, np.float32:
            other = window(one_step_at_a_time(**settings))
            ours = window(script(dtype=dtype, **settings))
            row(f"window{size}: step by step, {dtype.__name__}", other, ours)
    other, ours = training(one_step_at_a_time()), training(script())
    row(f"a run of {RUN:,}: step by step", other, ours, RUN)
    others = {"iteration: PyTorch": against_pytorch, "window: JAX": against_jax}
    for what, forms in others.items():
        try:
            row(what, *forms())
        except ImportError:
            print(f"{what}: not installed")
