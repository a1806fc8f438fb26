"""sample: the network writes by the probabilities that it has learnt."""

import numpy as np
import pytest
from helpers import import_random


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_characters_come_as_often_as_the_softmax_says(temperature):
    """A chi-square test of 10,000 pairs against softmax(y / temperature).

    The second of a pair shows that the first was read, and the state kept. 26.1 is the
    quantile of 99.9 % for eight degrees of freedom."""
    rnn = import_random(vocab_size=3, temperature=temperature)
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


def test_a_temperature_near_zero_picks_the_likeliest():
    """At 1e-30 nothing overflows, and only the likeliest are drawn."""
    rnn = import_random(scale=0, temperature=1e-30, dtype=np.float32)
    rnn.by[:, 0] = [-9, 9, 0, 9, -9]
    assert set(rnn.sample(np.zeros_like(rnn.bh), 0, 99)) == {1, 3}


def test_many_characters_can_be_drawn_from_in_float32():
    """The sum of so many rounded probabilities is not quite 1, and none is refused."""
    rnn = import_random(20, 5000, np.float32, scale=5.0)
    for seed_ix in range(50):
        assert len(rnn.sample(rnn.bh, seed_ix, 10)) == 10
