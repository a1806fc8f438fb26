"""lossFun: the loss and the gradients are right, whatever the sizes, and stay finite."""

import math
import re

import numpy as np
import pytest
import step_by_step
from helpers import edited, imported, model, run

# hidden units, time steps, characters: ordinary ones, and one of each
SIZES = [(6, 9, 5), (1, 4, 3), (5, 1, 4), (4, 6, 1), (7, 40, 12), (100, 25, 58)]
CASES = [(*sizes, 1.0, np.float64) for sizes in SIZES]
CASES += [(9, 12, 6, 3.0, np.float64), (9, 12, 6, 3.0, np.float32)]  # states near -1, 1


@pytest.fixture(params=CASES, ids=str)
def case(request, tmp_path):
    """A copy with random weights, and a random window with a state that is not zero."""
    hidden_size, T, vocab_size, size, dtype = request.param
    rnn = model(tmp_path, hidden_size, vocab_size, dtype, size)
    rng = np.random.default_rng(2)
    hprev = rng.uniform(-0.9, 0.9, (hidden_size, 1)).astype(dtype)
    return rnn, [*rng.integers(0, vocab_size, (2, T)).tolist(), hprev]


@pytest.mark.parametrize("oracle", ["step_by_step", "in_pytorch"])
def test_lossFun_equals_the_step_by_step_form_and_autograd(case, oracle):
    """Gathering the steps into matrix products changes the speed and nothing else.

    PyTorch derives the gradients without our equations: it shares no mistake."""
    rnn, (inputs, targets, hprev) = case
    exact = [np.array(a, np.float64) for a in [hprev, *rnn.params]]
    expected = pytest.importorskip(oracle).loss_and_gradients(inputs, targets, *exact)
    tolerance = 1e-11 if rnn.dtype == np.float64 else 1e-5
    for ours, theirs in zip(rnn.lossFun(inputs, targets, hprev), expected):
        assert np.shape(ours) == np.shape(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
    assert type(rnn.lossFun(inputs, targets, hprev)[0]) is float
    for old, new in zip(exact, [hprev, *rnn.params]):  # nothing that is given is changed
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("hidden_size, T, vocab_size", SIZES[:4])
def test_every_gradient_is_the_slope_of_the_loss(tmp_path, hidden_size, T, vocab_size):
    """Moving one entry of one parameter a little moves the loss as its gradient says."""
    rnn, rng = model(tmp_path, hidden_size, vocab_size), np.random.default_rng(2)
    window = [*rng.integers(0, vocab_size, (2, T)).tolist(), rng.random((hidden_size, 1))]
    for param, dparam in zip(rnn.params, rnn.lossFun(*window)[1:6]):
        for ix in np.ndindex(param.shape):
            middle, losses = param[ix], []
            for param[ix] in (middle + 1e-5, middle - 1e-5):
                losses.append(rnn.lossFun(*window)[0])
            param[ix] = middle
            slope = np.clip((losses[0] - losses[1]) / 2e-5, -5, 5)
            assert math.isclose(dparam[ix], slope, rel_tol=1e-6, abs_tol=1e-8)


def test_pytorchs_main_loop_learns_what_the_scripts_does(tmp_path, monkeypatch):
    """From the same weights, loss by loss: in_pytorch.py is the same program."""
    in_pytorch = pytest.importorskip("in_pytorch")
    rnn, losses = model(tmp_path, max_iters=30), []
    for name in ["data", "vocab_size", "char_to_ix", "hidden_size", "max_iters"]:
        monkeypatch.setattr(in_pytorch, name, getattr(rnn, name))
    expected = in_pytorch.train([param.copy() for param in rnn.params])
    lossFun = rnn.lossFun
    rnn.lossFun = lambda *window: losses.append(lossFun(*window)) or losses[-1]
    rnn.train()
    np.testing.assert_allclose([result[0] for result in losses], expected, rtol=1e-3)


def test_the_example_by_hand_is_what_lossFun_computes(tmp_path):
    """What `python tests/step_by_step.py` prints, to check one's own numbers, is right."""
    printed = run(step_by_step.__file__).stdout
    rnn = imported(edited(tmp_path, "aba", hidden_size=2, seq_length=2, dtype=np.float64))
    window = step_by_step.example()[:3]
    for param, value in zip(rnn.params, step_by_step.example()[3:]):
        param[:] = value
    loss, *gradients = rnn.lossFun(*window)[:6]
    for param, dparam in zip(rnn.params, gradients):
        param += -0.1 * dparam / np.sqrt(dparam * dparam + 1e-8)
    values = dict(zip(["dWxh", "dWhh", "dWhy", "dbh", "dby"], gradients), before=loss)
    after = rnn.lossFun(*window)[0]
    values.update(after=after, loss=loss, dhraw=values["dbh"], dy=values["dby"])  # sums
    for name, value in values.items():
        rows = re.findall(rf"(?m)^ +{name} (.*)$", printed)
        numbers = sum(np.array(row.replace("/", " ").split(), float) for row in rows)
        np.testing.assert_allclose(numbers, np.ravel(value), atol=0.00051 * len(rows))


def test_the_loss_is_finite_for_huge_logits(tmp_path):
    """A plain softmax overflows at logits of 2,000, or of 4,000 more at one step."""
    rnn = model(tmp_path, dtype=np.float32, size=0)
    rnn.by[:, 0] = [2000, -2000, 0, 0, 0]
    rnn.Wxh[0, :2], rnn.Why[:, 0] = [99, -99], 2000
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        result = rnn.lossFun([0, 1], [1, 0], np.zeros_like(rnn.bh))
    assert result[0] == 4000 and all(np.isfinite(value).all() for value in result)
