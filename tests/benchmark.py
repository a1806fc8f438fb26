"""How fast the script is, beside its step-by-step form, PyTorch and JAX, on one thread.

All forms take turns in one process. The step-by-step form is in float64, in which NumPy
computes unless it is told otherwise. A number after the command sets the seconds of each
turn: 0.05 is quick, and rough."""

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
from helpers import ROOT, import_copy, parameters
from step_by_step import loss_and_gradients

SECONDS = float(sys.argv[1]) if sys.argv[1:] else 0.5
TURNS = 7


def script(**settings):
    """An imported copy of the script, with its own settings but these."""
    text = (ROOT / "input.txt").read_text(encoding="utf-8")
    return import_copy(text, own_settings=True, checkpoint=None, **settings)


def one_step_at_a_time(**settings):
    """A copy whose lossFun takes one time step after the other, in float64."""
    rnn = script(dtype=np.float64, **settings)
    params = parameters(rnn)
    rnn.lossFun = lambda *window: loss_and_gradients(*window, *params)
    return rnn


def window(lossFun, rnn):
    """A function that gives the text's first window to lossFun n times."""
    ixs = [rnn.char_to_ix[ch] for ch in rnn.data[: rnn.seq_length + 1]]
    inputs, targets, h = ixs[:-1], ixs[1:], rnn.bh + 0.5

    def repeat(n):
        for _ in range(n):
            lossFun(inputs, targets, h)

    return repeat


def training(rnn):
    """A function that trains for n iterations."""

    def repeat(n):
        rnn.max_iters = n
        rnn.train()

    return repeat


def against_pytorch():
    """PyTorch's main loop, and the script's without samples."""
    import in_pytorch  # fails where PyTorch is missing

    rnn = script(sample_every=10**9, sample_length=1)
    return lambda n: in_pytorch.train(rnn, n), training(rnn)


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

    ixs = np.array([rnn.char_to_ix[ch] for ch in rnn.data[: rnn.seq_length + 1]])
    arrays = ixs[:-1], ixs[1:], rnn.bh + 0.5
    assert np.isclose(compiled(params, *arrays)[0], rnn.lossFun(*arrays)[0])

    def lossFun(*_):  # the window as arrays, which are made once
        value, _ = compiled(params, *arrays)
        return float(value)  # waits for it

    return window(lossFun, rnn), window(rnn.lossFun, rnn)


def microseconds(repeat, n):
    """How long one of n repetitions takes."""
    with redirect_stdout(None):  # print does nothing then
        begin = time.perf_counter()
        repeat(n)
        return (time.perf_counter() - begin) / n * 1e6


def row(what, *forms):
    """Prints the medians, and the ratio turn by turn: its median, least and most."""
    counts = [1 + round(SECONDS * 1e6 / microseconds(form, 20)) for form in forms]
    turns = []
    for _ in range(TURNS):
        turns.append([microseconds(form, n) for form, n in zip(forms, counts)])
    times = "".join(f"{median(times):13,.0f}" for times in zip(*turns))
    ratios = [theirs / ours for theirs, ours in turns]
    ratio = f"{median(ratios):8.2f}  ({min(ratios):.2f}-{max(ratios):.2f})"
    print(f"{what:33}{times}{ratio}", flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        print(f"{'microseconds':33}{'the other':>13}{'this script':>13}{'ratio':>8}")
        for size in 100, 512:
            other, ours = one_step_at_a_time(hidden_size=size), script(hidden_size=size)
            forms = window(other.lossFun, other), window(ours.lossFun, ours)
            row(f"window, {size} units: step by step", *forms)
        other, ours = training(one_step_at_a_time()), training(script())
        row("a run with samples: step by step", other, ours)
        others = {"iteration: PyTorch": against_pytorch, "window: JAX": against_jax}
        for what, forms in others.items():
            try:
                row(what, *forms())
            except ImportError:
                print(f"{what}: not installed")
        os.chdir(ROOT)  # Windows removes no folder that is in use
