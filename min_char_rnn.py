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

x[t] is one-hot: a column of zeros with a 1 at the index of its character. Without tanh,
what a character adds to h would depend on how long ago it was read, but never on the
characters before it: a "u" would add the same after a "q" as after an "a".
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
input_file = "input.txt"  # the text to learn from, looked for in the folder where you start
encoding = "utf-8-sig"  # of this text: UTF-8, with or without a byte-order mark
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
    with open(input_file, encoding=encoding) as file:
        data = file.read()
except (OSError, UnicodeError, LookupError) as error:
    where = f"encoding = {encoding!r}, started in {os.getcwd()}"
    sys.exit(f"input_file = {input_file!r}: {error} ({where})")
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


# ---- Loss: how bad the guesses are. Gradients: how the loss grows with each parameter.
def lossFun(inputs, targets, hprev):
    """Returns the loss of one window, its five gradients, and the last state.

    inputs, targets: lists of T character indices; a target is what follows its input.
    hprev: the state before the window, of shape (hidden_size, 1), as is the last state.

    The probability of the whole row of targets is the product of all p[t][target], each
    given the characters before; -log (natural) turns it into a sum. The loss, a float, is
    this sum. Each gradient has the shape of its parameter and is clipped to -5..5. No
    argument and no parameter is changed.
    """
    # Forward, from the first time step to the last. Only h needs a loop, because each h
    # waits for the one before. The rest is done for all steps at once: a matrix with a
    # plural name has a column for each step.
    T = len(inputs)
    ts = np.arange(T)
    from_xs = Wxh[:, inputs] + bh  # as x is one-hot, Wxh x is a column of Wxh
    hs = np.empty_like(from_xs)
    h = hprev[:, 0]  # the column as a vector
    for t in range(T):
        h = np.tanh(from_xs[:, t] + Whh.dot(h))  # h on the right is h[t-1]
        hs[:, t] = h
    ys = Why.dot(hs) + by
    ys -= ys.max(axis=0)  # so exp cannot overflow; in p and in the loss it cancels
    # log(exp(y) / sum(exp(y))), finite even where p is rounded to 0.
    log_ps = ys - np.log(np.exp(ys).sum(axis=0))
    ps = np.exp(log_ps)
    loss = -float(log_ps[targets, ts].sum())  # row targets[t] in column t

    # Backward. dz is short for dloss/dz: how fast the loss grows as z grows, where all that
    # is computed from z changes with it. At each step the loss is log(sum(exp(y))) -
    # y[target]. As y[k] grows, the first part has the slope exp(y[k]) / sum(exp(y)), which
    # is p[k]; the second has -1 if k is the target. So dy is p, less 1 at the target. As
    # parameters move against their gradients, this pushes the target's score up, and the
    # others down.
    dys = ps.copy()
    dys[targets, ts] -= 1
    # The chain rule: on a way to the loss the slopes are multiplied. If there are several
    # ways, a small change does a little on each, and these add up, so the slopes do too.
    # Wherever z = W v + b, z[i] is b[i] plus the sum over j of W[i,j] v[j], so
    #     dv = W.T dz    v[j] acts on each z[i] by W[i,j]: dv[j] is the sum of W[i,j] dz[i]
    #     dW = dz v.T    W[i,j] acts only on z[i], by v[j]: dW[i,j] is dz[i] v[j]
    #     db = dz        b[i] acts only on z[i], by 1
    # There are two such z: y, with v = h; and hraw, the sum inside tanh, which has two
    # products, one with v = x and one with v = the h before.
    from_dys = Why.T.dot(dys)  # the part of dh that comes through y
    slopes = 1 - hs * hs  # the slope of tanh is 1 - tanh * tanh
    dhraws = np.empty_like(hs)
    # h[t] acts on the loss through y[t] and through h[t+1], so the loop runs backward: to
    # the first step of the window and no farther, because the way back through the whole
    # text would be too long for each window ("truncated": Williams and Peng 1990).
    dhraw = np.zeros_like(h)  # what the last h does after the window is not counted
    for t in reversed(range(T)):
        dh = from_dys[:, t] + Whh.T.dot(dhraw)  # dhraw on the right is dhraw[t+1]
        dhraw = slopes[:, t] * dh  # the chain rule, from h back through tanh
        dhraws[:, t] = dhraw
    # All steps share the parameters, so dW and db are sums over t. For dW this sum is the
    # product of two matrices that have a column for each step, the second one transposed.
    xs = np.zeros((vocab_size, T), dtype)
    xs[inputs, ts] = 1
    dWxh = dhraws.dot(xs.T)
    hprevs = np.concatenate([hprev, hs[:, :-1]], axis=1)  # column t is h[t-1]
    dWhh = dhraws.dot(hprevs.T)
    dWhy = dys.dot(hs.T)
    dbh = dhraws.sum(axis=1, keepdims=True)
    dby = dys.sum(axis=1, keepdims=True)
    # A gradient can be huge, because it is a sum over the window, and because Whh.T can
    # make dhraw grow from step to step. Its square would stay in Adagrad's memory and make
    # all later updates smaller. Only these finished gradients are clipped: to clip dhraw in
    # the loop would falsify what is handed on to all earlier steps.
    for dparam in [dWxh, dWhh, dWhy, dbh, dby]:
        dparam.clip(-5, 5, out=dparam)  # 5 as in min-char-rnn
    return loss, dWxh, dWhh, dWhy, dbh, dby, h[:, np.newaxis]  # the vector as a column


# ---- Sampling: to write, the network reads what it has just written.
def sample(h, seed_ix, n):
    """Returns a list of n character indices, each drawn from softmax(y / temperature).

    h: the state before, of shape (hidden_size, 1), not changed. seed_ix: the index that is
    read first; it is not among those returned.
    """
    ix = seed_ix
    ixes = []
    for _ in range(n):
        h = np.tanh(Wxh[:, [ix]] + Whh.dot(h) + bh)
        y = Why.dot(h) + by
        exp_y = np.exp((y - y.max()) / temperature)
        p = exp_y / exp_y.sum()
        # A draw, because the likeliest character each time would soon go round in circles.
        ix = rng.choice(vocab_size, p=p.ravel())
        ixes.append(ix)
    return ixes


# ---- Training: the main loop, in the order of min-char-rnn.
interrupted = False  # Ctrl-C makes it True


def train():
    """Learns window after window until max_iters; prints samples and losses on the way."""
    print(f"data has {data_size} characters, {vocab_size} unique.")
    n = 0  # iterations done
    p = 0  # place in data, not a probability
    hprev = np.zeros((hidden_size, 1), dtype)
    # A moving average over a thousand windows or so, because some windows are harder than
    # others. So it lags behind the losses. It starts at the loss of a uniform guess: the
    # first losses are close to that, because the weights are small.
    smooth_loss = -np.log(1.0 / vocab_size) * seq_length
    if checkpoint and os.path.exists(checkpoint):
        n, p, hprev, smooth_loss = load()
        print(f"carrying on from {checkpoint} at iter {n}")

    running = n < max_iters and not interrupted
    while running:  # `while True:` in min-char-rnn
        # At the end of the text, start over. (As in min-char-rnn, >= leaves out a last
        # window that would just fit, and n == 0 only repeats what has been set above.)
        if p + seq_length + 1 >= len(data) or n == 0:
            hprev = np.zeros((hidden_size, 1), dtype)  # as if nothing had been read
            p = 0
        inputs = [char_to_ix[ch] for ch in data[p : p + seq_length]]
        targets = [char_to_ix[ch] for ch in data[p + 1 : p + seq_length + 1]]

        # Show how the network would write on from here. Training itself draws no random
        # numbers, so a sample does not disturb it.
        if n % sample_every == 0:
            sample_ix = sample(hprev, inputs[0], sample_length)
            txt = "".join(ix_to_char[ix] for ix in sample_ix)
            print(f"----\n {txt} \n----")

        # The last state is hprev for the next window, which follows on in the text.
        loss, dWxh, dWhh, dWhy, dbh, dby, hprev = lossFun(inputs, targets, hprev)
        smooth_loss = smooth_loss * 0.999 + loss * 0.001
        if n % sample_every == 0:
            print(f"iter {n}, loss: {smooth_loss:f}")

        # Adagrad (Duchi, Hazan, Singer 2011): each parameter moves against its gradient, so
        # that the loss falls. mem adds up the squares of its gradients, as squares have no
        # sign; the root takes the squaring back. Where gradients were small or rare, mem is
        # smaller and divides them by less, so that they still count. As mem only grows, the
        # same gradient moves a parameter less and less.
        for param, dparam, mem in zip(
            [Wxh, Whh, Why, bh, by],  # parameters
            [dWxh, dWhh, dWhy, dbh, dby],  # gradients
            [mWxh, mWhh, mWhy, mbh, mby],  # memory
        ):
            mem += dparam * dparam  # += changes the array itself
            param += -learning_rate * dparam / np.sqrt(mem + 1e-8)  # 1e-8: no division by 0

        p += seq_length
        n += 1

        running = n < max_iters and not interrupted
        if checkpoint and (n % sample_every == 0 or not running):
            save(n, p, hprev, smooth_loss, running)

    sample_ix = sample(hprev, char_to_ix[data[p]], sample_length)
    txt = "".join(ix_to_char[ix] for ix in sample_ix)
    print(f"----\n {txt} \n----")
    print(f"stopped at iter {n}, loss: {smooth_loss:f}")
    if not checkpoint:
        print('nothing was saved: to keep a model, set checkpoint = "model.npz"')


# ---- Checkpoint: what a run needs to be carried on as if it had never been stopped. Only
# its random numbers, and so its samples, start anew. n counts the windows that are learnt.
arrays = dict(Wxh=Wxh, Whh=Whh, Why=Why, bh=bh, by=by)
arrays.update(mWxh=mWxh, mWhh=mWhh, mWhy=mWhy, mbh=mbh, mby=mby)


def save(n, p, hprev, smooth_loss, running=False):
    """Replaces the old file only when the new one is whole.

    running: whether the run goes on, so that another save follows.
    """
    contents = dict(arrays, hprev=hprev, n=n, p=p, smooth_loss=smooth_loss)
    if not all(np.isfinite(value).all() for value in contents.values()):
        sys.exit(f"iter {n}: not saved, a number is not finite: lower learning_rate")
    contents.update(chars=chars, seq_length=seq_length)
    part = checkpoint + ".part.npz"  # savez would add .npz to a name without it
    try:
        np.savez(part, **contents)
        os.replace(part, checkpoint)
    except OSError as error:
        line = f"iter {n}: {checkpoint} cannot be written: {error}"
        if not running:
            sys.exit(line)  # no save follows: the run has not ended well
        print(line, file=sys.stderr)  # the next save tries again


def load():
    """Fills the parameters and Adagrad's memory; returns n, p, hprev, smooth_loss."""
    what = f"checkpoint = {checkpoint!r}"
    names = [*arrays, "hprev", "n", "p", "smooth_loss", "chars", "seq_length"]
    try:
        with np.load(checkpoint) as file:
            saved = {name: file[name] for name in names}
    except Exception as error:
        # Only its type, because NumPy's message can recommend an unsafe way to load.
        sys.exit(f"{what}: not readable as this script's model ({type(error).__name__})")
    size = len(saved["bh"])
    if size != hidden_size:
        sys.exit(f"{what}: hidden_size was {size}, now {hidden_size}")
    if not np.array_equal(saved["chars"], chars):
        sys.exit(f"{what}: its text had other characters")
    for name, array in arrays.items():
        array[:] = saved[name]  # [:] changes the array itself
    p = min(int(saved["p"]), data_size - 1)  # the text may be shorter now
    # The loss is a sum over seq_length characters, which may have been changed.
    smooth_loss = float(saved["smooth_loss"]) * (seq_length / int(saved["seq_length"]))
    return int(saved["n"]), p, saved["hprev"].astype(dtype), smooth_loss


# ---- Start. An import of this file reads the text, and trains nothing.
def stop(signum, frame):
    """Ctrl-C: the iteration in hand is finished, and the run ends as at max_iters."""
    global interrupted
    interrupted = True
    # A second Ctrl-C stops at once, and what has not been saved is lost.
    signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    if hasattr(sys.stdout, "reconfigure"):  # a notebook's output has no such method
        # A character that the output cannot show becomes "?"; each line is written at once.
        sys.stdout.reconfigure(errors="replace", line_buffering=True)
    signal.signal(signal.SIGINT, stop)
    try:
        train()
    except BrokenPipeError:  # whatever reads the output has ended, as `| head` does
        os._exit(1)  # at once, or Python would try to write what is left, and complain
    finally:
        # A notebook or `python -i` goes on: with its own Ctrl-C, and train() can be called.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        interrupted = False
