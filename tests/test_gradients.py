"""lossFun: the loss and the gradients are right, whatever the sizes, and stay finite."""

import math

import numpy as np
import pytest
from step_by_step import loss_and_gradients

# hidden units, time steps, characters: ordinary ones, and one of each
SIZES = [(6, 9, 5), (1, 4, 3), (5, 1, 4), (4, 6, 1), (7, 40, 12), (100, 25, 58)]


def window(rnn, T, seed=2):
    """A random window of T characters, and a state to start from that is not zero."""
    rng = np.random.default_rng(seed)
    inputs, targets = rng.integers(0, rnn.vocab_size, (2, T)).tolist()
    hprev = rng.uniform(-0.9, 0.9, (rnn.hidden_size, 1)).astype(rnn.dtype)
    return inputs, targets, hprev


@pytest.mark.parametrize("hidden_size, T, vocab_size", SIZES)
def test_lossFun_equals_the_step_by_step_form(model, hidden_size, T, vocab_size):
    """Gathering the steps into matrix products changes the speed and nothing else."""
    rnn = model(hidden_size, vocab_size)
    inputs, targets, hprev = window(rnn, T)
    expected = loss_and_gradients(inputs, targets, hprev, *rnn.params)
    for ours, theirs in zip(rnn.lossFun(inputs, targets, hprev), expected):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("hidden_size, T, vocab_size", SIZES[:4])
def test_every_gradient_is_the_slope_of_the_loss(model, hidden_size, T, vocab_size):
    """Moving one entry of one parameter a little moves the loss as its gradient says."""
    rnn = model(hidden_size, vocab_size)
    arguments = window(rnn, T)
    gradients = rnn.lossFun(*arguments)[1:6]
    for param, dparam in zip(rnn.params, gradients):
        slopes = np.empty_like(param)
        for ix in np.ndindex(param.shape):
            middle, losses = param[ix], []
            for param[ix] in (middle + 1e-5, middle - 1e-5):
                losses.append(rnn.lossFun(*arguments)[0])
            param[ix] = middle
            slopes[ix] = (losses[0] - losses[1]) / 2e-5
        np.testing.assert_allclose(dparam, np.clip(slopes, -5, 5), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("T", [1, 10, 25, 60])
def test_a_window_may_be_of_any_length(model, T):
    """T is the length of the lists; seq_length is only what the main loop happens to cut."""
    rnn = model(seq_length=25)
    result = rnn.lossFun(*window(rnn, T))
    assert isinstance(result[0], float)
    assert [dparam.shape for dparam in result[1:6]] == [param.shape for param in rnn.params]
    assert result[6].shape == (rnn.hidden_size, 1)


def test_a_repeated_character_gathers_the_gradients_of_all_its_steps(model):
    """The column of a character in dWxh is the sum over every step at which it was read."""
    rnn = model(size=0.1)
    hprev = window(rnn, 1)[2]
    inputs, targets = [2, 2, 2, 0, 2], [2, 2, 0, 2, 1]
    dWxh = rnn.lossFun(inputs, targets, hprev)[1]
    expected = loss_and_gradients(inputs, targets, hprev, *rnn.params)[1]
    np.testing.assert_allclose(dWxh, expected, rtol=1e-12, atol=1e-14)
    assert not dWxh[:, [1, 3, 4]].any() and dWxh[:, [0, 2]].all()


def test_gradients_are_clipped_at_five_exactly(model):
    """Exploding gradients are cut to -5 and 5; those between stay as they are."""
    rnn = model()
    result = rnn.lossFun([0] * 60, [1] * 30 + [2] * 30, np.zeros((6, 1)))
    assert all(abs(dparam).max() == 5 for dparam in result[1:6])
    rnn = model(size=60)
    assert abs(rnn.lossFun([0], [1], np.zeros((6, 1)))[4]).max() <= 5  # one step is enough
    rnn.Why[:], rnn.Wxh[:], rnn.bh[:] = 60 * np.sign(rnn.Why), 0, 0
    assert abs(rnn.lossFun([0], [1], np.zeros((6, 1)))[4]).max() == 5
    rnn = model(size=0)
    rnn.by[:] = 0  # each guess is uniform: 0.2 for each character, 0.8 short at the target
    dby = rnn.lossFun([0] * 6, [1] * 6, np.zeros((6, 1)))[5]
    np.testing.assert_allclose(dby.ravel(), [1.2, -4.8, 1.2, 1.2, 1.2], rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_loss_is_finite_for_huge_logits(model, dtype):
    """With logits of +-2,000 a plain softmax overflows; the loss is the distance all the same."""
    rnn = model(dtype=dtype, size=0)
    rnn.by[:, 0] = [2000, -2000, 0, 0, 0]
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        result = rnn.lossFun([0, 1], [1, 0], np.zeros((6, 1), dtype))
    assert result[0] == 4000
    assert all(np.isfinite(value).all() for value in result)


def test_a_uniform_guess_costs_the_logarithm_of_the_vocabulary(model):
    """With all parameters zero each of the T guesses costs log(vocab_size) nats."""
    rnn = model(size=0)
    loss = rnn.lossFun([0, 1, 2, 3], [1, 2, 3, 4], np.zeros((6, 1)))[0]
    assert math.isclose(loss, 4 * math.log(5), rel_tol=1e-12)


def test_nothing_that_is_given_is_changed(model):
    """lossFun reads its arguments and the parameters, and writes into none of them."""
    rnn = model()
    given = window(rnn, 8)
    before = [np.copy(value) for value in (*given, *rnn.params)]
    result = rnn.lossFun(*given)
    result[6][:] = 7  # what comes back is not tied to what went in
    for old, new in zip(before, (*given, *rnn.params)):
        np.testing.assert_array_equal(old, new)


def test_an_index_outside_the_vocabulary_raises(model):
    """A wrong index is an error at once, not a wrong gradient."""
    rnn = model()
    with pytest.raises(IndexError):
        rnn.lossFun([5], [0], np.zeros((6, 1)))
    with pytest.raises(IndexError):
        rnn.lossFun([0], [5], np.zeros((6, 1)))


@pytest.mark.parametrize(
    "settings, dtype",
    [({}, np.float32), ({"dtype": np.float32}, np.float32), ({"dtype": np.float64}, np.float64)],
)
def test_every_array_of_a_run_has_the_dtype_of_the_settings(watch, settings, dtype):
    """float32 by default. One stray float64 would turn the rest into it and halve the speed."""
    rnn = watch(max_iters=3, **settings)
    arrays = [rnn.Wxh, rnn.Whh, rnn.Why, rnn.bh, rnn.by, rnn.hprev]
    arrays += [rnn.mWxh, rnn.mWhh, rnn.mWhy, rnn.mbh, rnn.mby]
    for call in rnn.calls:
        if call.kind == "lossFun":
            arrays += [call.args[2], *call.result[1:]]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}
