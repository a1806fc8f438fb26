"""How fast the script is, beside its step-by-step form, PyTorch and JAX, on one thread.

All forms take turns in one process. The step-by-step form is in float64: beside it, the
script in float64 shows what taking all steps at once wins, float32 what its format adds.
With --quick it takes some seconds, and is rough. On a shared AMD EPYC with AVX2 kernels,
step by step took 4.4 times as long (512 units: 13; 1,500 characters: 9.6; a run: 3.8),
PyTorch 6 times, JAX 1.2 to 1.8 times."""

import os
import sys
import tempfile
import time
from contextlib import redirect_stdout
from statistics import median

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"  # also PyTorch's
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"  # and JAX's
import numpy as np
from helpers import SCRIPT, edited, imported
from step_by_step import loss_and_gradients, sample

TURNS, SECONDS, RUN = (2, 0.05, 500) if "--quick" in sys.argv else (7, 0.5, 5000)
TEXT = SCRIPT.with_name("input.txt").read_text(encoding="utf-8")
MANY = "".join(map(chr, range(0xAC00, 0xAC00 + 1500)))  # different characters


def script(text=TEXT, **settings):
    with tempfile.TemporaryDirectory() as folder:
        return imported(edited(folder, text, **settings))


def by_step(**settings):
    rnn = script(dtype=np.float64, **settings)
    rnn.lossFun = lambda *window: loss_and_gradients(*window, *rnn.params)
    rnn.sample = lambda h, ix, n: sample(h, ix, n, rnn.temperature, rnn.rng, *rnn.params)
    return rnn


def window(rnn, lossFun=None):
    ixes, lossFun = [rnn.char_to_ix[ch] for ch in rnn.data[:26]], lossFun or rnn.lossFun
    return lambda n: [lossFun(ixes[:-1], ixes[1:], rnn.bh + 0.5)[0] for _ in range(n)][-1]


def loop(module):
    return lambda n: (setattr(module, "max_iters", n), module.train())


def pytorch():
    import in_pytorch  # fails where PyTorch is missing

    return loop(in_pytorch), loop(script(sample_every=10**9, sample_length=1))


def jax():
    """JAX finds the gradients and compiles; the time steps are a scan."""
    from jax import jit, lax, nn, value_and_grad
    from jax import numpy as jnp

    def loss(Wxh, Whh, Why, bh, by, inputs, targets, hprev):
        xs = Wxh.T[inputs] + bh.T
        hs = lax.scan(lambda h, x: (jnp.tanh(x + Whh @ h),) * 2, hprev[:, 0], xs)[1]
        log_ps = nn.log_softmax(hs @ Why.T + by.T)
        return -log_ps[jnp.arange(len(xs)), targets].sum()

    rnn, compiled = script(), jit(value_and_grad(loss, (0, 1, 2, 3, 4)))
    params = [jnp.array(param) for param in rnn.params]
    theirs = window(rnn, lambda *x: [float(compiled(*params, *map(np.array, x))[0])])
    assert abs(theirs(1) - window(rnn)(1)) < 1e-3
    return theirs, window(rnn)


def microseconds(timed, n):
    with redirect_stdout(None):
        begin = time.perf_counter()
        timed(n)
        return (time.perf_counter() - begin) / n * 1e6


def row(what, other, ours, n=None):
    warm = [microseconds(timed, 20) for timed in (other, ours)]
    counts = [n or 1 + round(SECONDS * 1e6 / us) for us in warm]
    turns = [list(map(microseconds, (other, ours), counts)) for _ in range(TURNS)]
    a, b, ratios = *map(median, zip(*turns)), sorted(a / b for a, b in turns)
    ratio = f"{median(ratios):8.2f}  ({ratios[0]:.2f}-{ratios[-1]:.2f})"
    print(f"{what:44}{a:9,.0f}{b:13,.0f}{ratio}", flush=True)


if __name__ == "__main__":
    print(f"{'microseconds':44}{'the other':>9}{'this script':>13}{'ratio':>8}")
    sizes = {"": {}, ", 512 units": {"hidden_size": 512}, ", 1,500": {"text": MANY}}
    for size, settings in sizes.items():
        for dtype in np.float64, np.float32:
            forms = by_step(**settings), script(dtype=dtype, **settings)
            row(f"window{size}: step by step, {dtype.__name__}", *map(window, forms))
    row(f"a run of {RUN:,}: step by step", loop(by_step()), loop(script()), RUN)
    for what, forms in ("iteration: PyTorch", pytorch), ("window: JAX", jax):
        try:
            row(what, *forms())
        except ImportError:
            print(f"{what} is not installed")
