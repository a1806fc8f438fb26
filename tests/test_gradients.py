"""lossFun: the loss and the gradients are right, whatever the sizes, and stay finite."""

import math

import numpy as np
import pytest
from helpers import edited, imported, lessons, model
from step_by_step import loss_and_gradients

# hidden units, time steps, characters: ordinary ones, and one of each
SIZES = [(6, 9, 5), (1, 4, 3), (5, 1, 4), (4, 6, 1), (7, 40, 12), (100, 25, 58)]


def window(rnn, T):
    """A random window of T characters, and a state to start from that is not zero."""
    rng = np.random.default_rng(2)
    inputs, targets = rng.integers(0, rnn.vocab_size, (2, T)).tolist()
    hprev = rng.uniform(-0.9, 0.9, (rnn.hidden_size, 1)).astype(rnn.dtype)
    return inputs, targets, hprev


@pytest.mark.parametrize("hidden_size, T, vocab_size", SIZES)
def test_lossFun_equals_the_step_by_step_form(tmp_path, hidden_size, T, vocab_size):
    """Gathering the steps into matrix products changes the speed and nothing else.

    T is the length of the lists; seq_length is only what the main loop happens to cut.
    """
    rnn = model(tmp_path, hidden_size, vocab_size)
    inputs, targets, hprev = window(rnn, T)
    result = rnn.lossFun(inputs, targets, hprev)
    assert type(result[0]) is float
    for ours, theirs in zip(result, loss_and_gradients(inputs, targets, hprev, *rnn.params)):
        assert np.shape(ours) == np.shape(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("hidden_size, T, vocab_size", SIZES)
def test_lossFun_equals_what_pytorch_finds_by_itself(tmp_path, hidden_size, T, vocab_size):
    """PyTorch differentiates the forward pass without our equations: it shares no mistake."""
    pytest.importorskip("torch")
    import in_pytorch

    rnn = model(tmp_path, hidden_size, vocab_size)
    arguments = window(rnn, T)
    expected = in_pytorch.loss_and_gradients(*arguments, *rnn.params)
    for ours, theirs in zip(rnn.lossFun(*arguments), expected):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("hidden_size, T, vocab_size", SIZES[:4])
def test_every_gradient_is_the_slope_of_the_loss(tmp_path, hidden_size, T, vocab_size):
    """Moving one entry of one parameter a little moves the loss as its gradient says."""
    rnn = model(tmp_path, hidden_size, vocab_size)
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


def test_gradients_are_clipped_at_five_exactly(tmp_path):
    """Exploding gradients are cut to -5 and 5; those between stay as they are."""
    rnn = model(tmp_path)
    result = rnn.lossFun([0] * 60, [1] * 30 + [2] * 30, np.zeros((6, 1)))
    assert all(abs(dparam).max() == 5 for dparam in result[1:6])
    rnn.Why[:], rnn.Wxh[:], rnn.bh[:] = 60 * np.sign(rnn.Why), 0, 0
    assert abs(rnn.lossFun([0], [1], np.zeros((6, 1)))[4]).max() == 5  # one step is enough
    rnn = model(tmp_path, size=0)  # each guess is uniform: 0.2 for each character
    dby = rnn.lossFun([0] * 6, [1] * 6, np.zeros((6, 1)))[5]
    np.testing.assert_allclose(dby.ravel(), [1.2, -4.8, 1.2, 1.2, 1.2], rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_loss_is_finite_for_huge_logits(tmp_path, dtype):
    """With logits of +-2,000 a plain softmax overflows; the loss is the distance all the same.

    The logits of the first step are also 4,000 above those of the second, one and all.
    """
    rnn = model(tmp_path, dtype=dtype, size=0)
    rnn.by[:, 0] = [2000, -2000, 0, 0, 0]
    rnn.Wxh[0, :2], rnn.Why[:, 0] = [99, -99], 2000
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        result = rnn.lossFun([0, 1], [1, 0], np.zeros((6, 1), dtype))
    assert result[0] == 4000
    assert all(np.isfinite(value).all() for value in result)


def test_a_uniform_guess_costs_the_logarithm_of_the_vocabulary(tmp_path):
    """With all parameters zero each of the T guesses costs log(vocab_size) nats."""
    loss = model(tmp_path, size=0).lossFun([0, 1, 2, 3], [1, 2, 3, 4], np.zeros((6, 1)))[0]
    assert math.isclose(loss, 4 * math.log(5), rel_tol=1e-12)


def test_nothing_that_is_given_is_changed(tmp_path):
    """lossFun reads its arguments and the parameters, and writes into none of them."""
    rnn = model(tmp_path)
    given = [*window(rnn, 8), *rnn.params]
    before = [np.copy(value) for value in given]
    rnn.lossFun(*given[:3])[6][:] = 7  # what comes back is not tied to what went in
    for old, new in zip(before, given):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("inputs, targets", [([5], [0]), ([0], [5])])
def test_an_index_outside_the_vocabulary_raises(tmp_path, inputs, targets):
    """A wrong index is an error at once, not a wrong gradient."""
    with pytest.raises(IndexError):
        model(tmp_path).lossFun(inputs, targets, np.zeros((6, 1)))


@pytest.mark.parametrize(
    "settings, dtype",
    [({}, np.float32), ({"dtype": np.float32}, np.float32), ({"dtype": np.float64}, np.float64)],
)
def test_every_array_of_a_run_has_the_dtype_of_the_settings(tmp_path, settings, dtype):
    """float32 by default. One stray float64 would turn the rest into it and halve the speed."""
    rnn = imported(edited(tmp_path, max_iters=3, **settings))
    calls = lessons(rnn)
    arrays = list(rnn.arrays.values())
    for call in calls:
        arrays += [call.args[2], *call.result[1:]]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}
