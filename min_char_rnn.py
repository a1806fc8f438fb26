"""A character-level recurrent neural network (RNN), in NumPy.

It reads a text one character x at a time, keeps a trace of what it has read in its hidden
state h, and guesses each next character, the target. It learns by changing its parameters,
the weights W and biases b, so that the loss, which says how bad the guesses are, falls. The
model and the names are those of min-char-rnn by Andrej Karpathy (2015):
https://gist.github.com/karpathy/d4dee566867f8291f086

At each time step t:

    h[t] = tanh(Wxh x[t] + Whh h[t-1] + bh)    state, from x and the state before
    y[t] = Why h[t] + by                       logits: a score for each character
    p[t] = exp(y[t]) / sum(exp(y[t]))          softmax: the scores as probabilities
    loss = sum over t of -log(p[t][target])    a term is 0 if p is 1, larger as p nears 0

x[t] is one-hot: a column of zeros with a 1 at the index of its character. Without tanh, h
would only be a weighted sum of the characters read: each would add the same to it, whatever
came before, and "th" could mean no more than its t and its h.
"""

# What this script needs, for `uv run min_char_rnn.py`, which installs it.
# /// script
# requires-python = ">=3.9"
# dependencies = ["numpy>=1.23"]
# ///
import os
import signal
import sys

# One thread for matrix products, because more threads help only large networks. OpenBLAS,
# with which most NumPys multiply, reads this when NumPy is imported: so it stands before.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np

# ---- Settings: change any line and run the file again.
input_file = "input.txt"  # the text to learn from, in UTF-8
# Units, the numbers in the state h. With more, lower learning_rate: scores and the sums in
# tanh go over all units, so that a step of every weight changes them more.
hidden_size = 100
seq_length = 25  # characters in a window, the piece of text that one iteration learns from
learning_rate = 1e-1  # step size of Adagrad, the rule by which weights and biases change
# Adagrad divides each step by the root of a memory, which starts from this number and only
# grows. From 10, most first steps are small. From 0.0, as in min-char-rnn, they are about
# as long as learning_rate, ten times a starting weight: units can get stuck where tanh is
# flat, and the loss usually ends higher.
adagrad_start = 10.0
temperature = 1.0  # divides the logits of a sample: below 1 the likely become likelier
sample_every = 100  # iterations between two samples, two printed losses, two saves
sample_length = 200  # characters in a sample
max_iters = np.inf  # iterations in all, earlier runs included; np.inf: until Ctrl-C
checkpoint = None  # a file such as "model.npz" to save to and carry on from; None: no file
dtype = np.float32  # number format; np.float64 is more exact and slower
seed = 0  # same seed, same computer, same run

if not (hidden_size >= 1 and seq_length >= 1 and sample_every >= 1 and sample_length >= 1):
    sys.exit("hidden_size, seq_length, sample_every and sample_length must be 1 or more")
if not (learning_rate > 0 and temperature > 0 and adagrad_start >= 0):
    sys.exit("learning_rate and temperature must be above 0, adagrad_start 0 or more")

# ---- Data: each different character of the text gets a number, its index.
try:
    with open(input_file, encoding="utf-8-sig") as file:  # -sig drops a byte-order mark
        data = file.read()
except (OSError, UnicodeError) as error:
    sys.exit(f"input_file = {input_file!r}: {error}")
if len(data) <= seq_length:
    sys.exit(f"input_file = {input_file!r}: {len(data)} characters, needs {seq_length + 1}")
chars = sorted(set(data))  # sorted, because the order of a set differs from run to run
data_size, vocab_size = len(data), len(chars)
char_to_ix = {ch: i for i, ch in enumerate(chars)}
ix_to_char = {i: ch for i, ch in enumerate(chars)}

# ---- Parameters: the numbers that are learnt, weights and biases.
# Weights start at random, because units that have equal weights would change alike and stay
# equal. They start small, so that the sums inside tanh are near 0, where tanh is steep: far
# from 0 it is flat, and little is learnt there, because its slope is a factor of gradients.
rng = np.random.default_rng(seed)
Wxh = rng.normal(0, 0.01, (hidden_size, vocab_size)).astype(dtype)  # input to hidden
Whh = rng.normal(0, 0.01, (hidden_size, hidden_size)).astype(dtype)  # hidden to hidden
Why = rng.normal(0, 0.01, (vocab_size, hidden_size)).astype(dtype)  # hidden to output
bh = np.zeros((hidden_size, 1), dtype)  # hidden bias
by = np.zeros((vocab_size, 1), dtype)  # output bias
# Adagrad's memory: a number for each parameter, to which train() adds squared gradients.
mWxh = np.full_like(Wxh, adagrad_start)
mWhh = np.full_like(Whh, adagrad_start)
mWhy = np.full_like(Why, adagrad_start)
mbh = np.full_like(bh, adagrad_start)
mby = np.full_like(by, adagrad_start)


# ---- Loss: how bad the guesses are. Gradients: how fast it grows with each parameter.
def lossFun(inputs, targets, hprev):
    """Returns the loss of one window, its five gradients, and the last state.

    inputs, targets: lists of T character indices; a target is what follows its input.
    hprev: the state before the window, of shape (hidden_size, 1), as is the last state. The
    loss is a float, in nats. Each gradient has the shape of its parameter and is clipped to
    -5..5. No argument is changed.

    The loss is the sum over t of -log(p[t][target]), which is small when the network
    expected what came; -log(p[target]) is the same as log(sum(exp(y))) - y[target]. Its
    gradients come from backpropagation through time: the chain rule, from the last step of
    the window back to the first and no farther ("truncated": Williams and Peng 1990). dz is
    short for dloss/dz: how fast the loss grows as z grows. hraw is the sum inside tanh.

        dy[t] = p[t], less 1 at the target      log(sum(exp(y))) adds p, -y[target] adds -1
        dh[t] = Why.T dy[t] + Whh.T dhraw[t+1]  h[t] acts through y[t] and through h[t+1]
        dhraw[t] = (1 - h[t]*h[t]) * dh[t]      the slope of tanh is 1 - tanh*tanh

    Wherever z = W v + b, z[i] is b[i] plus the sum over j of W[i,j] v[j]. So dv[j] is the
    sum over i of W[i,j] dz[i], that is dv = W.T dz; dW[i,j] is dz[i] v[j], that is
    dW = dz v.T; and db = dz. These two are summed over t, as all steps share W and b.

        dWxh = sum of dhraw[t] x[t].T
        dWhh = sum of dhraw[t] h[t-1].T
        dWhy = sum of dy[t] h[t].T
        dbh = sum of dhraw[t]
        dby = sum of dy[t]
    """
    # A matrix with a plural name has a column for each time step. Forward, only h needs a
    # loop, because each h waits for the one before; the rest is done for all steps at once.
    ts = np.arange(len(inputs))
    from_xs = Wxh[:, inputs] + bh  # Wxh x + bh: x is one-hot, so Wxh x is a column of Wxh
    hs = np.empty_like(from_xs)
    h = hprev[:, 0]  # the column as a vector
    for t in range(len(inputs)):
        h = np.tanh(from_xs[:, t] + Whh.dot(h))  # h on the right is h[t-1]
        hs[:, t] = h

    ys = Why.dot(hs) + by
    ys -= ys.max(axis=0)  # p stays the same, and exp cannot overflow
    exp_ys = np.exp(ys)
    sums = exp_ys.sum(axis=0)
    ps = exp_ys / sums
    # log(sum(exp(y))) - y[target], which is finite even where p is rounded to 0.
    # [targets, ts] picks one entry of each column: row targets[t] of column t.
    loss = float((np.log(sums) - ys[targets, ts]).sum())

    # Backward, only dhraw needs a loop, because each dhraw waits for the one after.
    dys = ps.copy()
    dys[targets, ts] -= 1
    from_dys = Why.T.dot(dys)  # Why.T dy[t], the part of dh[t] that comes through y[t]
    slopes = 1 - hs * hs  # of tanh
    dhraws = np.empty_like(hs)
    dhnext = np.zeros_like(h)  # what h does beyond the window is not counted
    for t in reversed(range(len(inputs))):
        dh = from_dys[:, t] + dhnext  # dhnext is Whh.T dhraw[t+1]
        dhraw = slopes[:, t] * dh
        dhraws[:, t] = dhraw
        dhnext = Whh.T.dot(dhraw)  # for the next round, which is step t-1

    xs = np.zeros((vocab_size, len(inputs)), dtype)
    xs[inputs, ts] = 1
    hprevs = np.concatenate([hprev, hs[:, :-1]], axis=1)  # column t is h[t-1]
    dWxh = dhraws.dot(xs.T)  # the matrix product sums over t
    dWhh = dhraws.dot(hprevs.T)
    dWhy = dys.dot(hs.T)
    dbh = dhraws.sum(axis=1, keepdims=True)
    dby = dys.sum(axis=1, keepdims=True)
    # Whh.T, again and again, can make a gradient huge. Its square would stay in Adagrad's
    # memory, and all later steps of that number would be tiny.
    for dparam in [dWxh, dWhh, dWhy, dbh, dby]:
        dparam.clip(-5, 5, out=dparam)
    return loss, dWxh, dWhh, dWhy, dbh, dby, hs[:, [-1]]  # [-1] keeps it a column


# ---- Sampling: to write, the network reads what it has just written.
def sample(h, seed_ix, n):
    """Returns a list of n character indices drawn from softmax(y / temperature).

    h: the state before, (hidden_size, 1), not changed. seed_ix: the index read first.
    """
    ix = seed_ix
    ixes = []
    for _ in range(n):
        h = np.tanh(Wxh[:, [ix]] + Whh.dot(h) + bh)
        # In float64, because float32 can round the sum of p to above 1, and multinomial
        # refuses that.
        y = (Why.dot(h) + by).astype(np.float64)
        exp_y = np.exp((y - y.max()) / temperature)
        p = exp_y / exp_y.sum()
        ix = rng.multinomial(1, p.ravel()).argmax()  # one draw: a 1 at its index, else 0
        ixes.append(ix)
    return ixes


# ---- Training: the main loop, with the names and the order of min-char-rnn. A Korean blog
# post of 2016, "rnn 주해 2편", explains it line by line.
def train():
    """Learns window after window until max_iters; prints samples and losses on the way."""
    print(f"data has {data_size} characters, {vocab_size} unique.")
    n = 0  # iterations done
    p = 0  # place in data, not a probability
    hprev = np.zeros((hidden_size, 1), dtype)
    # A moving average of the losses, which starts from the loss of a uniform guess.
    smooth_loss = -np.log(1.0 / vocab_size) * seq_length
    if checkpoint and os.path.exists(checkpoint):
        n, p, hprev, smooth_loss = load()
        print(f"carrying on from {checkpoint} at iter {n}")
    started_at = n

    while n < max_iters:  # `while True:` in min-char-rnn; Ctrl-C makes max_iters 0
        # At the end of the text, start over. (By >=, as in min-char-rnn, a last window that
        # would just fit is left out.)
        if p + seq_length + 1 >= len(data) or n == 0:
            hprev = np.zeros((hidden_size, 1), dtype)  # nothing has been read
            p = 0
        inputs = [char_to_ix[ch] for ch in data[p : p + seq_length]]
        targets = [char_to_ix[ch] for ch in data[p + 1 : p + seq_length + 1]]

        if n % sample_every == 0:  # show what has been learnt
            sample_ix = sample(hprev, inputs[0], sample_length)
            txt = "".join(ix_to_char[ix] for ix in sample_ix)
            print(f"----\n {txt} \n----")

        # The last state is hprev for the next window, which follows on in the text.
        loss, dWxh, dWhh, dWhy, dbh, dby, hprev = lossFun(inputs, targets, hprev)
        smooth_loss = smooth_loss * 0.999 + loss * 0.001
        if n % sample_every == 0:
            print(f"iter {n}, loss: {smooth_loss:f}")

        if not np.isfinite(loss):
            sys.exit(f"iter {n}: the loss is {loss}; lower learning_rate")

        # Adagrad (Duchi, Hazan, Singer 2011): each number moves against its gradient, so
        # that the loss falls. The memory sums squares, so its root has the scale of the
        # gradients: divided by it, small and rare gradients still count. It only grows, so
        # the same gradient moves a number less and less.
        for param, dparam, mem in zip(
            [Wxh, Whh, Why, bh, by],  # weights
            [dWxh, dWhh, dWhy, dbh, dby],  # gradients
            [mWxh, mWhh, mWhy, mbh, mby],  # memory
        ):
            mem += dparam * dparam  # += changes the array itself
            param += -learning_rate * dparam / np.sqrt(mem + 1e-8)  # 1e-8: no division by 0

        p += seq_length
        n += 1

        if checkpoint and n % sample_every == 0:
            save(n, p, hprev, smooth_loss)

    if checkpoint and n > started_at:  # something has been learnt
        save(n, p, hprev, smooth_loss)
    sample_ix = sample(hprev, char_to_ix[data[p]], sample_length)
    txt = "".join(ix_to_char[ix] for ix in sample_ix)
    print(f"----\n {txt} \n----")
    print(f"stopped at iter {n}, loss: {smooth_loss:f}")


# ---- Checkpoint: what a run needs to be carried on.
arrays = dict(Wxh=Wxh, Whh=Whh, Why=Why, bh=bh, by=by)
arrays.update(mWxh=mWxh, mWhh=mWhh, mWhy=mWhy, mbh=mbh, mby=mby)


def save(n, p, hprev, smooth_loss):
    """Replaces the old file only when the new one is whole."""
    contents = dict(arrays, hprev=hprev, n=n, p=p, smooth_loss=smooth_loss, chars=chars)
    # Two runs may write the same file: the process number keeps their part files apart.
    part = f"{checkpoint}.{os.getpid()}.part.npz"
    try:
        np.savez(part, **contents)
        os.replace(part, checkpoint)
    except OSError as error:
        line = f"iter {n}: {checkpoint} cannot be written: {error}"
        try:
            os.remove(part)
        except OSError:
            pass  # it was not even begun, or another program holds it
        if n >= max_iters:  # the run is over: it ends with this error
            sys.exit(line)
        print(line, file=sys.stderr)


def load():
    """Fills the parameters and Adagrad's memory; returns n, p, hprev, smooth_loss."""
    try:
        with np.load(checkpoint) as file:
            saved = dict(file)
    except Exception as error:  # NumPy has one for each kind of damage
        sys.exit(f"checkpoint = {checkpoint!r}: {error}")
    size = len(saved["bh"])
    if size != hidden_size:
        sys.exit(f"checkpoint = {checkpoint!r}: hidden_size was {size}, now {hidden_size}")
    if not np.array_equal(saved["chars"], chars):
        sys.exit(f"checkpoint = {checkpoint!r}: its text had other characters")
    for name, array in arrays.items():
        array[:] = saved[name]
    p = min(int(saved["p"]), data_size - 1)  # the text may be shorter now
    return int(saved["n"]), p, saved["hprev"].astype(dtype), float(saved["smooth_loss"])


# ---- Start: an import of this file trains nothing.
def stop(signum, frame):
    """Ctrl-C ends the run after this iteration, as max_iters does, with a last sample.

    It is saved if there is a checkpoint. A second Ctrl-C ends it at once, without a save.
    """
    global max_iters
    max_iters = 0
    signal.signal(signal.SIGINT, former)  # what Ctrl-C did before, see below


if __name__ == "__main__":
    if hasattr(sys.stdout, "reconfigure"):  # a notebook's output has no such method
        # A character that the output cannot show becomes "?"; each line is written at once.
        sys.stdout.reconfigure(errors="replace", line_buffering=True)
    former = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, stop)
    try:
        train()
    except BrokenPipeError:  # what reads the output has ended, as `| head` does
        # With a checkpoint nothing is lost: nothing is learnt between a save and a print.
        # What is still unwritten goes nowhere, or Python would complain as it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    finally:
        signal.signal(signal.SIGINT, former)
