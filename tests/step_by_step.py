"""The loss and its gradients, one character at a time: the form that the commentary explains.

Each equation is a line here, and each line works on one time step. `lossFun` in min_char_rnn.py
gathers the steps into matrix products; the tests hold its results against these.
"""

import numpy as np


def loss_and_gradients(inputs, targets, hprev, Wxh, Whh, Why, bh, by):
    """Returns loss, dWxh, dWhh, dWhy, dbh, dby and the last hidden state, as `lossFun` does."""
    xs, hs, ps = {}, {-1: hprev}, {}
    loss = 0.0
    for t in range(len(inputs)):
        xs[t] = np.zeros((Wxh.shape[1], 1))
        xs[t][inputs[t]] = 1  # one-hot
        hs[t] = np.tanh(Wxh.dot(xs[t]) + Whh.dot(hs[t - 1]) + bh)
        y = Why.dot(hs[t]) + by  # logits
        exp_y = np.exp(y - y.max())
        ps[t] = exp_y / exp_y.sum()  # probabilities of the next character
        loss += -np.log(ps[t][targets[t], 0])  # cross-entropy, in nats

    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(by)
    dhnext = np.zeros_like(hprev)  # nothing follows the last step
    for t in reversed(range(len(inputs))):
        dy = ps[t].copy()
        dy[targets[t]] -= 1
        dWhy += dy.dot(hs[t].T)
        dby += dy
        dh = Why.T.dot(dy) + dhnext  # through this step's guess, and through the step after
        dhraw = (1 - hs[t] * hs[t]) * dh  # back through tanh
        dWxh += dhraw.dot(xs[t].T)
        dWhh += dhraw.dot(hs[t - 1].T)
        dbh += dhraw
        dhnext = Whh.T.dot(dhraw)
    for dparam in (dWxh, dWhh, dWhy, dbh, dby):
        np.clip(dparam, -5, 5, out=dparam)
    return loss, dWxh, dWhh, dWhy, dbh, dby, hs[len(inputs) - 1]


def sample(h, seed_ix, n, temperature, rng, Wxh, Whh, Why, bh, by):
    """Returns n indices, each drawn from the softmax and read in turn, as `sample` does."""
    ix = seed_ix
    ixes = []
    for _ in range(n):
        x = np.zeros((Wxh.shape[1], 1))
        x[ix] = 1
        h = np.tanh(Wxh.dot(x) + Whh.dot(h) + bh)
        y = (Why.dot(h) + by) / temperature
        exp_y = np.exp(y - y.max())
        ix = rng.choice(len(y), p=(exp_y / exp_y.sum()).ravel())
        ixes.append(ix)
    return ixes
