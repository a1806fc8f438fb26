"""The whole learns: what the parts are for."""

import math
from collections import Counter

from helpers import SCRIPT, edited, imported, run


def test_memory_reaches_farther_back_than_one_character(tmp_path, capsys):
    """On input.txt the loss falls below what guesses from one character can reach.

    The bound, an entropy, is counted in the text: without a state no network gets there."""
    text = SCRIPT.with_name("input.txt").read_text(encoding="utf-8")
    pairs, singles = Counter(zip(text, text[1:])), Counter(text[:-1])
    bound = -sum(v * math.log2(v / singles[a]) for (a, _), v in pairs.items()) / len(text)
    imported(edited(tmp_path, text, max_iters=5000, adagrad_start=10.0)).train()
    smooth_loss = float(capsys.readouterr().out.split("loss: ")[-1])
    assert smooth_loss / 25 / math.log(2) < 0.95 * bound


def test_a_run_repeats_to_the_byte(tmp_path):
    """Same seed, same output, in whatever order Python's sets are; another, another."""
    outputs = []
    for seed, hash_seed in [(1, "1"), (1, "2"), (2, "2")]:
        result = run(edited(tmp_path, max_iters=60, seed=seed), PYTHONHASHSEED=hash_seed)
        assert (result.returncode, result.stderr) == (0, "")
        outputs.append(result.stdout)
    assert outputs[0] == outputs[1] != outputs[2]


def test_parameters_start_small_and_random(tmp_path):
    """Weights are 0.01 times standard normal numbers; biases are zero."""
    rnn = imported(edited(tmp_path, "".join(map(chr, range(40, 120))) * 5, hidden_size=300))
    for weights in rnn.params[:3]:
        assert abs(weights.std() - 0.01) < 3e-4 and abs(weights.mean()) < 3e-4
    assert not rnn.bh.any() and not rnn.by.any()
