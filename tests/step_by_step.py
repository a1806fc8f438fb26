"""lossFun with one time step after the other: the form in which the equations are written.

`python tests/step_by_step.py` prints a small example with every number of it. The tests
hold the script's `lossFun`, which takes the steps of a window together, against it."""

import numpy as np


def loss_and_gradients(inputs, targets, hprev, Wxh, Whh, Why, bh, by):
    """Returns loss, dWxh, dWhh, dWhy, dbh, dby and the last state, as `lossFun` does."""
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
    dhnext = np.zeros_like(hprev)  # what is beyond the window is not counted
    for t in reversed(range(len(inputs))):
        # For the target k the loss is -log p[k] = -y[k] + log(sum(exp(y))). Its derivative
        # by y[j] is exp(y[j]) / sum(exp(y)) = p[j]; where j is k, the first term adds -1.
        dy = ps[t].copy()
        dy[targets[t]] -= 1
        dWhy += dy.dot(hs[t].T)  # += changes the array itself: the steps are summed in it
        dby += dy
        dh = Why.T.dot(dy) + dhnext  # through this guess, and through the step after
        # Back through tanh. As tanh = sinh / cosh, its slope is (cosh^2 - sinh^2) / cosh^2,
        # which is 1 - tanh^2; and hs[t] is the tanh.
        dhraw = (1 - hs[t] * hs[t]) * dh
        dWxh += dhraw.dot(xs[t].T)
        dWhh += dhraw.dot(hs[t - 1].T)  # at the first step Whh was multiplied by hprev
        dbh += dhraw
        dhnext = Whh.T.dot(dhraw)  # how fast the losses from step t on grow with h[t-1]
    for dparam in [dWxh, dWhh, dWhy, dbh, dby]:
        np.clip(dparam, -5, 5, out=dparam)  # out: again the array itself is changed
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


def example():
    """The text "aba", a is 0 and b is 1: its inputs, targets, hprev and parameters."""
    Wxh = np.array([[1.0, 0.0], [0.0, 1.0]])
    Whh = np.array([[0.5, 0.5], [-0.5, 0.5]])
    Why = np.array([[1.0, -1.0], [-1.0, 1.0]])
    bh = np.zeros((2, 1))
    by = np.zeros((2, 1))
    hprev = np.array([[0.5], [-0.5]])
    return [0, 1], [1, 0], hprev, Wxh, Whh, Why, bh, by


def show(title, **values):
    """Prints the title, and the numbers of each value, row / row; a column as one row."""
    print(f"\n{title}")
    for name, value in values.items():
        if np.ndim(value) == 2 and value.shape[1] == 1:
            value = value.T
        rows = ["".join(f"{number:8.3f}" for number in row) for row in np.atleast_2d(value)]
        print(f"  {name:6}", " /".join(rows))


def print_example():
    """Prints each number of both steps, forward and backward, and a step of Adagrad."""
    inputs, targets, hprev, Wxh, Whh, Why, bh, by = example()
    show("The parameters, row / row", Wxh=Wxh, Whh=Whh, Why=Why, bh=bh, by=by)

    h = hprev
    steps = []
    for t, (ix, target) in enumerate(zip(inputs, targets)):
        before = h
        x = np.eye(2)[:, [ix]]
        raw = Wxh.dot(x) + Whh.dot(before) + bh
        h = np.tanh(raw)
        y = Why.dot(h) + by
        p = np.exp(y) / np.exp(y).sum()
        loss = -np.log(p[target, 0])
        title = f"Forward, step {t}: {'ab'[ix]} is read, {'ab'[target]} comes next"
        show(title, hprev=before, x=x, raw=raw, h=h, y=y, p=p, loss=loss)
        steps.append((h, p - np.eye(2)[:, [target]]))

    dhnext = np.zeros((2, 1))
    for t in [1, 0]:
        h, dy = steps[t]
        dh = Why.T.dot(dy) + dhnext
        dhraw = (1 - h * h) * dh
        dhnext = Whh.T.dot(dhraw)
        title = f"Backward, step {t}: dhnext is what step {t} hands to the step before"
        show(title, dy=dy, dh=dh, dhraw=dhraw, dhnext=dhnext)

    params = [Wxh, Whh, Why, bh, by]
    loss, *gradients, _ = loss_and_gradients(inputs, targets, hprev, *params)
    dWxh, dWhh, dWhy, dbh, dby = gradients
    show("The gradients: sums over both steps", dWxh=dWxh, dWhh=dWhh, dWhy=dWhy)
    show("and of the biases", dbh=dbh, dby=dby)

    for param, dparam in zip(params, gradients):
        mem = np.zeros_like(param)  # adagrad_start is 0
        mem += dparam * dparam
        param += -0.1 * dparam / np.sqrt(mem + 1e-8)
    title = "The parameters after Adagrad's first step, each 0.1 against its gradient"
    show(title, Wxh=Wxh, Whh=Whh, Why=Why, bh=bh, by=by)
    after = loss_and_gradients(inputs, targets, hprev, *params)[0]
    show("The loss before and after this step", before=loss, after=after)


if __name__ == "__main__":
    print_example()
