"""sample: the network writes by the probabilities that it has learnt."""

from types import SimpleNamespace

import numpy as np
import pytest
import step_by_step
from helpers import model


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_characters_come_as_often_as_the_softmax_says(tmp_path, temperature):
    """A chi-square test of 20,000 draws against softmax(y / temperature).

    If the draws follow it, the statistic stays below 20.5 in 999 of 1,000 tests of 6 characters.
    """
    rnn = model(tmp_path, vocab_size=6, size=2.0, temperature=temperature)
    h = np.full((6, 1), 0.3)
    after = np.tanh(rnn.Wxh[:, [2]] + rnn.Whh @ h + rnn.bh)
    p = np.exp((rnn.Why @ after + rnn.by).ravel() / temperature)
    expected = 20_000 * p / p.sum()
    observed = np.bincount([rnn.sample(h, 2, 1)[0] for _ in range(20_000)], minlength=6)
    assert ((observed - expected) ** 2 / expected).sum() < 20.5
    assert expected.min() > 5  # a chi-square test needs that, and a wrong temperature shows


def test_each_character_is_read_before_the_next_is_drawn(tmp_path):
    """Where each character surely brings the next one on, the sample goes round the alphabet."""
    rnn = model(tmp_path, hidden_size=5, vocab_size=5, size=0)
    rnn.Wxh[:] = 9 * np.eye(5)  # the hidden state says which character was read
    rnn.Why[:] = 99 * np.roll(np.eye(5), 1, axis=0)  # and the next one is all but certain
    expected = [4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0]
    assert rnn.sample(np.zeros((5, 1)), 3, 12) == expected
    rng = np.random.default_rng(0)
    assert step_by_step.sample(np.zeros((5, 1)), 3, 12, 1.0, rng, *rnn.params) == expected


def test_the_state_is_carried_from_character_to_character(tmp_path):
    """A state that only passes itself on still decides the tenth character, and is not changed.

    The main loop goes on learning from hprev after it has sampled from it.
    """
    rnn = model(tmp_path, hidden_size=1, vocab_size=2, size=0)
    rnn.Whh[:], rnn.Why[:] = 9, [[-99], [99]]
    for h, expected in [(0.5, 1), (-0.5, 0)]:
        hprev = np.full((1, 1), h)
        assert rnn.sample(hprev, 0, 10) == [expected] * 10
        assert hprev == h


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("temperature", [1e-3, 1e-30, 1e-300])
def test_a_temperature_near_zero_picks_the_likeliest(tmp_path, temperature, dtype):
    """However small, the temperature never overflows what it divides."""
    rnn = model(tmp_path, temperature=temperature, dtype=dtype)
    rnn.by[:, 0] = [0, 0, 9, 0, 0]
    with np.errstate(over="ignore"):  # as in a run
        assert rnn.sample(np.zeros((6, 1), dtype), 0, 30) == [2] * 30


def test_a_huge_temperature_makes_all_characters_equal(tmp_path):
    """Divided by a large number, all logits are the same."""
    rnn = model(tmp_path, temperature=1e300, dtype=np.float32, size=3.0)
    counts = np.bincount(rnn.sample(np.zeros((6, 1), np.float32), 0, 5000), minlength=5)
    assert ((counts - 1000) ** 2 / 1000).sum() < 18.5  # chi-square, 999 of 1,000


def test_an_impossible_character_is_never_drawn(tmp_path):
    """A probability of zero means never, also at the ends of the vocabulary."""
    rnn = model(tmp_path, size=0)
    rnn.by[:, 0] = [-5000, 0, -5000, 0, -5000]
    assert set(rnn.sample(np.zeros((6, 1)), 0, 2000)) == {1, 3}
    rnn.rng = SimpleNamespace(random=np.zeros)  # the lowest draw that there is
    assert rnn.sample(np.zeros((6, 1)), 0, 3) == [1, 1, 1]
    rnn.rng = SimpleNamespace(random=lambda n: np.full(n, 1 - 2**-53))  # the highest
    assert rnn.sample(np.zeros((6, 1)), 0, 3) == [3, 3, 3]
