"""The loss and its gradients, one character at a time: the form the commentary explains.

`lossFun` takes the steps of a window together; the tests hold its results against these.
`python tests/step_by_step.py` prints an example with every number."""

import numpy as np


def loss_and_gradients(inputs, targets, hprev, Wxh, Whh, Why, bh, by):
    """Returns loss, dWxh, dWhh, dWhy, dbh, dby and the last state, as `lossFun` does."""
    xs, hs, ps, loss = {}, {-1: hprev}, {}, 0.0
    for t in range(len(inputs)):
        xs[t] = np.zeros((Wxh.shape[1], 1))
        xs[t][inputs[t]] = 1  # one-hot
        hs[t] = np.tanh(Wxh.dot(xs[t]) + Whh.dot(hs[t - 1]) + bh)
        y = Why.dot(hs[t]) + by  # logits
        exp_y = np.exp(y - y.max())
        ps[t] = exp_y / exp_y.sum()  # probabilities of the next character
        loss += -np.log(ps[t][targets[t], 0])  # cross-entropy, in nats

    dWxh, dWhh, dWhy, dbh, dby = (np.zeros_like(W) for W in (Wxh, Whh, Why, bh, by))
    dhnext = np.zeros_like(hprev)  # nothing follows the last step
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
        dhnext = Whh.T.dot(dhraw)  # what all later steps' losses ask of the state before
    for dparam in (dWxh, dWhh, dWhy, dbh, dby):
        np.clip(dparam, -5, 5, out=dparam)  # out: again the array itself is changed
    return loss, dWxh, dWhh, dWhy, dbh, dby, hs[len(inputs) - 1]


def sample(h, seed_ix, n, temperature, rng, Wxh, Whh, Why, bh, by):
    """Returns n indices, each drawn from the softmax and read in turn, as `sample` does."""
    ix, ixes = seed_ix, []
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
    Wxh, Whh = np.array([[1.0, 0], [0, 1]]), np.array([[0.5, 0.5], [-0.5, 0.5]])
    Why, zero = np.array([[1.0, -1], [-1, 1]]), np.zeros((2, 1))
    return [0, 1], [1, 0], np.array([[0.5], [-0.5]]), Wxh, Whh, Why, zero, zero.copy()


def show(title, **values):
    """Prints the title, and the numbers of each value, row / row; a column as one row."""
    print(f"\n{title}")
    for name, value in values.items():
        rows = np.atleast_2d(value.T if np.shape(value)[-1:] == (1,) else value)
        print(f"  {name:6}", " /".join("".join(f"{v:8.3f}" for v in row) for row in rows))


def print_example():
    """Prints each number of both steps, forward and backward, and the loss after a step."""
    inputs, targets, h, Wxh, Whh, Why, bh, by = window = example()
    steps, dhnext = [], np.zeros((2, 1))
    for ix, target in zip(inputs, targets):
        hprev, x = h, np.eye(2)[:, [ix]]
        raw = Wxh.dot(x) + Whh.dot(hprev) + bh
        h = np.tanh(raw)
        y = Why.dot(h) + by
        p = np.exp(y) / np.exp(y).sum()
        title = f"Forward, step {len(steps)}: {'ab'[ix]} is read, {'ab'[target]} comes next"
        show(title, hprev=hprev, x=x, raw=raw, h=h, y=y, p=p, loss=-np.log(p[target, 0]))
        steps.append((h, p - np.eye(2)[:, [target]]))
    for t, (h, dy) in reversed([*enumerate(steps)]):
        dh = Why.T.dot(dy) + dhnext
        dhraw = (1 - h * h) * dh
        dhnext = Whh.T.dot(dhraw)
        title = f"Backward, step {t}: dhnext is what step {t} hands to the step before"
        show(title, dy=dy, dh=dh, dhraw=dhraw, dhnext=dhnext)
    loss, *gradients = loss_and_gradients(*window)[:6]
    values = dict(zip(["dWxh", "dWhh", "dWhy", "dbh", "dby"], gradients))
    show("The gradients, summed over both steps; a matrix is written row / row", **values)
    for param, dparam in zip(window[3:], gradients):
        param -= 0.1 * dparam / np.sqrt(dparam * dparam + 1e-8)  # Adagrad's first step
    after = loss_and_gradients(*window)[0]
    show("The loss before and after Adagrad's first step of 0.1", before=loss, after=after)


if __name__ == "__main__":
    print_example()
