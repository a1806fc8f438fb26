"""train: the main loop that the commentary "rnn 주해 2편" explains, in its order."""

import math

import numpy as np
import pytest
from helpers import MEMORY, import_copy, parameters, record_calls

ALPHABET = "".join(chr(ord("A") + i) for i in range(60))  # each character shows its place
STARTS = {  # of four windows of 5 characters, by the length of the text
    6: [0, 0, 0, 0],  # seq_length + 1, the shortest text: one window, again and again
    10: [0, 0, 0, 0],  # a multiple of seq_length
    11: [0, 0, 0, 0],  # p + seq_length + 1 == len(data): the text counts as used up
    12: [0, 5, 0, 5],  # one character more, and the second window is read
    16: [0, 5, 0, 5],
    17: [0, 5, 10, 0],
    60: [0, 5, 10, 15],
}


@pytest.mark.parametrize("length", STARTS)
def test_windows_follow_one_another_to_the_end_and_start_over(length):
    """p advances by seq_length; at the end it returns to 0, and the state to zeros.

    The targets are one character on; in between, the state is carried on."""
    rnn = import_copy(ALPHABET[:length], seq_length=5, max_iters=4)
    calls = record_calls(rnn, "lossFun")
    rnn.train()
    assert len(calls) == 4
    last_state = None
    for p, ((inputs, targets, hprev), result) in zip(STARTS[length], calls):
        assert "".join(rnn.ix_to_char[ix] for ix in inputs) == ALPHABET[p : p + 5]
        assert "".join(rnn.ix_to_char[ix] for ix in targets) == ALPHABET[p + 1 : p + 6]
        np.testing.assert_array_equal(hprev, last_state if p else np.zeros((12, 1)))
        last_state = result[6]


def test_the_whole_output(capsys):
    """Samples from hprev and the character at p on, and the smoothed loss.

    The loss starts at that of a uniform guess, T log(vocab_size)."""
    settings = dict(seq_length=5, sample_every=3, sample_length=33, max_iters=8)
    rnn = import_copy(ALPHABET, checkpoint=None, **settings)
    windows = record_calls(rnn, "lossFun")
    samples = record_calls(rnn, "sample")
    rnn.train()
    states = [np.zeros((12, 1))]
    smooth_losses = [5 * math.log(60)]
    for _, (loss, *_, h) in windows:
        smooth_losses.append(0.999 * smooth_losses[-1] + 0.001 * loss)
        states.append(h)
    expected = "data has 60 characters, 60 unique.\n"
    for n, ((h, ix, length), ixes) in zip([0, 3, 6, 8], samples):
        np.testing.assert_array_equal(h, states[n])
        assert (rnn.ix_to_char[ix], length) == (ALPHABET[5 * n], 33)
        expected += f"----\n {''.join(rnn.ix_to_char[ix] for ix in ixes)} \n----\n"
        if n < 8:
            expected += f"iter {n}, loss: {smooth_losses[n + 1]:f}\n"
    expected += f"stopped at iter 8, loss: {smooth_losses[8]:f}\n"
    expected += 'nothing was saved: to keep a model, set checkpoint = "model.npz"\n'
    assert capsys.readouterr().out == expected


def test_each_iteration_samples_learns_prints_updates_and_saves_in_this_order():
    """Sample and loss are of the parameters before the update, the file of those after."""
    rnn = import_copy(max_iters=3, sample_every=1)
    seen = []

    def note(name):
        seen.append((name, rnn.Wxh.tobytes()))

    for name in "sample", "lossFun", "save":
        record_calls(rnn, name, before=lambda name=name: note(name))
    rnn.print = lambda line: line.startswith("iter") and note("print")
    rnn.train()
    names = ["sample", "lossFun", "print", "save"]
    assert [name for name, _ in seen] == names * 3 + ["sample"]
    weights = [weights for _, weights in seen]
    for i in 0, 4, 8:
        assert weights[i] == weights[i + 1] == weights[i + 2] != weights[i + 3]


@pytest.mark.parametrize("rate, start", [(0.1, 10.0), (0.02, 0.0)])
def test_every_step_is_the_gradient_over_the_root_of_its_memory(rate, start):
    """Each parameter has its own gradient, and a memory of their squares."""
    settings = dict(learning_rate=rate, adagrad_start=start, dtype=np.float64, max_iters=3)
    rnn = import_copy(**settings)
    before = [param.copy() for param in parameters(rnn)]
    calls = record_calls(rnn, "lossFun")
    rnn.train()
    mems = [getattr(rnn, name) for name in MEMORY]
    for i, (old, new, mem) in enumerate(zip(before, parameters(rnn), mems), 1):
        dparams = np.array([result[i] for _, result in calls])
        sums = start + np.cumsum(dparams**2, axis=0)
        steps = -rate * dparams / np.sqrt(sums + 1e-8)
        np.testing.assert_allclose(mem, sums[-1], rtol=1e-12)
        np.testing.assert_allclose(new - old, steps.sum(axis=0), rtol=1e-9, atol=1e-14)


def test_all_arrays_stay_float32():
    """One float64 would turn others into float64, and training would be slower."""
    rnn = import_copy(max_iters=3)
    calls = record_calls(rnn, "lossFun")
    rnn.train()
    for (_, _, hprev), (_, *results) in calls:
        arrays = [hprev, *results, *rnn.arrays.values()]
        assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


def test_weights_start_small_and_random_and_biases_at_zero():
    """Weights have the mean 0 and the standard deviation 0.01; biases are zero."""
    text = "".join(chr(i) for i in range(40, 120)) * 5
    Wxh, Whh, Why, bh, by = parameters(import_copy(text, hidden_size=300))
    for weights in Wxh, Whh, Why:
        assert abs(weights.std() - 0.01) < 3e-4
        assert abs(weights.mean()) < 3e-4
    assert not bh.any() and not by.any()
