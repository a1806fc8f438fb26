"""lossFun: the loss and the gradients are right, whatever the sizes, and stay finite."""

import math
import re

import numpy as np
import pytest
import step_by_step
from helpers import imported, model, noted, parameters, run

# hidden units, time steps, characters: ordinary numbers, and each of the three once 1
SIZES = [(6, 9, 5), (1, 4, 3), (5, 1, 4), (4, 6, 1), (7, 40, 12), (100, 25, 58)]
CASES = [(*sizes, 1.0, np.float64) for sizes in SIZES]
CASES += [(9, 12, 6, 3.0, np.float64), (9, 12, 6, 3.0, np.float32)]  # states near -1, 1


def pytorch():
    """The program in PyTorch; whoever asks for it is skipped where PyTorch is missing."""
    pytest.importorskip("torch")
    import in_pytorch

    return in_pytorch


@pytest.fixture(params=CASES, ids=str)
def case(request):
    """A copy with random weights, and a random window with a state that is not zero."""
    hidden_size, T, vocab_size, scale, dtype = request.param
    rnn = model(hidden_size, vocab_size, dtype, scale)
    rng = np.random.default_rng(2)
    hprev = rng.uniform(-0.9, 0.9, (hidden_size, 1)).astype(dtype)
    inputs, targets = rng.integers(0, vocab_size, (2, T)).tolist()
    return rnn, inputs, targets, hprev


@pytest.mark.parametrize("oracle", ["step_by_step", "in_pytorch"])
def test_lossFun_equals_the_step_by_step_form_and_autograd(case, oracle):
    """Taking all steps at once changes the speed and nothing else.

    PyTorch derives the gradients without our equations: it shares no mistake."""
    rnn, inputs, targets, hprev = case
    other = step_by_step if oracle == "step_by_step" else pytorch()
    exact = [np.array(array, np.float64) for array in [hprev, *parameters(rnn)]]
    expected = other.loss_and_gradients(inputs, targets, *exact)
    given = list(inputs), list(targets)
    results = rnn.lossFun(inputs, targets, hprev)
    tolerance = 1e-12 if rnn.dtype == np.float64 else 1e-5
    assert type(results[0]) is float
    for ours, theirs in zip(results, expected):
        assert np.shape(ours) == np.shape(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
    assert (inputs, targets) == given  # and nothing is changed
    for before, after in zip(exact, [hprev, *parameters(rnn)]):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("hidden_size, T, vocab_size", SIZES[:4])
def test_every_gradient_is_the_slope_of_the_loss(hidden_size, T, vocab_size):
    """Moving one entry of one parameter a little moves the loss as its gradient says."""
    rnn = model(hidden_size, vocab_size)
    rng = np.random.default_rng(2)
    inputs, targets = rng.integers(0, vocab_size, (2, T)).tolist()
    window = inputs, targets, rng.random((hidden_size, 1))
    for param, dparam in zip(parameters(rnn), rnn.lossFun(*window)[1:6]):
        for ix in np.ndindex(param.shape):
            middle = param[ix]
            param[ix] = middle + 1e-5
            above = rnn.lossFun(*window)[0]
            param[ix] = middle - 1e-5
            below = rnn.lossFun(*window)[0]
            param[ix] = middle
            slope = np.clip((above - below) / 2e-5, -5, 5)
            assert math.isclose(dparam[ix], slope, rel_tol=1e-6, abs_tol=1e-8)


def test_pytorchs_main_loop_learns_what_the_scripts_does():
    """From the same weights, loss by loss: in_pytorch.py is the same program."""
    in_pytorch = pytorch()
    rnn = model(max_iters=30)
    expected = in_pytorch.train(rnn.data, 30, [param.copy() for param in parameters(rnn)])
    calls = noted(rnn, "lossFun")
    rnn.train()
    np.testing.assert_allclose([result[0] for _, result in calls], expected, rtol=1e-3)


def test_the_printed_example_has_the_scripts_loss_and_gradients():
    """What `python tests/step_by_step.py` prints, to check one's own numbers, is right.

    The sums over both steps are the script's gradients and loss."""
    rnn = imported("aba", hidden_size=2, seq_length=2, dtype=np.float64)
    inputs, targets, hprev, *values = step_by_step.example()
    for param, value in zip(parameters(rnn), values):
        param[:] = value
    loss, dWxh, dWhh, dWhy, dbh, dby, _ = rnn.lossFun(inputs, targets, hprev)
    expected = dict(dWxh=dWxh, dWhh=dWhh, dWhy=dWhy, dbh=dbh, dby=dby)
    expected.update(loss=loss, before=loss, dhraw=dbh, dy=dby)  # sums of both steps
    for param, dparam in zip(parameters(rnn), [dWxh, dWhh, dWhy, dbh, dby]):
        param += -0.1 * dparam / np.sqrt(dparam * dparam + 1e-8)
    expected.update(after=rnn.lossFun(inputs, targets, hprev)[0])

    printed = run(step_by_step.__file__).stdout
    for name, value in expected.items():
        rows = re.findall(rf"(?m)^ +{name} (.*)$", printed)
        numbers = [np.array(row.replace("/", " ").split(), float) for row in rows]
        rounding = 0.00051 * len(rows)
        np.testing.assert_allclose(sum(numbers), np.ravel(value), atol=rounding)


def printed_step(printed, kind, t):
    """The numbers that were printed for a step of the example, by their names."""
    (lines,) = re.findall(rf"(?m)^{kind}, step {t}: .*\n((?:  .*\n)+)", printed)
    rows = [line.split(maxsplit=1) for line in lines.splitlines()]
    return {name: np.array(row.split(), float) for name, row in rows}


@pytest.mark.parametrize("t", [0, 1])
def test_each_number_of_a_printed_step_follows_from_the_others(t):
    """By the equations, as somebody does who checks the example by hand."""
    inputs, targets, hprev, Wxh, Whh, Why, _, _ = step_by_step.example()
    printed = run(step_by_step.__file__).stdout
    forward = printed_step(printed, "Forward", t)
    backward = printed_step(printed, "Backward", t)
    x, raw, h, y, p = [forward[name] for name in ["x", "raw", "h", "y", "p"]]
    dh, dhraw = backward["dh"], backward["dhraw"]
    before = printed_step(printed, "Forward", 0)["h"] if t == 1 else hprev.ravel()
    later = printed_step(printed, "Backward", 1)["dhnext"] if t == 0 else 0
    expected = [
        (forward["hprev"], before),
        (x, np.eye(2)[inputs[t]]),
        (raw, Wxh.dot(x) + Whh.dot(before)),
        (h, np.tanh(raw)),
        (y, Why.dot(h)),
        (p, np.exp(y) / np.exp(y).sum()),
        (forward["loss"], -np.log(p[targets[t]])),
        (backward["dy"], p - np.eye(2)[targets[t]]),
        (dh, Why.T.dot(backward["dy"]) + later),
        (dhraw, (1 - h * h) * dh),
        (backward["dhnext"], Whh.T.dot(dhraw)),
    ]
    for value, by_the_equation in expected:
        np.testing.assert_allclose(value, by_the_equation, atol=0.007)  # of rounded numbers


def test_the_loss_is_finite_for_huge_logits():
    """exp overflows at 4,000. With one maximum for all steps, the second would sum to 0.

    So each step subtracts its own. The loss is 4,000 at the first and 0 at the second."""
    rnn = model(dtype=np.float32, scale=0)
    rnn.by[:, 0] = [2000, -2000, 0, 0, 0]
    rnn.Wxh[0, :2] = [99, -99]
    rnn.Why[:, 0] = 2000
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        loss, *arrays = rnn.lossFun([0, 1], [1, 0], np.zeros_like(rnn.bh))
    assert loss == 4000
    assert all(np.isfinite(array).all() for array in arrays)
