"""lossFun: the loss and the gradients are right, whatever the sizes, and stay finite."""

import math

import numpy as np
import pytest
import step_by_step
from helpers import load_random, load_script, parameters, record_calls, run

# hidden units, time steps, characters: ordinary numbers, and each of the first two once 1
SIZES = [(6, 9, 5), (1, 4, 3), (5, 1, 4)]


def random_window(rnn, T):
    """Indices that are read, those that follow, and a state that is not zero."""
    rng = np.random.default_rng(2)
    inputs, targets = rng.integers(0, rnn.vocab_size, (2, T)).tolist()
    hprev = rng.uniform(-0.9, 0.9, (rnn.hidden_size, 1)).astype(rnn.dtype)
    return inputs, targets, hprev


# ---- By definition: a gradient is the slope of the loss


@pytest.mark.parametrize("hidden_size, T, vocab_size", SIZES)
def test_every_gradient_is_the_slope_of_the_loss(hidden_size, T, vocab_size):
    """Moving one number of one parameter a little moves the loss as its gradient says.

    The error of a central difference is some 1e-10 of the loss from its step of 1e-5, and
    as much from rounding; a wrong gradient is wrong in its first digits."""
    rnn = load_random(hidden_size, vocab_size)
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
            assert math.isclose(dparam[ix], slope, rel_tol=1e-6, abs_tol=1e-8)


# ---- By others: PyTorch, and the equations one step after the other


def pytorch():
    """The program in PyTorch; whoever asks for it is skipped where PyTorch is missing."""
    pytest.importorskip("torch")
    import in_pytorch

    return in_pytorch


# Sizes, and the scale of the weights: with 3, states come near -1 and 1, and dhraw near 6
CASES = [(*sizes, 1.0) for sizes in [*SIZES, (7, 40, 12), (100, 25, 58)]]
CASES += [(9, 12, 6, 3.0)]


@pytest.mark.parametrize("hidden_size, T, vocab_size, scale", CASES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("oracle", ["step_by_step", "in_pytorch"])
def test_lossFun_equals_other_forms(oracle, dtype, hidden_size, T, vocab_size, scale):
    """Taking all steps at once changes the speed and nothing else.

    PyTorch derives the gradients without our equations: it shares no mistake."""
    other = step_by_step if oracle == "step_by_step" else pytorch()
    rnn = load_random(hidden_size, vocab_size, dtype, scale)
    inputs, targets, hprev = random_window(rnn, T)
    exact = [np.array(array, np.float64) for array in [hprev, *parameters(rnn)]]
    expected = other.loss_and_gradients(inputs, targets, *exact)
    results = rnn.lossFun(inputs, targets, hprev)
    assert type(results[0]) is float
    for ours, theirs in zip(results, expected):
        assert np.shape(ours) == np.shape(theirs)
        # The other form is in float64. Errors were at most 1e-14 for float64, some 40 times
        # its rounding, and 5e-6 for float32, as many times its own, with three kernels of
        # OpenBLAS. A processor that sums in another order may have twenty times that.
        tolerance = 1e-12 if dtype == np.float64 else 1e-4
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def test_lossFun_changes_nothing():
    """The main loop keeps its arguments and does the update itself."""
    rnn = load_random()
    inputs, targets, hprev = random_window(rnn, 9)
    given = list(inputs), list(targets)
    before = [array.copy() for array in [hprev, *parameters(rnn)]]
    rnn.lossFun(inputs, targets, hprev)
    assert (inputs, targets) == given
    for array, copy in zip([hprev, *parameters(rnn)], before):
        np.testing.assert_array_equal(array, copy)


def test_one_case_hands_on_a_dhraw_beyond_5():
    """So that to clip it there, inside the loop, would fail the test above."""
    hidden_size, T, vocab_size, scale = CASES[-1]
    rnn = load_random(hidden_size, vocab_size, scale=scale)
    largest = {}

    def note(title, dhraw=0, **_):
        largest[title] = abs(dhraw).max() if title.startswith("Backward") else 0

    window = random_window(rnn, T)
    step_by_step.loss_and_gradients(*window, *parameters(rnn), show=note)
    del largest["Backward, step 0"]  # which is handed to none
    assert max(largest.values()) > 5


def test_each_gradient_is_clipped():
    """All five are sums over the window, and each has numbers that come to more than 5."""
    rnn = load_random(scale=3)
    _, *gradients, _ = rnn.lossFun([0, 1] * 50, [4] * 100, np.ones_like(rnn.bh))
    for dparam in gradients:
        assert abs(dparam).max() == 5


def test_pytorchs_main_loop_learns_what_the_scripts_does():
    """From the same weights, loss by loss: in_pytorch.py is the same program.

    Both are in float64. PyTorch adds Adagrad's 1e-8 outside the root, which from a memory
    of 10 changes a step by some 3e-9 of it."""
    in_pytorch = pytorch()
    rnn = load_random(max_iters=30)
    expected = in_pytorch.train(rnn.data, 30, [param.copy() for param in parameters(rnn)])
    calls = record_calls(rnn, "lossFun")
    rnn.train()
    np.testing.assert_allclose([result[0] for _, result in calls], expected, rtol=1e-6)


def test_the_loss_is_finite_for_huge_logits():
    """exp overflows at 4,000; with one maximum for both steps, the second would sum to 0.

    So each step subtracts its own."""
    rnn = load_random(dtype=np.float32, scale=0)  # all parameters are 0
    rnn.Wxh[0, :2] = [99, -99]  # h[0] is 1 at the first step, and -1 at the second
    rnn.Why[:, 0] = 2000
    rnn.by[:, 0] = [2000, -2000, 0, 0, 0]
    # So the logits are 4000, 0, 2000, 2000, 2000 and then 0, -4000, -2000, -2000, -2000.
    loss, *arrays = rnn.lossFun([0, 1], [1, 0], np.zeros_like(rnn.bh))
    assert loss == 4000  # and 0 at the second step
    assert all(np.isfinite(array).all() for array in arrays)


# ---- The example that `python tests/step_by_step.py` prints, to check one's own numbers


@pytest.fixture(scope="module")
def printed():
    """Its numbers: a dictionary of rows for each title, by name."""
    sections = {}
    for section in run(step_by_step.__file__).stdout.split("\n\n"):
        title, *lines = section.strip("\n").splitlines()
        rows = [line.replace("/", " ").split() for line in lines]
        sections[title] = {name: np.array(row, float) for name, *row in rows}
    return sections


def test_the_printed_example_has_the_scripts_loss_and_gradients(printed):
    """And its step of Adagrad is the script's, with the defaults."""
    rnn = load_script("aba", hidden_size=2, seq_length=2, dtype=np.float64, max_iters=1)
    inputs, targets, hprev, *values = step_by_step.example()
    for param, value in zip(parameters(rnn), values):
        param[:] = value
    before, *gradients, _ = rnn.lossFun(inputs, targets, hprev)
    expected = zip(printed["The gradients: sums over both steps"].values(), gradients)
    lossFun = rnn.lossFun
    rnn.lossFun = lambda inputs, targets, _: lossFun(inputs, targets, hprev)
    rnn.train()
    after = lossFun(inputs, targets, hprev)[0]
    params = printed["The parameters after Adagrad's first step"]
    losses = printed["The loss before and after this step"]
    for numbers, value in [
        *expected,
        *zip(params.values(), parameters(rnn)),
        *zip(losses.values(), [before, after]),
    ]:
        np.testing.assert_allclose(numbers, np.ravel(value), atol=0.00051)


@pytest.mark.parametrize("t", [0, 1])
def test_each_number_of_a_printed_step_follows_from_the_others(printed, t):
    """By the equations, as somebody does who checks the example by hand."""
    inputs, targets, hprev, Wxh, Whh, Why, _, _ = step_by_step.example()
    forward = printed[f"Forward, step {t}"]
    backward = printed[f"Backward, step {t}"]
    before = printed["Forward, step 0"]["h"] if t == 1 else hprev.ravel()
    later = printed["Backward, step 1"]["dhraw"] if t == 0 else np.zeros(2)
    x, hraw, h, y, p = [forward[name] for name in ["x", "hraw", "h", "y", "p"]]
    dy, dh, dhraw = [backward[name] for name in ["dy", "dh", "dhraw"]]
    for value, by_the_equation in [
        (forward["hprev"], before),
        (x, np.eye(2)[inputs[t]]),
        (hraw, Wxh.dot(x) + Whh.dot(before)),
        (h, np.tanh(hraw)),
        (y, Why.dot(h)),
        (p, np.exp(y) / np.exp(y).sum()),
        (forward["loss"], -np.log(p[targets[t]])),
        (dy, p - np.eye(2)[targets[t]]),
        (dh, Why.T.dot(dy) + Whh.T.dot(later)),
        (dhraw, (1 - h * h) * dh),
    ]:
        np.testing.assert_allclose(value, by_the_equation, atol=0.007)  # of rounded numbers
