"""The whole learns: what the parts are for."""

import math
import os
import re
from collections import Counter

import numpy as np
import pytest
from helpers import SCRIPT, edited, imported, run


def output(capsys, folder, text, **settings):
    """What an imported copy prints while it trains."""
    imported(edited(folder, text, **settings)).train()
    return capsys.readouterr().out


def test_a_sentence_is_learnt_by_heart(tmp_path, capsys):
    """A sentence of 40 characters, again and again, is recited without a mistake."""
    sentence = "the quick brown fox jumps over the dog. "
    settings = dict(max_iters=1500, sample_every=1500, temperature=0.5)
    printed = output(capsys, tmp_path, sentence * 60, **settings)
    assert len(sentence) == 40
    assert sentence * 4 in printed.replace("\n", "")


def test_memory_reaches_farther_back_than_one_character(tmp_path):
    """On input.txt the loss falls below what any guess from the last character alone could reach.

    The entropy of a character given the one before, counted in the text itself, is that bound: a
    network without its hidden state, or with wrong gradients through time, stays above it.
    """
    text = (SCRIPT.parent / "input.txt").read_text(encoding="utf-8")
    pairs, singles = Counter(zip(text, text[1:])), Counter(text[:-1])
    bound = -sum(v * math.log2(v / singles[a]) for (a, _), v in pairs.items()) / len(text)
    settings = dict(max_iters=5000, sample_every=5000, adagrad_start=10.0)
    smooth_loss = imported(edited(tmp_path, text, **settings)).train()[1]
    assert smooth_loss / 25 / math.log(2) < 0.95 * bound


def test_the_memory_bridges_a_gap(tmp_path, capsys):
    """What opened a bracket decides what closes it, six equal characters later."""
    text = "".join(np.random.default_rng(0).choice(["(------)", "[------]"], 3000))
    settings = dict(hidden_size=32, seq_length=24, sample_length=800, temperature=0.3)
    printed = output(capsys, tmp_path, text, max_iters=3000, sample_every=3000, **settings)
    brackets = re.sub("[^][()]", "", printed.split("----\n ")[-1])
    pairs = re.findall(r"[(\[].", brackets)
    assert len(pairs) > 80
    right = sum(pair in ("()", "[]") for pair in pairs)
    assert right > 0.7 * len(pairs)  # by chance it would be half of them


def test_a_run_repeats_to_the_byte(tmp_path):
    """Same seed, same output, in whatever order Python's sets happen to be; another, another."""
    outputs = []
    for seed, hash_seed in [(1, "1"), (1, "2"), (2, "2")]:
        script = edited(tmp_path, max_iters=60, sample_every=20, seed=seed)
        outputs.append(run(script, PYTHONHASHSEED=hash_seed).stdout)
    assert outputs[0] == outputs[1] != outputs[2]


def test_parameters_start_small_and_random(tmp_path):
    """Weights are 0.01 times standard normal numbers, biases zero; both formats start alike."""
    text = "".join(map(chr, range(40, 120))) * 5
    rnn = imported(edited(tmp_path, text, hidden_size=300))
    weights = np.concatenate([rnn.Wxh.ravel(), rnn.Whh.ravel(), rnn.Why.ravel()])
    assert abs(weights.std() - 0.01) < 1e-4 and abs(weights.mean()) < 1e-4
    assert 0.68 < (abs(weights) < 0.01).mean() < 0.69  # the share within one standard deviation
    assert not rnn.bh.any() and not rnn.by.any()
    again = imported(edited(tmp_path, text, hidden_size=300, dtype=np.float64))
    np.testing.assert_allclose(again.Why, rnn.Why, rtol=1e-6)


@pytest.mark.parametrize("given, kept", [(None, "1"), ("3", "3")])
def test_one_blas_thread_is_asked_for_before_numpy_is_imported(tmp_path, monkeypatch, given, kept):
    """More gain nothing at the defaults; a number that the user has set is kept."""
    source = SCRIPT.read_text(encoding="utf-8")
    assert source.index("OPENBLAS_NUM_THREADS") < source.index("import numpy")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", given or "")
    if given is None:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    imported(edited(tmp_path))
    assert os.environ["OPENBLAS_NUM_THREADS"] == kept
