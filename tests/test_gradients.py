"""lossFun: the loss and the gradients are right, whatever the sizes, and stay finite."""

import math
from copy import deepcopy

import numpy as np
import pytest
import step_by_step
from helpers import import_random, parameters, record_calls

# Hidden units, time steps, characters, and the scale of the weights: ordinary numbers, each
# of the first two once 1, and a window in which dhraw and all five gradients pass 5 and -5.
SIZES = [(6, 9, 5, 1.0), (1, 4, 3, 1.0), (5, 1, 4, 1.0), (6, 30, 5, 3.0)]


def random_window(rnn, T):
    """Indices that are read, those that follow, and a state that is not zero."""
    rng = np.random.default_rng(2)
    inputs, targets = rng.integers(0, rnn.vocab_size, (2, T)).tolist()
    hprev = rng.uniform(-0.9, 0.9, (rnn.hidden_size, 1)).astype(rnn.dtype)
    return inputs, targets, hprev


@pytest.mark.parametrize("hidden_size, T, vocab_size, scale", SIZES)
def test_every_gradient_is_the_slope_of_the_loss(hidden_size, T, vocab_size, scale):
    """Moving one number of one parameter a little moves the loss as its gradient says.

    A central difference has an error of some 1e-10 of the loss; a wrong gradient is wrong
    in its first digits."""
    rnn = import_random(hidden_size, vocab_size, scale=scale)
    window = random_window(rnn, T)
    for param, dparam in zip(parameters(rnn), rnn.lossFun(*window)[1:6]):
        for ix in np.ndindex(param.shape):
            middle = param[ix]
            param[ix] = middle + 1e-5
            above = rnn.lossFun(*window)[0]
            param[ix] = middle - 1e-5
            below = rnn.lossFun(*window)[0]
            param[ix] = middle
            slope = np.clip((above - below) / 2e-5, -5, 5)
            assert math.isclose(dparam[ix], slope, rel_tol=1e-6, abs_tol=1e-7)


def pytorch():
    """The program in PyTorch; whoever asks for it is skipped where PyTorch is missing."""
    pytest.importorskip("torch")
    import in_pytorch

    return in_pytorch


@pytest.mark.parametrize("hidden_size, T, vocab_size, scale", [*SIZES, (100, 25, 58, 1.0)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("oracle", ["step_by_step", "in_pytorch"])
def test_lossFun_equals_other_forms(oracle, dtype, hidden_size, T, vocab_size, scale):
    """Taking all steps at once changes the speed and nothing else.

    PyTorch derives the gradients without our equations: it shares no mistake."""
    other = step_by_step if oracle == "step_by_step" else pytorch()
    rnn = import_random(hidden_size, vocab_size, dtype, scale)
    inputs, targets, hprev = random_window(rnn, T)
    exact = [np.array(array, np.float64) for array in [hprev, *parameters(rnn)]]
    expected = other.loss_and_gradients(inputs, targets, *exact)
    results = rnn.lossFun(inputs, targets, hprev)
    assert type(results[0]) is float
    for ours, theirs in zip(results, expected):
        assert np.shape(ours) == np.shape(theirs)
        # Errors were at most 1e-14 and 5e-6; another processor may sum in another order.
        tolerance = 1e-12 if dtype == np.float64 else 1e-4
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def test_lossFun_changes_nothing():
    """The main loop does the update itself."""
    rnn = import_random()
    inputs, targets, hprev = random_window(rnn, 9)
    given = [inputs, targets, hprev, *parameters(rnn)]
    before = deepcopy(given)
    rnn.lossFun(inputs, targets, hprev)
    for array, copy in zip(given, before):
        np.testing.assert_array_equal(array, copy)


def test_the_loss_is_finite_for_huge_logits():
    """exp overflows at 4,000; with one maximum for all steps, the second has log(0)."""
    rnn = import_random(dtype=np.float32, scale=0)  # all parameters are 0
    rnn.Wxh[0, :2] = [99, -99]  # h[0] is 1 at the first step, and -1 at the second
    rnn.Why[:, 0] = 2000
    rnn.by[:, 0] = [2000, -2000, 0, 0, 0]
    # So the logits are 4000, 0, 2000, 2000, 2000 and then 0, -4000, -2000, -2000, -2000.
    loss, *arrays = rnn.lossFun([0, 1], [1, 0], np.zeros_like(rnn.bh))
    assert loss == 4000  # and 0 at the second step
    assert all(np.isfinite(array).all() for array in arrays)


def test_pytorchs_main_loop_learns_what_the_scripts_does():
    """From the same weights, loss by loss, and beyond the end of the text."""
    in_pytorch = pytorch()
    rnn = import_random(max_iters=120, checkpoint=None)
    expected = in_pytorch.train(rnn, 120)
    calls = record_calls(rnn, "lossFun")
    rnn.train()
    # PyTorch adds Adagrad's 1e-8 outside the root: from 10, some 3e-9 of a step.
    np.testing.assert_allclose([result[0] for _, result in calls], expected, rtol=1e-6)
