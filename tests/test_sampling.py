"""sample: the network writes by the probabilities that it has learnt."""

import numpy as np
import pytest
import step_by_step
from helpers import model


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_characters_come_as_often_as_the_softmax_says(tmp_path, temperature):
    """A chi-square test of 10,000 pairs against softmax(y / temperature), of both forms.

    The second shows that the first was read. 999 of 1,000 right forms stay below 26.1."""
    rnn = model(tmp_path, vocab_size=3, size=1.0, temperature=temperature)
    h, rest = np.full((6, 1), 0.3), (temperature, np.random.default_rng(0), *rnn.params)

    def guess(h, ix):
        h = np.tanh(rnn.Wxh[:, [ix]] + rnn.Whh @ h + rnn.bh)
        p = np.exp((rnn.Why @ h + rnn.by).ravel() / temperature)
        return h, p / p.sum()

    after, first = guess(h, 2)
    expected = 10_000 * np.concatenate([first[ix] * guess(after, ix)[1] for ix in range(3)])
    assert expected.min() > 5  # a chi-square test needs that
    for draw in [lambda: rnn.sample(h, 2, 2), lambda: step_by_step.sample(h, 2, 2, *rest)]:
        pairs = [draw() for _ in range(10_000)]
        observed = np.bincount([3 * a + b for a, b in pairs], minlength=9)
        assert ((observed - expected) ** 2 / expected).sum() < 26.1
    assert (h == 0.3).all()  # the main loop learns from hprev after it has sampled from it


def test_a_temperature_near_zero_picks_the_likeliest(tmp_path):
    """However small, it overflows nothing; what is impossible is never drawn."""
    rnn = model(tmp_path, size=0, temperature=1e-300, dtype=np.float32)
    rnn.by[:, 0] = [-9, 9, 0, 9, -9]
    with np.errstate(over="ignore"):  # as in a run
        assert set(rnn.sample(np.zeros_like(rnn.bh), 0, 99)) == {1, 3}
