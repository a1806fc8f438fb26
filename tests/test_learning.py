"""The whole learns: what the parts are for."""

import math
import os
import re
from collections import Counter

import numpy as np
import pytest
from edited import SCRIPT


def test_a_sentence_is_learnt_by_heart(run):
    """A sentence of 40 characters, again and again, is recited without a mistake."""
    sentence = "the quick brown fox jumps over the dog. "
    result = run(sentence * 60, max_iters=1500, sample_every=1500, temperature=0.5)
    assert len(sentence) == 40
    assert sentence * 4 in result.stdout.replace("\n", "")


def test_memory_reaches_farther_back_than_one_character(run):
    """On input.txt the loss falls below what any guess from the last character alone could reach.

    The entropy of a character given the one before, counted in the text itself, is that bound: a
    network without its hidden state, or with wrong gradients through time, stays above it.
    """
    text = (SCRIPT.parent / "input.txt").read_text(encoding="utf-8")
    pairs, singles = Counter(zip(text, text[1:])), Counter(text[:-1])
    bound = -sum(v * math.log2(v / singles[a]) for (a, _), v in pairs.items()) / len(text)
    result = run(text, max_iters=12001, sample_every=1000)
    smooth_loss = float(re.findall(r"iter 12000, loss: (.*)", result.stdout)[0])
    assert smooth_loss / 25 / math.log(2) < 0.95 * bound


def test_the_memory_bridges_a_gap(run):
    """What opened a bracket decides what closes it, six equal characters later."""
    text = "".join(np.random.default_rng(0).choice(["(------)", "[------]"], 3000))
    settings = dict(hidden_size=32, seq_length=24, sample_length=800, temperature=0.3)
    last = run(text, max_iters=3000, sample_every=3000, **settings).stdout.split("----\n ")[-1]
    brackets = re.sub("[^][()]", "", last)
    pairs = re.findall(r"[(\[].", brackets)
    assert len(pairs) > 80
    right = sum(pair in ("()", "[]") for pair in pairs)
    assert right > 0.7 * len(pairs)  # by chance it would be half of them


@pytest.mark.parametrize("seed", [0, 1])
def test_a_run_repeats_to_the_byte(run, seed):
    """Same seed, same output, in whatever order Python's sets happen to be."""
    outputs = []
    for hash_seed in ("1", "2"):
        env = {"PYTHONHASHSEED": hash_seed}
        outputs.append(run(max_iters=60, sample_every=20, seed=seed, env=env).stdout)
    assert outputs[0] == outputs[1]
    assert outputs[0] != run(max_iters=60, sample_every=20, seed=seed + 1).stdout


def test_parameters_start_small_and_random(module):
    """Weights are 0.01 times standard normal numbers, biases zero; both formats start alike."""
    rnn = module("".join(map(chr, range(40, 120))) * 5, hidden_size=300)
    weights = np.concatenate([rnn.Wxh.ravel(), rnn.Whh.ravel(), rnn.Why.ravel()])
    assert abs(weights.std() - 0.01) < 1e-4 and abs(weights.mean()) < 1e-4
    assert 0.68 < (abs(weights) < 0.01).mean() < 0.69  # the share within one standard deviation
    assert not rnn.bh.any() and not rnn.by.any()
    again = module("".join(map(chr, range(40, 120))) * 5, hidden_size=300, dtype=np.float64)
    np.testing.assert_allclose(again.Why, rnn.Why, rtol=1e-6)


def test_importing_the_script_trains_nothing_and_prints_nothing(module, capsys):
    """The functions can be tried by hand, as these tests do."""
    assert callable(module().lossFun)
    assert capsys.readouterr().out == ""


def test_one_blas_thread_is_asked_for_before_numpy_is_imported(module, monkeypatch):
    """More gain nothing at the defaults; a number that the user has set is kept."""
    source = SCRIPT.read_text(encoding="utf-8")
    assert source.index("OPENBLAS_NUM_THREADS") < source.index("import numpy")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    module()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    module()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "3"
