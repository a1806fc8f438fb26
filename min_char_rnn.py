"""A character-level recurrent neural network (RNN), all of it in one file of NumPy.

It guesses each next character of a text from its hidden state, a vector that every step makes anew
out of the state before and the character just read. Backpropagation through time finds how each
parameter has to change for better guesses. Algorithm and names: min-char-rnn by Andrej Karpathy
(2015); see also his article "The Unreasonable Effectiveness of Recurrent Neural Networks".
"""

# /// script
# requires-python = ">=3.9"
# dependencies = ["numpy>=1.23"]
# ///
import io
import os
import signal
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # more pay from hidden_size 1,000 up
import numpy as np

# ---- Settings: change any line and run the file again.
input_file = "input.txt"  # text to learn from, UTF-8, beside this file; a longer one teaches more
hidden_size = 100  # units in the hidden state; more of them remember more and take longer
seq_length = 25  # characters in a window = time steps unrolled; more see farther, take longer
learning_rate = 1e-1  # Adagrad's step size; larger learns faster, until it is too large to learn
temperature = 1.0  # divides the logits when sampling; larger is wilder, smaller repeats itself
sample_every = 100  # iterations between two samples; more print (and save) less often
sample_length = 200  # characters in a sample; more take longer
max_iters = None  # end after this many iterations; more learn more; None: run until Ctrl-C
checkpoint = None  # file beside this one to save to and carry on from: "model.npz"; None: neither
dtype = np.float32  # number format of every array; np.float64: exacter, slower, twice the memory
seed = 0  # of the random numbers: same seed, same run; a larger one is only another one


# ---- Safety: settings, text and terminal can be wrong. On a first reading, go on to "Data".
def check_settings():
    """Ends the program with one line on standard error if a setting cannot work."""
    rates = "learning_rate temperature"
    counts = "hidden_size seq_length sample_every sample_length max_iters"
    for names, allowed, fits in (
        (counts, "a whole number above 0", lambda v: type(v) is int and v > 0),
        ("seed", "a whole number, 0 or more", lambda v: type(v) is int and v >= 0),
        (rates, "a finite number above 0", lambda v: type(v) in (int, float) and 0 < v < 1e308),
        ("input_file checkpoint", "a file name", lambda v: isinstance(v, str) and v.strip()),
        ("dtype", "np.float32 or np.float64", lambda v: v is np.float32 or v is np.float64),
    ):
        for name in names.split():
            value, optional = globals()[name], name in ("max_iters", "checkpoint")
            if not (fits(value) or (optional and value is None)):
                sys.exit(f"{name} is {value!r}; it must be {allowed}{' or None' * optional}")


def read_text(path):
    """Returns the text of a UTF-8 file with line ends as \\n, or ends the program with one line."""
    try:
        text = path.read_text(encoding="utf-8").removeprefix("\ufeff")  # a byte-order mark
    except UnicodeDecodeError as error:
        sys.exit(f"{path}: not UTF-8 at byte {error.start}, counted from 0; save it as UTF-8")
    except OSError as error:
        sys.exit(f"{path}: cannot be read: {error.strerror}; see input_file")
    if len(text) <= seq_length:
        sys.exit(f"{path}: {len(text)} characters; seq_length {seq_length} needs {seq_length + 1}")
    return text


def show(line):
    """Prints at once, or ends the program quietly if nobody reads any more, as after `| head`."""
    try:
        print(line, flush=True)
    except OSError as error:
        os._exit(0 if isinstance(error, BrokenPipeError) or os.name == "nt" else 1)


stopping = []  # Ctrl-C puts something in, and the iteration under way becomes the last
if __name__ == "__main__":
    signal.signal(signal.SIGINT, lambda *_: stopping.append(True))
check_settings()

# ---- Data: a network knows numbers only, so each different character of the text is given one.
here = Path(__file__).parent
data = read_text(here / input_file)
chars = sorted(set(data))
data_size, vocab_size = len(data), len(chars)
char_to_ix = {ch: i for i, ch in enumerate(chars)}
ix_to_char = {i: ch for i, ch in enumerate(chars)}

# ---- Model parameters: all that the network will ever know. It starts from small random numbers.
rng = np.random.default_rng(seed)
Wxh = (rng.standard_normal((hidden_size, vocab_size)) * 0.01).astype(dtype)  # input to hidden
Whh = (rng.standard_normal((hidden_size, hidden_size)) * 0.01).astype(dtype)  # hidden to hidden
Why = (rng.standard_normal((vocab_size, hidden_size)) * 0.01).astype(dtype)  # hidden to output
bh = np.zeros((hidden_size, 1), dtype)  # hidden bias
by = np.zeros((vocab_size, 1), dtype)  # output bias


# ---- Loss and gradients: how bad the guesses in a window are, and what would make them better.
def lossFun(inputs, targets, hprev):
    """Goes through a window, then back (truncated BPTT: Williams and Peng 1990), changing nothing.

    inputs, targets: lists of T character indices. hprev: the hidden state before, (hidden_size, 1).
    Returns the loss, a float: the cross-entropy of the T guesses, summed, in nats; the gradients
    dWxh, dWhh, dWhy, dbh, dby, shaped like the parameters and clipped to -5..5; the hidden state
    after the window, (hidden_size, 1). Raises IndexError if an index is vocab_size or more.
    """
    # Row t of an array belongs to time step t, so that one product serves all T steps. The two
    # loops hold what cannot be gathered like this: there, each step needs the one beside it.
    T = len(inputs)
    steps = np.arange(T)
    xs = np.zeros((T, vocab_size), dtype)  # one-hot rows: a 1 at the index of the character
    xs[steps, inputs] = 1
    from_xs = xs.dot(Wxh.T) + bh.T
    hs = np.empty((T + 1, hidden_size), dtype)
    hs[-1] = hprev[:, 0]  # the last row is the state before step 0: there hs[t - 1] finds it
    for t in range(T):
        hs[t] = np.tanh(from_xs[t] + Whh.dot(hs[t - 1]))  # h[t] = tanh(Wxh x[t] + Whh h[t-1] + bh)
    ys = hs[:T].dot(Why.T) + by.T  # logits
    ys -= ys.max(axis=1, keepdims=True)  # gives the same softmax, and exp cannot overflow
    log_ps = ys - np.log(np.exp(ys).sum(axis=1, keepdims=True))  # p = exp(y) / sum(exp(y))
    ps = np.exp(log_ps)
    loss = -float(log_ps[steps, targets].sum())  # cross-entropy
    dys = ps.copy()
    dys[steps, targets] -= 1  # the gradient of the loss by the logits: p, less 1 at the target
    dhs = dys.dot(Why)  # the gradient by each state, through the guess made from it
    dhraw = 1 - hs[:T] * hs[:T]  # the gradient by what went into tanh; so far only tanh's slope
    dhnext = np.zeros(hidden_size, dtype)  # by a state, through the step after: 0 for the last
    for t in reversed(range(T)):
        dhraw[t] *= dhs[t] + dhnext
        dhnext = Whh.T.dot(dhraw[t])
    dWxh = dhraw.T.dot(xs)  # by Wxh: the sum of T outer products, as in the next two
    dWhh = dhraw.T.dot(hs[steps - 1])  # rows -1, 0, ... T-2: the state before each step
    dWhy = dys.T.dot(hs[:T])
    dbh = dhraw.sum(axis=0).reshape(-1, 1)
    dby = dys.sum(axis=0).reshape(-1, 1)
    for dparam in [dWxh, dWhh, dWhy, dbh, dby]:
        np.clip(dparam, -5, 5, out=dparam)  # so that one exploding gradient cannot wreck the rest
    return loss, dWxh, dWhh, dWhy, dbh, dby, hs[T - 1].reshape(-1, 1)


# ---- Sampling: to write, the network reads what it has just written.
def sample(h, seed_ix, n):
    """Returns n character indices, each drawn from softmax(y / temperature) and then read.

    h: hidden state to start from, (hidden_size, 1), not changed. seed_ix: index of the character
    read first. Takes n numbers from rng. Raises IndexError if seed_ix is vocab_size or more.
    """
    ixes = [seed_ix]
    for draw in rng.random(n):  # each draw from 0 to 1, evenly
        h = np.tanh(Wxh[:, ixes[-1:]] + Whh.dot(h) + bh)  # x is one-hot: Wxh x is a column of Wxh
        y = (Why.dot(h) + by).astype(np.float64)  # wide enough for any temperature
        heap = np.exp((y - y.max()) / temperature).cumsum()  # probabilities heaped up, unscaled
        ixes.append(np.count_nonzero(heap <= draw * heap[-1]))  # the characters below the draw
    return ixes[1:]


# ---- Checkpoint: a run can be carried on where it was. On a first reading, go on to "Training".
saved_names = "Wxh Whh Why bh by mWxh mWhh mWhy mbh mby hprev n p smooth_loss".split()


def save():
    """Writes the run's state to a new file and puts it in the old one's place in one step."""
    state = {name: globals()[name] for name in saved_names}
    if not all(np.isfinite(value).all() for value in state.values()):
        sys.exit(f"iter {n}: a parameter is not finite; lower learning_rate")
    part, content = here / f"{checkpoint}.part", io.BytesIO()
    np.savez(content, hidden_size=hidden_size, chars=chars, **state)
    try:
        part.write_bytes(content.getbuffer())
        part.replace(here / checkpoint)
    except OSError as error:
        sys.exit(f"{here / checkpoint}: cannot be written: {error.strerror}; see checkpoint")


def load():
    """Takes the run's state from the checkpoint, running no code from it, or ends the program."""
    try:
        with np.load(here / checkpoint, allow_pickle=False) as file:
            saved = {name: file[name] for name in ["hidden_size", "chars", *saved_names]}
        for name in ["hidden_size", "chars"]:
            theirs, ours = saved[name].tolist(), np.array(globals()[name]).tolist()
            if theirs != ours:
                sys.exit(f"{here / checkpoint}: made with {name} {theirs}; now it is {ours}")
        for name in saved_names:
            now = np.asarray(globals()[name])
            if saved[name].shape != now.shape or not np.isfinite(saved[name]).all():
                raise ValueError(name)
            globals()[name] = saved[name].astype(now.dtype)[()]  # [()]: a number, if it is one
    except Exception:  # np.load raises a dozen kinds, and zipfile some more
        sys.exit(f"{here / checkpoint}: not a checkpoint, or damaged; move it away or name another")


# ---- Training: window after window through the text, round and round.
if __name__ == "__main__":
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a character that the terminal does not know
    np.seterr(all="ignore")  # what overflows ends in the loss, and that is checked
    show(f"data has {data_size} characters, {vocab_size} unique.")
    n, p, hprev = 0, 0, np.zeros_like(bh)  # iterations done, place in the text, hidden state
    mWxh, mWhh, mWhy, mbh, mby = map(np.zeros_like, [Wxh, Whh, Why, bh, by])  # Adagrad's memory
    smooth_loss = -np.log(1.0 / vocab_size) * seq_length  # loss of a uniform guess
    if checkpoint and os.path.exists(here / checkpoint):
        load()
        save()  # if it cannot be written, better now than in an hour
        show(f"carrying on from {checkpoint} at iter {n}")

    while True:
        if p + seq_length + 1 >= len(data) or n == 0:  # the text has run out, or not begun
            hprev = np.zeros((hidden_size, 1), dtype)  # no memory of anything before
            p = 0
        inputs = [char_to_ix[ch] for ch in data[p : p + seq_length]]
        targets = [char_to_ix[ch] for ch in data[p + 1 : p + seq_length + 1]]  # what comes next

        last = stopping or (max_iters and n >= max_iters)
        if n % sample_every == 0 or last:
            if checkpoint:
                save()
            sample_ix = sample(hprev, inputs[0], sample_length)
            txt = "".join(ix_to_char[ix] for ix in sample_ix)
            show(f"----\n {txt} \n----")
        if last:
            break

        loss, dWxh, dWhh, dWhy, dbh, dby, hprev = lossFun(inputs, targets, hprev)
        if not np.isfinite(loss):
            sys.exit(f"iter {n}: the loss is {loss}; lower learning_rate")
        smooth_loss = smooth_loss * 0.999 + loss * 0.001  # loss jumps about; its trend does not
        if n % sample_every == 0:
            show(f"iter {n}, loss: {smooth_loss:f}")

        for param, dparam, mem in zip(
            [Wxh, Whh, Why, bh, by],
            [dWxh, dWhh, dWhy, dbh, dby],
            [mWxh, mWhh, mWhy, mbh, mby],
        ):
            mem += dparam * dparam  # Adagrad (Duchi, Hazan, Singer 2011): the more there is
            param += -learning_rate * dparam / np.sqrt(mem + 1e-8)  # in mem, the smaller the step
        p += seq_length
        n += 1
    if stopping:
        show(f"stopped at iter {n}, loss: {smooth_loss:f}")
