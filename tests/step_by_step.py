"""lossFun with one time step after the other: the form in which the equations are written.

`python tests/step_by_step.py` prints a small example with every number of it. The tests
hold the script's `lossFun`, which takes the steps of a window together, against it."""

import numpy as np


def loss_and_gradients(inputs, targets, hprev, Wxh, Whh, Why, bh, by, show=None):
    """Returns loss, dWxh, dWhh, dWhy, dbh, dby and the last state, as `lossFun` does.

    show, if given, is called with a title and the numbers of each step."""
    xs, hs, ps = {}, {-1: hprev}, {}
    loss = 0.0
    for t in range(len(inputs)):
        xs[t] = np.zeros((Wxh.shape[1], 1))
        xs[t][inputs[t]] = 1  # one-hot
        hraw = Wxh.dot(xs[t]) + Whh.dot(hs[t - 1]) + bh
        hs[t] = np.tanh(hraw)
        y = Why.dot(hs[t]) + by  # logits
        exp_y = np.exp(y - y.max())
        ps[t] = exp_y / exp_y.sum()  # probabilities of the next character
        step_loss = -np.log(ps[t][targets[t], 0])
        loss += step_loss
        if show:
            numbers = dict(x=xs[t], hraw=hraw, h=hs[t], y=y, p=ps[t], loss=step_loss)
            show(f"Forward, step {t}", hprev=hs[t - 1], **numbers)

    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(by)
    dhraw = np.zeros_like(hprev)  # what the last h does after the window is not counted
    for t in reversed(range(len(inputs))):
        dy = ps[t].copy()
        dy[targets[t]] -= 1
        dh = Why.T.dot(dy) + Whh.T.dot(dhraw)  # dhraw on the right is dhraw[t+1]
        dhraw = (1 - hs[t] * hs[t]) * dh
        # += changes the array itself: in each of the five, the steps are summed.
        dWxh += dhraw.dot(xs[t].T)
        dWhh += dhraw.dot(hs[t - 1].T)  # at the first step Whh was multiplied by hprev
        dWhy += dy.dot(hs[t].T)
        dbh += dhraw
        dby += dy
        if show:
            show(f"Backward, step {t}", dy=dy, dh=dh, dhraw=dhraw)
    for dparam in [dWxh, dWhh, dWhy, dbh, dby]:
        dparam.clip(-5, 5, out=dparam)
    return loss, dWxh, dWhh, dWhy, dbh, dby, hs[len(inputs) - 1]


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


if __name__ == "__main__":
    print('The text is "aba": a, whose index is 0, is read at step 0, and b at step 1.')
    names = ["Wxh", "Whh", "Why", "bh", "by"]
    show("The parameters, row / row", **dict(zip(names, example()[3:])))
    _, *gradients, _ = loss_and_gradients(*example(), show)
    names = ["d" + name for name in names]
    show("The gradients: sums over both steps", **dict(zip(names, gradients)))
