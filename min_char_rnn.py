"""A character-level recurrent neural network (RNN), all of it in one file of NumPy.

It keeps what it has read of a text in a vector, its hidden state, and guesses each next character
from that. Backpropagation through time (BPTT) finds how its parameters, W and b, have to change.
After min-char-rnn (Karpathy 2015). At each time step t (see tests/step_by_step.py):

    h[t] = tanh(Wxh x[t] + Whh h[t-1] + bh)    state, from the character x and the state before
    y[t] = Why h[t] + by                       logits: a score for each possible next character
    p[t] = exp(y[t]) / sum(exp(y[t]))          softmax: the scores as probabilities"""

# /// script
# requires-python = ">=3.9"
# dependencies = ["numpy>=1.23"]
# ///
import os
import signal
import sys

if __name__ == "__main__" and not (sys.flags.inspect or hasattr(sys, "ps1")):
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C during the start: no traceback
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # more threads help only from 1,000 units up
import contextlib
import io
from pathlib import Path

import numpy as np

# ---- Settings: change any line and run the file again.
input_file = "input.txt"  # the text to learn from, UTF-8, in the folder of this file
hidden_size = 100  # units in the hidden state; more can remember more, and are slower
seq_length = 25  # characters in a window; gradients flow back this far and no farther
learning_rate = 1e-1  # step size of Adagrad; when it is too large, nothing is learnt
adagrad_start = 0.0  # what Adagrad's memory starts from; 10.0 learns better
temperature = 1.0  # divides the logits when sampling; lower is safer, higher is wilder
sample_every = 100  # iterations from one sample (and loss, and save) to the next
sample_length = 200  # characters in a sample
max_iters = None  # end after this many iterations; None: go on until Ctrl-C
checkpoint = None  # a file such as "model.npz" to save to and carry on from; None: no file
dtype = np.float32  # number format of every array; np.float64 is more exact, and slower
seed = 0  # start of the random numbers: same seed, same computer, same run

counts = "hidden_size seq_length sample_every sample_length max_iters"
for names, kinds, fits, allowed in [  # a setting that cannot work ends the program
    (counts, [int], lambda v: v > 0, "a whole number (int) above 0"),
    ("seed", [int], lambda v: v >= 0, "a whole number (int), 0 or more"),
    ("learning_rate temperature", [int, float], lambda v: 0 < v < 1e308, "finite, above 0 (float)"),
    ("adagrad_start", [int, float], lambda v: 0 <= v <= 1e30, "from 0 to 1e30 (float)"),
    ("dtype", [type], lambda v: v in (np.float32, np.float64), "np.float32 or np.float64"),
    ("input_file checkpoint", [str], lambda v: v.strip() and "\0" not in v, "a file name (str)"),
]:
    for name in names.split():
        value = globals().get(name, NameError("missing"))
        optional = name in ("max_iters", "checkpoint")
        if not (type(value) in kinds and fits(value) or optional and value is None):
            sys.exit(f"{name} is {value!r}; it must be {allowed}{' or None' * optional}")

# ---- Data: a network knows only numbers, so each different character of the text gets one.
here = Path(__file__).parent
path = here / str(checkpoint)  # used only if the setting names a file
try:
    data = (here / input_file).read_text(encoding="utf-8").removeprefix("\ufeff")
except (OSError, UnicodeError) as error:
    sys.exit(f"{here / input_file}: {error}; name a file in input_file and save it as UTF-8")
if len(data) <= seq_length:
    sys.exit(f"{here / input_file}: {len(data)} characters; needs {seq_length + 1} or more")
chars = sorted(set(data))
data_size, vocab_size = len(data), len(chars)
char_to_ix = {ch: i for i, ch in enumerate(chars)}
ix_to_char = {i: ch for i, ch in enumerate(chars)}

# ---- Parameters: random, or units stay alike; small: tanh is steep near 0. m: Adagrad's memory.
rng = np.random.default_rng(seed)
Wxh = (rng.standard_normal((hidden_size, vocab_size)) * 0.01).astype(dtype)  # input to hidden
Whh = (rng.standard_normal((hidden_size, hidden_size)) * 0.01).astype(dtype)  # hidden to hidden
Why = (rng.standard_normal((vocab_size, hidden_size)) * 0.01).astype(dtype)  # hidden to output
bh, by = np.zeros((hidden_size, 1), dtype), np.zeros((vocab_size, 1), dtype)  # biases
mWxh, mWhh, mWhy, mbh, mby = (np.full_like(w, adagrad_start) for w in [Wxh, Whh, Why, bh, by])
arrays = {w: globals()[w] for w in "Wxh Whh Why bh by mWxh mWhh mWhy mbh mby".split()}  # saved


# ---- Loss and gradients: how bad the guesses are, and what would make them better.
def lossFun(inputs, targets, hprev):
    """Goes forward through a window, then back (truncated BPTT: Williams and Peng 1990).

    inputs, targets: lists of T character indices; hprev: the state before, (hidden_size, 1).
    Returns the loss, a float: -log p[target] summed over the steps (cross-entropy, in nats); its
    gradients, shaped like the parameters, clipped to -5..5; the last state. Changes no argument."""
    # Only the recurrence goes step by step, in two loops. All else is done for all steps at once,
    # in arrays with a row for each step. There vectors are rows, so W x becomes x.dot(W.T).
    steps, inputs, targets = np.arange(len(inputs)), np.array(inputs), np.array(targets)
    xs = np.zeros((len(steps), vocab_size), dtype)
    xs[steps, inputs] = 1  # one-hot: a 1 at the character's index, else 0
    from_xs = Wxh.T[inputs] + bh.T  # xs.dot(Wxh.T) + bh.T, only faster
    states = np.full((len(steps) + 1, hidden_size), hprev[:, 0], dtype)  # only row 0 is kept
    hprevs, hs = states[:-1], states[1:]  # the states before and after each step
    for from_x, before, h in zip(from_xs, hprevs, hs):
        np.tanh(from_x + Whh.dot(before), out=h)  # h is the next step's `before`
    ys = hs.dot(Why.T) + by.T
    ys -= ys.max(axis=1, keepdims=True)  # the softmax stays the same, and exp cannot overflow
    log_ps = ys - np.log(np.exp(ys).sum(axis=1, keepdims=True))
    ps = np.exp(log_ps)
    loss = -float(log_ps[steps, targets].sum())  # from each row the entry of its target
    # Backward. dz is short for dloss/dz: how fast the loss grows as z grows.
    dys = ps.copy()
    dys[steps, targets] -= 1  # softmax and -log together: dloss/dy is p, less 1 at the target
    dhs = dys.dot(Why)  # of each state, through its own guess: Why.T dy
    slopes, dhraws = 1 - hs * hs, np.empty_like(hs)  # slopes of tanh; raw: before tanh
    dhnext = np.zeros(hidden_size, dtype)  # of a state, through later steps; the last has none
    for dh, slope, dhraw in zip(dhs[::-1], slopes[::-1], dhraws[::-1]):
        np.multiply(slope, dh + dhnext, out=dhraw)  # a state acts in these two ways: both count
        dhnext = dhraw.dot(Whh)  # times Whh at each step back: so it fades or explodes
    dWxh, dWhh, dWhy = dhraws.T.dot(xs), dhraws.T.dot(hprevs), dys.T.dot(hs)  # summed over t
    dbh, dby = dhraws.sum(axis=0).reshape(-1, 1), dys.sum(axis=0).reshape(-1, 1)
    for dparam in [dWxh, dWhh, dWhy, dbh, dby]:
        dparam.clip(-5, 5, out=dparam)  # a huge one, in Adagrad's memory, would slow its weight
    return loss, dWxh, dWhh, dWhy, dbh, dby, hs[-1].reshape(-1, 1)


# ---- Sampling: to write, the network reads what it has just written.
def sample(h, seed_ix, n):
    """Returns a list of n character indices, drawn from softmax(y / temperature) one by one.

    h: the state to start from, (hidden_size, 1). seed_ix: the index of the character read first."""
    ix, ixes = seed_ix, []
    for draw in rng.random(n):  # between 0 and 1
        h = np.tanh(Wxh[:, [ix]] + Whh.dot(h) + bh)  # x is one-hot: Wxh x is a column of Wxh
        y = (Why.dot(h) + by).astype(np.float64)  # in float32 a tiny temperature would be 0
        p = np.exp((y - y.max()) / temperature)  # the probabilities, but for their sum
        ends = p.cumsum()  # where each ends when they lie end to end on a line
        ix = np.count_nonzero(ends <= draw * ends[-1])  # the one that the draw falls on
        ixes.append(ix)
    return ixes


# ---- Training: window after window, round and round. save, load and stopping come below it.
def train():
    print(f"data has {data_size} characters, {vocab_size} unique.")
    n, p, hprev = 0, 0, np.zeros((hidden_size, 1), dtype)  # iterations; place in data; state
    smooth_loss = -np.log(1.0 / vocab_size) * seq_length  # the loss of a uniform guess
    if checkpoint and os.path.exists(path):
        n, p, hprev, smooth_loss = load()
        print(f"carrying on from {checkpoint} at iter {n}")
    last = max_iters is not None and n >= max_iters
    if checkpoint and not last:
        save(n, p, hprev, smooth_loss)  # if it cannot be written, better now than in an hour
    while True:
        if p + seq_length + 1 >= len(data) or n == 0:  # fewer than seq_length + 2 are left
            hprev, p = np.zeros((hidden_size, 1), dtype), 0  # as if nothing had been read
        inputs = [char_to_ix[ch] for ch in data[p : p + seq_length]]
        targets = [char_to_ix[ch] for ch in data[p + 1 : p + seq_length + 1]]  # what comes next

        if n % sample_every == 0 or last:
            sample_ix = sample(hprev, inputs[0], sample_length)
            txt = "".join(ix_to_char[ix] for ix in sample_ix)
            print(f"----\n {txt} \n----")
        if last:
            kept = f", saved to {checkpoint}" if checkpoint else ""
            print(f"stopped at iter {n}, loss: {smooth_loss:f}{kept}")
            return n, smooth_loss

        loss, dWxh, dWhh, dWhy, dbh, dby, hprev = lossFun(inputs, targets, hprev)
        smooth_loss = smooth_loss * 0.999 + loss * 0.001  # loss jumps about; its trend does not
        if n % sample_every == 0:
            print(f"iter {n}, loss: {smooth_loss:f}")
        weights, gradients = [Wxh, Whh, Why, bh, by], [dWxh, dWhh, dWhy, dbh, dby]
        for param, dparam, mem in zip(weights, gradients, [mWxh, mWhh, mWhy, mbh, mby]):
            mem += dparam * dparam  # Adagrad (Duchi, Hazan, Singer 2011): all squares so far
            param += -learning_rate * dparam / np.sqrt(mem + 1e-8)  # downhill, in place
        p += seq_length
        n += 1
        if not np.isfinite(loss):
            sys.exit(f"iter {n}: the loss is {loss}; lower learning_rate")
        last = bool(stopping) or n == max_iters
        if checkpoint and (n % sample_every == 0 or last):
            save(n, p, hprev, smooth_loss)


# ---- The program around it: what is kept on disk, and how a run ends.
stopping = []  # Ctrl-C puts something in, and the iteration under way becomes the last


def save(n, p, hprev, smooth_loss):
    """Writes a new file, then moves it over the old one: at every instant one is whole."""
    state = dict(arrays, n=n, p=p, hprev=hprev, smooth_loss=smooth_loss)
    if not all(np.isfinite(value).all() for value in state.values()):
        sys.exit(f"iter {n}: a weight is not finite; lower learning_rate")
    part = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}.part")
    np.savez(content := io.BytesIO(), hidden_size=hidden_size, chars=chars, **state)
    try:
        part.write_bytes(content.getbuffer())
        part.replace(path)
    except (OSError, UnicodeError) as error:
        if os.path.exists(part):
            part.unlink()
        sys.exit(f"{path}: cannot be written: {getattr(error, 'strerror', error)}; see checkpoint")


def load():
    """Fills the arrays from the checkpoint; returns n, p, hprev (shaped like bh), smooth_loss."""
    state = dict(arrays, n=np.array(0), p=np.array(0), hprev=bh * 0, smooth_loss=np.array(0.0))
    try:
        saved = dict(np.load(io.BytesIO(path.read_bytes()), allow_pickle=False))
        if saved["hidden_size"] != hidden_size:
            sys.exit(f"{path}: hidden_size was {saved['hidden_size']}, is {hidden_size} now")
        if others := np.setxor1d(saved["chars"], chars).tolist():  # those in one of the two
            sys.exit(f"{path}: of another text; only one of the two has {others[:20]}")
        for name, array in state.items():
            if saved[name].shape != array.shape or not np.isfinite(saved[name]).all():
                raise ValueError(name)
            array[...] = saved[name]
    except OSError as error:
        sys.exit(f"{path}: cannot be read: {error.strerror}; see checkpoint")
    except Exception:  # np.load raises a dozen kinds, and zipfile some more
        sys.exit(f"{path}: not a checkpoint, or damaged; move it away or name another")
    return int(state["n"]), int(state["p"]), state["hprev"], float(state["smooth_loss"])


def main():
    def stop(*_):
        stopping.append(True)
        handlers.close()  # gives the old ones back: a second Ctrl-C ends the program at once

    stopping.clear()  # of what stopped an earlier run, as under `python -i`
    with contextlib.ExitStack() as handlers, np.errstate(all="ignore"):  # the loss is checked
        for number in (signal.SIGINT, signal.SIGTERM):
            handlers.callback(signal.signal, number, signal.signal(number, stop))
        try:
            if hasattr(sys.stdout, "reconfigure"):  # a line at once; "?" for what it cannot show
                sys.stdout.reconfigure(errors="replace", line_buffering=True)
            train()
        except OSError as error:
            if error.filename:
                raise  # not the output: a file that your own code opens
            sys.stdout = None  # or Python's own exit would try to write once more
            closed = error.errno in (22, 32)  # EINVAL (Windows), EPIPE: closed by `| head`
            sys.exit(None if closed else f"the output cannot be written: {error.strerror}")


if __name__ == "__main__":
    main()
