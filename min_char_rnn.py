"""A character-level recurrent neural network (RNN), in NumPy.

It reads one character x after the other, keeps what it has read in its hidden state h, and
guesses each next character. Backpropagation through time (BPTT) finds how the weights W and
biases b must change. As in min-char-rnn (Karpathy 2015), at each time step t:

    h[t] = tanh(Wxh x[t] + Whh h[t-1] + bh)    state, from x and the state before
    y[t] = Why h[t] + by                       logits: a score for each character
    p[t] = exp(y[t]) / sum(exp(y[t]))          softmax: the scores as probabilities"""

# /// script
# requires-python = ">=3.9"
# dependencies = ["numpy>=1.23"]
# ///
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # more threads help only large networks
import numpy as np

# ---- Settings: change any line and run the file again.
input_file = "input.txt"  # the text to learn from, UTF-8, beside this file
hidden_size = 100  # units in the hidden state; more remember more, and are slower
seq_length = 25  # characters in a window; gradients flow back no farther
learning_rate = 1e-1  # step size of Adagrad; too large, and nothing is learnt
adagrad_start = 0.0  # what Adagrad's memory starts from; 10.0 learns better
temperature = 1.0  # divides the logits when sampling; lower is safer, higher is wilder
sample_every = 100  # iterations between two samples (and losses, and saves)
sample_length = 200  # characters in a sample
max_iters = None  # end after this many iterations; None: until Ctrl-C
checkpoint = None  # a file such as "model.npz" to save to and carry on from; None: no file
dtype = np.float32  # number format; np.float64 is more exact, and slower
seed = 0  # the same seed gives the same run, on the same computer

for name in ["hidden_size", "seq_length", "sample_every", "sample_length"]:
    if not (isinstance(globals()[name], (int, np.integer)) and globals()[name] > 0):
        sys.exit(f"{name} is {globals()[name]!r}; it must be a whole number above 0")
for name in ["learning_rate", "temperature"]:
    if not (isinstance(globals()[name], (int, float, np.number)) and globals()[name] > 0):
        sys.exit(f"{name} is {globals()[name]!r}; it must be a number above 0")
if not (isinstance(adagrad_start, (int, float, np.number)) and adagrad_start >= 0):
    sys.exit(f"adagrad_start is {adagrad_start!r}; it must be a number, 0 or more")

# ---- Data: each character of the text gets a number.
here = Path(__file__).parent
try:
    data = (here / input_file).read_text(encoding="utf-8-sig")
except (OSError, UnicodeError) as error:
    sys.exit(f"{here / input_file}: {error}; it must be UTF-8 text")
if len(data) <= seq_length:
    sys.exit(f"{here / input_file}: {len(data)} characters; needs {seq_length + 1}")
chars = sorted(set(data))
data_size, vocab_size = len(data), len(chars)
char_to_ix = {ch: i for i, ch in enumerate(chars)}
ix_to_char = {i: ch for i, ch in enumerate(chars)}

# ---- Parameters: what is learnt. Weights start at random, so that units differ.
rng = np.random.default_rng(seed)
Wxh = rng.normal(0, 0.01, (hidden_size, vocab_size)).astype(dtype)  # input to hidden
Whh = rng.normal(0, 0.01, (hidden_size, hidden_size)).astype(dtype)  # hidden to hidden
Why = rng.normal(0, 0.01, (vocab_size, hidden_size)).astype(dtype)  # hidden to output
bh, by = np.zeros((hidden_size, 1), dtype), np.zeros((vocab_size, 1), dtype)  # biases
mWxh, mWhh, mWhy = (np.full_like(W, adagrad_start) for W in [Wxh, Whh, Why])
mbh, mby = (np.full_like(b, adagrad_start) for b in [bh, by])  # Adagrad's memory
arrays = dict(Wxh=Wxh, Whh=Whh, Why=Why, bh=bh, by=by)  # for checkpoints
arrays.update(mWxh=mWxh, mWhh=mWhh, mWhy=mWhy, mbh=mbh, mby=mby)


# ---- Loss: how bad the guesses are. Gradients: how a parameter changes it.
def lossFun(inputs, targets, hprev):
    """Goes forward through a window, then back (truncated BPTT: Williams and Peng 1990).

    inputs, targets: lists of T character indices. hprev: the state before, shaped like bh.
    Returns the loss, a float: -log p[target] in nats, summed over t; its gradients, shaped
    like the parameters, clipped to -5..5; the last state. Changes no argument."""
    # Forward. A plural has a row for each time step; on rows, W x is written x.dot(W.T).
    from_xs = Wxh.T[inputs] + bh.T  # x is one-hot, 1 at its index: Wxh x is a column of Wxh
    h, hs = hprev[:, 0], np.empty_like(from_xs)
    for t in range(len(inputs)):
        h = hs[t] = np.tanh(from_xs[t] + Whh.dot(h))  # h on the right is h[t-1]
    hprevs = np.concatenate([hprev.T, hs[:-1]])  # the state before each step
    ys = hs.dot(Why.T) + by.T
    ys -= ys.max(axis=1, keepdims=True)  # the same softmax, but exp cannot overflow
    log_ps = ys - np.log(np.exp(ys).sum(axis=1, keepdims=True))
    ps = np.exp(log_ps)
    answers = np.arange(len(targets)), np.array(targets)  # (row, column) pairs
    loss = -float(log_ps[answers].sum())

    # Backward. dz is short for dloss/dz: how fast the loss grows as z grows.
    dys = ps.copy()
    dys[answers] -= 1  # dloss/dy is p, less 1 at the target
    dhs = dys.dot(Why)  # the part of dloss/dh[t] through y[t]
    slopes = 1 - hs * hs  # of tanh
    dhraws = np.empty_like(hs)  # hraw: h before tanh
    dhnext = np.zeros(hidden_size, dtype)  # nothing follows the window
    for t in reversed(range(len(inputs))):
        dhraw = dhraws[t] = slopes[t] * (dhs[t] + dhnext)
        dhnext = dhraw.dot(Whh)  # the rest of dloss/dh for step t-1
    xs = np.zeros((len(inputs), vocab_size), dtype)
    xs[np.arange(len(inputs)), inputs] = 1
    dWxh, dWhh, dWhy = dhraws.T.dot(xs), dhraws.T.dot(hprevs), dys.T.dot(hs)
    dbh, dby = dhraws.sum(axis=0).reshape(-1, 1), dys.sum(axis=0).reshape(-1, 1)
    for dparam in [dWxh, dWhh, dWhy, dbh, dby]:
        dparam.clip(-5, 5, out=dparam)  # or a huge one would shrink all later steps
    return loss, dWxh, dWhh, dWhy, dbh, dby, h.reshape(-1, 1)


# ---- Sampling: to write, the network reads what it has just written.
def sample(h, seed_ix, n):
    """Returns a list of n character indices drawn from softmax(y / temperature).

    h: the state before, shaped like bh, not changed. seed_ix: the index read first."""
    ix, ixes = seed_ix, []
    for draw in rng.random(n):
        h = np.tanh(Wxh[:, [ix]] + Whh.dot(h) + bh)
        y = (Why.dot(h) + by).astype(np.float64)  # a tiny temperature is 0 in float32
        p = np.exp((y - y.max()) / temperature)  # softmax, not yet divided by its sum
        ends = p.cumsum()  # index i owns the stretch up to ends[i]
        ix = ends.searchsorted(draw * ends[-1], side="right")  # the owner of draw's place
        ixes.append(ix)
    return ixes


# ---- Training: the loop in the order of the commentary "rnn 주해 2편".
def train():
    print(f"data has {data_size} characters, {vocab_size} unique.")
    n, p = 0, 0  # iterations; place in data, not a probability
    smooth_loss = -np.log(1.0 / vocab_size) * seq_length  # the loss of a uniform guess
    end = np.inf if max_iters is None else max_iters
    if checkpoint and (here / checkpoint).exists():
        n, p, hprev, smooth_loss = load()
        print(f"carrying on from {checkpoint} at iter {n}")
    while True:
        if p + seq_length + 1 >= len(data) or n == 0:  # a new pass begins
            hprev = np.zeros((hidden_size, 1), dtype)  # nothing has been read
            p = 0
        inputs = [char_to_ix[ch] for ch in data[p : p + seq_length]]
        targets = [char_to_ix[ch] for ch in data[p + 1 : p + seq_length + 1]]

        if n % sample_every == 0 or n >= end:  # show what has been learnt
            sample_ix = sample(hprev, inputs[0], sample_length)
            txt = "".join(ix_to_char[ix] for ix in sample_ix)
            print(f"----\n {txt} \n----")
        if n >= end:
            break

        loss, dWxh, dWhh, dWhy, dbh, dby, hprev = lossFun(inputs, targets, hprev)
        smooth_loss = smooth_loss * 0.999 + loss * 0.001
        if n % sample_every == 0:
            print(f"iter {n}, loss: {smooth_loss:f}")

        for param, dparam, mem in zip(  # Adagrad (Duchi, Hazan, Singer 2011)
            [Wxh, Whh, Why, bh, by],  # weights
            [dWxh, dWhh, dWhy, dbh, dby],  # gradients
            [mWxh, mWhh, mWhy, mbh, mby],  # memory
        ):
            mem += dparam * dparam
            param += -learning_rate * dparam / np.sqrt(mem + 1e-8)

        p += seq_length
        n += 1

        if not np.isfinite(loss):
            sys.exit(f"iter {n}: the loss is {loss}; lower learning_rate")
        if checkpoint and (n % sample_every == 0 or n >= end):
            save(n, p, hprev, smooth_loss)
    print(f"stopped at iter {n}, loss: {smooth_loss:f}")


# ---- Checkpoint: what a run needs to be carried on.
def save(n, p, hprev, smooth_loss):
    """Replaces the old file only when the new one is whole."""
    if not all(np.isfinite(array).all() for array in arrays.values()):
        sys.exit(f"iter {n}: an array is not finite; lower learning_rate")
    state = dict(arrays, hprev=hprev, n=n, p=p, smooth_loss=smooth_loss, chars=chars)
    part = here / f"{checkpoint}.{os.getpid()}.part.npz"
    try:
        np.savez(part, **state)
        os.replace(part, here / checkpoint)
    except OSError as error:
        sys.exit(f"{here / checkpoint}: cannot be written: {error.strerror}")
    finally:
        part.unlink(missing_ok=True)


def load():
    """Fills the arrays from the checkpoint; returns n, p, hprev, smooth_loss."""
    path = here / checkpoint
    try:
        saved = dict(np.load(path))
        if len(saved["bh"]) != hidden_size:
            sys.exit(f"{path}: hidden_size was {len(saved['bh'])}, is {hidden_size} now")
        if not np.array_equal(saved["chars"], chars):
            sys.exit(f"{path}: its text had other characters")
        for name, array in arrays.items():
            array[:] = saved[name]
        hprev = saved["hprev"].astype(dtype)
        return int(saved["n"]), int(saved["p"]), hprev, float(saved["smooth_loss"])
    except Exception:
        sys.exit(f"{path}: cannot be read as a checkpoint; name another file")


if __name__ == "__main__":
    if hasattr(sys.stdout, "reconfigure"):  # not in a notebook
        sys.stdout.reconfigure(errors="replace", line_buffering=True)
    try:
        train()
    except (KeyboardInterrupt, BrokenPipeError):  # Ctrl-C, or `| head` has read enough
        sys.unraisablehook = lambda _: None  # keeps Python's exit quiet
