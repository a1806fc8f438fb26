"""A character-level recurrent neural network (RNN) that learns to write, in NumPy.

It reads a text one character x at a time, keeps a trace of what it has read in its hidden
state h, and guesses each next character, the target. The loss says how bad the guesses are;
the gradient of a parameter (a weight W or a bias b) says how fast the loss grows with it.
The network learns by moving parameters against their gradients, to make the loss fall. The
model and most names are those of min-char-rnn by Andrej Karpathy (2015, BSD licence):
https://gist.github.com/karpathy/d4dee566867f8291f086

At each time step t:

    h[t] = tanh(Wxh x[t] + Whh h[t-1] + bh)    state, from x and the state before
    y[t] = Why h[t] + by                       logits: a score for each character
    p[t] = exp(y[t]) / sum(exp(y[t]))          softmax: the scores as probabilities
    loss = sum over t of -log(p[t][target])    a term is 0 if p is 1, larger as p nears 0

x[t] is one-hot, a column of zeros with a 1 at the index of its character, because the size
of an index means nothing. exp makes scores positive and keeps their order. Without tanh,
what a character adds to h would depend on how long ago it was read, but never on the
characters before it: a "u" would add the same after a "q" as after an "a".
"""

# `uv run min_char_rnn.py` installs what is listed.
# /// script
# requires-python = ">=3.9"
# dependencies = ["numpy>=1.23"]
# ///
import os
import signal
import sys

# One thread, because more are often slower for small matrices. OpenBLAS, which most NumPys
# use, reads this when NumPy is imported, so it is set before.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np

# ---- Settings: change any line and run the file again.
input_file = "input.txt"  # the text to learn from, in the folder where you start
encoding = "utf-8-sig"  # UTF-8, with or without a byte-order mark
hidden_size = 100  # units, the numbers in h; with more of them, lower learning_rate
seq_length = 25  # characters in a window, the piece of text that one iteration learns from
learning_rate = 1e-1  # step size of Adagrad, the rule by which weights and biases change
adagrad_start = 10.0  # where Adagrad's memory starts; 0.0 in min-char-rnn
temperature = 1.0  # divides the logits of a sample: below 1 the likely become likelier
sample_every = 100  # iterations between two samples, two printed losses, two saves
sample_length = 200  # characters in a sample
max_iters = np.inf  # iterations, all runs together; np.inf: until Ctrl-C; 0: just a sample
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
chars = sorted(set(data))  # sorted, as the order of a set differs from run to run
data_size, vocab_size = len(data), len(chars)
char_to_ix = {ch: i for i, ch in enumerate(chars)}
ix_to_char = {i: ch for i, ch in enumerate(chars)}

# ---- Parameters: the numbers that are learnt, weights and biases.
# Weights start at random, because units with equal weights would have equal gradients, and
# stay equal. They start small, to keep the sums inside tanh near 0: far from 0 tanh is
# flat, and gradients through it, which contain its slope, are tiny.
rng = np.random.default_rng(seed)
Wxh = rng.normal(0, 0.01, (hidden_size, vocab_size)).astype(dtype)  # input to hidden
Whh = rng.normal(0, 0.01, (hidden_size, hidden_size)).astype(dtype)  # hidden to hidden
Why = rng.normal(0, 0.01, (vocab_size, hidden_size)).astype(dtype)  # hidden to output
bh = np.zeros((hidden_size, 1), dtype)  # hidden bias
by = np.zeros((vocab_size, 1), dtype)  # output bias
# Adagrad's memory: train() adds each parameter's squared gradients to it, and divides
# updates by its root. From 0.0 most first updates would be about as large as learning_rate,
# because d / sqrt(d * d) is 1 or -1 unless a gradient d is near 0. That is ten times a
# typical starting weight: added up, such updates can trap units where tanh is flat, and at
# a learning_rate of 0.1 the loss usually ends higher. From 10.0 small gradients give
# updates of some learning_rate * d / 3, one step size for all parameters, until their
# squares count beside the 10 and Adagrad's help begins.
mWxh = np.full_like(Wxh, adagrad_start)
mWhh = np.full_like(Whh, adagrad_start)
mWhy = np.full_like(Why, adagrad_start)
mbh = np.full_like(bh, adagrad_start)
mby = np.full_like(by, adagrad_start)


# ---- Loss and gradients of one window.
def lossFun(inputs, targets, hprev):
    """Returns the loss of one window, its five gradients, and the last state.

    inputs, targets: lists of T character indices; a target is what follows its input.
    hprev: the state before the window, of shape (hidden_size, 1), as is the last state.

    The product of p[t][target] over t is the probability of all targets. The loss, a float,
    is minus its natural logarithm, a sum over t with simple slopes (cross-entropy).
    Gradients have the shapes of their parameters and are clipped to -5..5. No argument or
    parameter is changed.
    """
    # Forward. Only h needs a loop, because each h waits for the one before. The rest is
    # done for all steps at once: a matrix with a plural name has a column for each step.
    T = len(inputs)
    ts = np.arange(T)
    from_xs = Wxh[:, inputs] + bh  # as x is one-hot, Wxh x is a column of Wxh
    hs = np.empty_like(from_xs)
    h = hprev[:, 0]  # the column as a vector
    for t in range(T):
        h = np.tanh(from_xs[:, t] + Whh.dot(h))  # h on the right is h[t-1]
        hs[:, t] = h
    ys = Why.dot(hs) + by
    ys -= ys.max(axis=0)  # so that exp cannot overflow; in p it cancels
    # log(p) is y - log(sum(exp(y))), finite even where p is rounded to 0.
    log_ps = ys - np.log(np.exp(ys).sum(axis=0))
    ps = np.exp(log_ps)
    loss = -float(log_ps[targets, ts].sum())  # of column t, row targets[t]

    # Backward ("backpropagation through time"). dz is short for dloss/dz: how fast the loss
    # grows with z, if all that is computed from z changes too. A step's loss,
    # -log(p[target]), is log(sum(exp(y))) - y[target]. As y[k] grows, the first part has
    # the slope exp(y[k]) / sum(exp(y)), which is p[k]; the other, -1 at the target, else 0.
    # So dy is p, less 1 at the target: 0.7, 0.2, 0.1 becomes 0.7, -0.8, 0.1 if the second
    # is the target.
    dys = ps.copy()
    dys[targets, ts] -= 1
    # The chain rule: slopes multiply along a path to the loss, and add up over several
    # paths. So for z = W v + b, with z[i] = b[i] + sum over j of W[i,j] v[j]:
    #     dv = W.T dz    v[j] acts on every z[i], with slope W[i,j]: add up W[i,j] dz[i]
    #     dW = dz v.T    W[i,j] acts only on z[i], with slope v[j]: dW[i,j] is dz[i] v[j]
    #     db = dz        b[i] acts only on z[i], with slope 1
    # There are two such z: y, with v = h; and hraw, the sum inside tanh, with two products
    # W v, where v is x and the h before.
    from_dys = Why.T.dot(dys)  # the part of dh that comes through y
    slopes = 1 - hs * hs  # of tanh: 1 - tanh * tanh
    dhraws = np.empty_like(hs)
    # h[t] acts on the loss through y[t] and through h[t+1], so dh[t] needs dhraw[t+1], and
    # this loop runs backward. It ends at the window's first step: hprev is used but not
    # traced back, because going back through the whole text for each window would take too
    # long ("truncated": Williams and Peng 1990).
    dhraw = np.zeros_like(h)  # what the last h does after the window is not counted
    for t in reversed(range(T)):
        dh = from_dys[:, t] + Whh.T.dot(dhraw)  # dhraw on the right is dhraw[t+1]
        dhraw = slopes[:, t] * dh  # back through tanh
        dhraws[:, t] = dhraw
    # All steps share the parameters, so dW and db are sums over t. dys.dot(hs.T), for
    # example, is the sum of dy[t] h[t].T over all t.
    xs = np.zeros((vocab_size, T), dtype)
    xs[inputs, ts] = 1
    dWxh = dhraws.dot(xs.T)
    hprevs = np.concatenate([hprev, hs[:, :-1]], axis=1)  # column t is h[t-1]
    dWhh = dhraws.dot(hprevs.T)
    dWhy = dys.dot(hs.T)
    dbh = dhraws.sum(axis=1, keepdims=True)
    dby = dys.sum(axis=1, keepdims=True)
    # As a sum over the window, a gradient can be large, above all if Whh.T makes dhraw grow
    # at each step ("exploding gradient"). Unclipped, its square would stay in Adagrad's
    # memory and shrink that parameter's later updates. Clipping in the loop would falsify
    # all earlier dh.
    for dparam in [dWxh, dWhh, dWhy, dbh, dby]:
        dparam.clip(-5, 5, out=dparam)
    return loss, dWxh, dWhh, dWhy, dbh, dby, h[:, np.newaxis]


# ---- Sampling: to write, the network reads what it has just written.
def sample(h, seed_ix, n):
    """Returns a list of n character indices, each drawn from softmax(y / temperature).

    h: the state before, of shape (hidden_size, 1), not changed. seed_ix: the index read
    first, which is not among those returned.
    """
    ix = seed_ix
    ixes = []
    for _ in range(n):
        h = np.tanh(Wxh[:, [ix]] + Whh.dot(h) + bh)  # [ix] keeps it a column
        y = Why.dot(h) + by
        exp_y = np.exp((y - y.max()) / temperature)
        p = exp_y / exp_y.sum()
        # Drawn, because always taking the likeliest soon repeats itself.
        ix = rng.choice(vocab_size, p=p.ravel())
        ixes.append(ix)
    return ixes


# ---- Training: the main loop.
interrupted = False  # Ctrl-C makes it True


def train():
    """Learns window after window until max_iters or Ctrl-C; prints samples and losses."""
    print(f"data has {data_size} characters, {vocab_size} unique.")
    n = 0  # iterations done
    p = 0  # place in data, not a probability
    hprev = np.zeros((hidden_size, 1), dtype)
    # A moving average over about a thousand windows, because single losses vary; it lags
    # behind. It starts at the loss of a uniform guess: small weights give almost that.
    smooth_loss = -np.log(1.0 / vocab_size) * seq_length
    if checkpoint and os.path.exists(checkpoint):
        n, p, hprev, smooth_loss = load()
        print(f"carrying on from {checkpoint} at iter {n}")

    running = n < max_iters and not interrupted
    while running:  # `while True:` in min-char-rnn
        # At the end of the text, start over from a state that has read nothing. (As in
        # min-char-rnn, >= skips a window that would just fit.)
        if p + seq_length + 1 >= len(data) or n == 0:
            hprev = np.zeros((hidden_size, 1), dtype)
            p = 0
        inputs = [char_to_ix[ch] for ch in data[p : p + seq_length]]
        targets = [char_to_ix[ch] for ch in data[p + 1 : p + seq_length + 1]]

        if n % sample_every == 0:
            sample_ix = sample(hprev, inputs[0], sample_length)
            txt = "".join(ix_to_char[ix] for ix in sample_ix)
            print(f"----\n {txt} \n----")

        # The last state is hprev for the next window, which follows on in the text.
        loss, dWxh, dWhh, dWhy, dbh, dby, hprev = lossFun(inputs, targets, hprev)
        smooth_loss = smooth_loss * 0.999 + loss * 0.001
        if n % sample_every == 0:
            print(f"iter {n}, loss: {smooth_loss:f}")

        # Adagrad (Duchi, Hazan, Singer 2011). One step size cannot suit all parameters: a
        # rare character's column of Wxh has a gradient of 0 in most windows, and would
        # hardly move. So mem adds up each parameter's squared gradients, and its root
        # divides the updates: by less where gradients were small or rare. The price: mem
        # never shrinks, so the same gradient moves a parameter less and less.
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


# ---- Checkpoint: what a run needs to go on as if never stopped. Only random numbers start
# over, from the seed: they affect only samples.
arrays = dict(Wxh=Wxh, Whh=Whh, Why=Why, bh=bh, by=by)
arrays.update(mWxh=mWxh, mWhh=mWhh, mWhy=mWhy, mbh=mbh, mby=mby)


def save(n, p, hprev, smooth_loss, running=False):
    """Replaces the old file only when the new one is whole."""
    contents = dict(arrays, hprev=hprev, n=n, p=p, smooth_loss=smooth_loss)
    if not all(np.isfinite(value).all() for value in contents.values()):
        sys.exit(f"iter {n}: not saved, a number is not finite: lower learning_rate")
    contents.update(chars=chars, seq_length=seq_length)
    part = os.fspath(checkpoint) + ".part.npz"  # savez would add .npz to a name without it
    try:
        np.savez(part, **contents)
        os.replace(part, checkpoint)
    except OSError as error:
        line = f"iter {n}: {checkpoint} cannot be written: {error}"
        if not running:
            sys.exit(line)  # no save follows
        print(line, file=sys.stderr)  # the next save tries again


def load():
    """Fills the parameters and Adagrad's memory; returns n, p, hprev, smooth_loss."""
    what = f"checkpoint = {checkpoint!r}"
    names = [*arrays, "hprev", "n", "p", "smooth_loss", "chars", "seq_length"]
    try:
        with np.load(checkpoint) as file:
            saved = {name: file[name] for name in names}
    except Exception as error:
        # Only the type, because NumPy's message can recommend an unsafe way to load.
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


# ---- Start. Importing this file reads the text, and trains nothing.
def stop(signum, frame):
    """Ctrl-C: the current iteration is finished, and the run ends as at max_iters."""
    global interrupted
    interrupted = True
    # A second Ctrl-C stops at once, without a save.
    signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    if hasattr(sys.stdout, "reconfigure"):  # a notebook's output has none
        # What the output cannot show becomes "?"; each line is written at once.
        sys.stdout.reconfigure(errors="replace", line_buffering=True)
    signal.signal(signal.SIGINT, stop)
    try:
        train()
    except BrokenPipeError:  # whatever reads the output has ended, as `| head` does
        os._exit(1)  # or Python would try to write the rest, and complain
    finally:
        # In a notebook, which goes on, Ctrl-C and train() work as before.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        interrupted = False
