"""sample: the network writes by the probabilities that it has learnt."""

import numpy as np
import pytest
import step_by_step
from helpers import load_random, parameters


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_characters_come_as_often_as_the_softmax_says(temperature):
    """A chi-square test of 10,000 pairs against softmax(y / temperature).

    The second of a pair shows that the first was read. 999 of 1,000 right forms stay below
    26.1, with eight degrees of freedom."""
    rnn = load_random(vocab_size=3, temperature=temperature)
    h = np.full((6, 1), 0.3)

    def guess(h, ix):
        h = np.tanh(rnn.Wxh[:, [ix]] + rnn.Whh @ h + rnn.bh)
        p = np.exp((rnn.Why @ h + rnn.by).ravel() / temperature)
        return h, p / p.sum()

    after, first = guess(h, 2)
    expected = 10_000 * np.concatenate([first[ix] * guess(after, ix)[1] for ix in range(3)])
    assert expected.min() > 5  # a chi-square test needs that
    pairs = [rnn.sample(h, 2, 2) for _ in range(10_000)]
    observed = np.bincount([3 * a + b for a, b in pairs], minlength=9)
    assert ((observed - expected) ** 2 / expected).sum() < 26.1
    assert (h == 0.3).all()  # the main loop learns from hprev after it has sampled from it


def test_a_long_sample_is_that_of_the_step_by_step_form():
    """Every character is read in turn, at the temperature, from the state before it.

    With the same random numbers, the same characters."""
    rnn = load_random(30, 20, scale=2.0, temperature=0.7)
    rng = np.random.default_rng(rnn.seed)
    rnn.rng = np.random.default_rng(rnn.seed)
    for ix in range(20):
        expected = step_by_step.sample(rnn.bh, ix, 20, 0.7, rng, *parameters(rnn))
        assert rnn.sample(rnn.bh, ix, 20) == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_temperature_near_zero_picks_the_likeliest(dtype):
    """At 1e-30 nothing overflows, and only the likeliest are drawn."""
    rnn = load_random(scale=0, temperature=1e-30, dtype=dtype)
    rnn.by[:, 0] = [-9, 9, 0, 9, -9]
    assert set(rnn.sample(np.zeros_like(rnn.bh), 0, 99)) == {1, 3}


def test_many_characters_can_be_drawn_from_in_float32():
    """The sum of so many rounded probabilities is not quite 1, and none is refused."""
    rnn = load_random(20, 5000, np.float32, scale=5.0)
    for seed_ix in range(50):
        assert len(rnn.sample(rnn.bh, seed_ix, 10)) == 10
