"""The commentary "rnn 주해 2편", passage by passage, in its order: the main loop."""

import math
import re

import numpy as np
import pytest
from helpers import edited, imported, lessons, run, trained

ALPHABET = "".join(chr(ord("A") + i) for i in range(60))  # no character twice: each shows its place


def windows(folder, text, **settings):
    """What lossFun was given, window by window: the text read, the text to guess, the memory."""
    rnn = imported(edited(folder, text, **settings))
    calls = lessons(rnn)

    def as_text(ixes):
        return "".join(rnn.ix_to_char[ix] for ix in ixes)

    return [(as_text(c.args[0]), as_text(c.args[1]), c.args[2]) for c in calls]


# ---- 메인 루프의 시작: preparing the input


STARTS = {  # of four windows of 5 characters, by the length of the text
    6: [0, 0, 0, 0],  # seq_length + 1, the shortest text: one window, again and again
    10: [0, 0, 0, 0],  # a multiple of seq_length
    11: [0, 0, 0, 0],  # p + seq_length + 1 == len(data): the text counts as used up
    12: [0, 5, 0, 5],  # one character more, and the second window is read
    15: [0, 5, 0, 5],
    16: [0, 5, 0, 5],
    17: [0, 5, 10, 0],
    60: [0, 5, 10, 15],
}


@pytest.mark.parametrize("length", STARTS)
def test_windows_follow_one_another_to_the_end_and_start_over(tmp_path, length):
    """p advances by seq_length; when the text is used up it returns to 0 (맨 처음으로 이동)."""
    text = ALPHABET[:length]
    read = windows(tmp_path, text, seq_length=5, max_iters=4)
    assert [inputs for inputs, _, _ in read] == [text[p : p + 5] for p in STARTS[length]]


def test_targets_are_the_inputs_one_character_on(tmp_path):
    """For each character read, the answer is the one that follows it in the text (정답 세트)."""
    for inputs, targets, _ in windows(tmp_path, ALPHABET, seq_length=7, max_iters=12):
        assert ALPHABET[ALPHABET.index(inputs) + 1 :].startswith(targets)
        assert len(inputs) == len(targets) == 7


def test_memory_carries_over_between_windows(tmp_path):
    """A window starts from the hidden state that the one before it ended with (hprev)."""
    rnn = imported(edited(tmp_path, ALPHABET, seq_length=5, max_iters=11))
    calls = lessons(rnn)
    for before, after in zip(calls, calls[1:]):
        assert after.args[2].any()
        np.testing.assert_array_equal(after.args[2], before.result[6])


def test_memory_is_cleared_when_the_text_starts_over(tmp_path):
    """At the start and at each return to it the hidden state is zero (RNN 메모리 초기화)."""
    for inputs, _, hprev in windows(tmp_path, ALPHABET[:17], seq_length=5, max_iters=10):
        assert hprev.any() == (not inputs.startswith("A"))


def test_characters_become_numbers_and_come_back(tmp_path):
    """char_to_ix numbers the characters, in sorted order, and ix_to_char undoes it (사전)."""
    rnn = imported(edited(tmp_path, "hello, world, " * 9))
    assert rnn.chars == sorted(set("hello, world"))
    assert [rnn.ix_to_char[rnn.char_to_ix[ch]] for ch in rnn.chars] == rnn.chars
    assert sorted(rnn.ix_to_char) == list(range(rnn.vocab_size))


# ---- 학습 결과를 출력: the sample


def test_a_sample_is_written_every_sample_every_iterations(tmp_path, capsys):
    """Every so often, and at the end, sample_length characters are shown (100번 반복할 때마다)."""
    rnn = imported(edited(tmp_path, sample_every=4, sample_length=33, max_iters=10))
    calls = trained(rnn)
    kinds = [call.kind for call in calls]
    sampled_at = [kinds[:i].count("lossFun") for i, kind in enumerate(kinds) if kind == "sample"]
    assert sampled_at == [0, 4, 8, 10]
    samples = re.findall(r"----\n (.{33}) \n----\n", capsys.readouterr().out, re.DOTALL)
    taken = [call for call in calls if call.kind == "sample"]
    assert samples == ["".join(rnn.ix_to_char[ix] for ix in call.result) for call in taken]


def test_a_sample_starts_from_the_memory_and_the_window_to_come(tmp_path):
    """It begins with hprev and inputs[0], before the window is learnt (현재까지 학습된 hprev)."""
    calls = trained(imported(edited(tmp_path, sample_every=3, max_iters=9)))
    pairs = [(a, b) for a, b in zip(calls, calls[1:]) if a.kind == "sample"]
    assert len(pairs) == 3
    for taken, learnt in pairs:
        np.testing.assert_array_equal(taken.args[0], learnt.args[2])
        assert taken.args[1] == learnt.args[0][0]
        np.testing.assert_array_equal(taken.Wxh, learnt.Wxh)


def test_the_output_has_the_form_of_the_commentary(tmp_path):
    """The text's size, then each sample between dashes and the smoothed loss (손실 출력)."""
    settings = dict(sample_every=5, sample_length=10, max_iters=10)
    result = run(edited(tmp_path, "abcdef " * 20, **settings))
    sample, loss = r"----\n [a-f ]{10} \n----\n", r"loss: \d+\.\d{6}\n"
    form = rf"data has 140 characters, 7 unique\.\n{sample}iter 0, {loss}{sample}iter 5, {loss}"
    assert re.fullmatch(rf"{form}{sample}stopped at iter 10, {loss}", result.stdout)
    assert (result.returncode, result.stderr) == (0, "")
    assert len(list(tmp_path.iterdir())) == 2  # the script and the text: no other file is written


# ---- smooth_loss


def test_smoothing_starts_at_the_loss_of_a_uniform_guess(tmp_path, capsys):
    """Before anything is learnt each of T guesses costs log(vocab_size) (smooth_loss)."""
    rnn = imported(edited(tmp_path, ALPHABET, seq_length=5, max_iters=1))
    loss = lessons(rnn)[0].result[0]
    expected = 0.999 * 5 * math.log(60) + 0.001 * loss
    assert math.isclose(rnn.smooth_loss, expected, rel_tol=1e-12)
    assert f"iter 0, loss: {expected:f}\n" in capsys.readouterr().out


def test_a_hundred_losses_are_summed_as_the_commentary_writes_it(tmp_path):
    """0.001 (0.999^99 L1 + ... + L100), and 0.999^100 of what was before (smooth_loss에 반영).

    The hundred together weigh 1 - 0.999^100 = 9.52 %, as the commentary says (약 9.5%).
    """
    rnn = imported(edited(tmp_path, seq_length=5, max_iters=100))
    losses = [call.result[0] for call in lessons(rnn)]
    start = 5 * math.log(rnn.vocab_size)
    expected = 0.001 * sum(0.999 ** (100 - i) * loss for i, loss in enumerate(losses, start=1))
    assert math.isclose(rnn.smooth_loss, 0.999**100 * start + expected, rel_tol=1e-12)


# ---- Adagrad 방식 파라메터 업데이트

EXAMPLE = np.array([[3, -0.5, -2], [1.1, 0.03, 0.001], [-1.1, -5, -0.14]])  # the commentary's own


def steps(folder, gradients, **settings):
    """What the main loop adds to Wxh, given these gradients one by one."""
    zeros = [np.zeros((3, 3)), np.zeros((3, 3)), np.zeros((3, 1)), np.zeros((3, 1))]
    given = iter(gradients)
    settings = dict(hidden_size=3, dtype=np.float64, sample_length=1, **settings)
    rnn = imported(edited(folder, "abc" * 20, max_iters=len(gradients), **settings))
    calls = lessons(rnn, lambda inputs, targets, hprev: (1.0, next(given), *zeros, hprev))
    values = [call.Wxh for call in calls] + [rnn.Wxh]
    return np.diff(values, axis=0)


@pytest.mark.parametrize("rate, start", [(0.1, 0.0), (0.02, 0.0), (0.1, 10.0)])
def test_adagrad_divides_by_the_root_of_the_squares_so_far(tmp_path, rate, start):
    """mem adds up dparam * dparam; the step is dparam over the root of it (분모가 mem).

    It starts from adagrad_start, 0 in the commentary; from 10 the first steps are smaller.
    """
    gradients = [EXAMPLE, EXAMPLE / 2, -3 * EXAMPLE]
    mem = np.full((3, 3), start)
    taken = steps(tmp_path, gradients, learning_rate=rate, adagrad_start=start)
    for dparam, step in zip(gradients, taken):
        mem += dparam**2
        np.testing.assert_allclose(step, -rate * dparam / np.sqrt(mem + 1e-8), rtol=1e-12)


def test_the_first_step_is_the_learning_rate_whatever_the_gradient(tmp_path):
    """A gradient of 5 and one of 0.03 both step by 0.1, against their sign (이동폭).

    Only at 0.001, whose square is 1e-6, does the 1e-8 show: the step is 0.0995.
    """
    first = steps(tmp_path, [EXAMPLE])[0]
    large = abs(EXAMPLE) > 0.001
    np.testing.assert_allclose(first[large], -0.1 * np.sign(EXAMPLE[large]), rtol=1e-5)
    assert round(-first[1, 2], 4) == 0.0995


def test_under_the_same_gradient_the_steps_slow_down_for_ever(tmp_path):
    """The n-th step is the first over sqrt(n), as mem only grows (점점 느려지게 되는 특성)."""
    taken = steps(tmp_path, [EXAMPLE] * 100)
    expected = taken[0] / np.sqrt(np.arange(1, 101)).reshape(-1, 1, 1)
    np.testing.assert_allclose(taken, expected, rtol=0.006)  # 1e-8 counts once, not n times
    assert (np.diff(abs(taken), axis=0) < 0).all()


def test_rare_gradients_keep_larger_steps_than_frequent_ones(tmp_path):
    """What moves at every tenth window only still moves far when it does (이동폭을 크게).

    That, and not speed in general, is Adagrad's gain: the commentary's "faster than SGD" holds
    where gradients differ in size and in frequency, as they do here; plain SGD with a well-chosen
    rate can be as fast where they do not.
    """
    rare, frequent = np.zeros((3, 3)), np.zeros((3, 3))
    rare[0, 0] = 1  # at every tenth window ...
    frequent[1, 1] = 1  # ... and at every one
    last = steps(tmp_path, [frequent + rare * (n % 10 == 9) for n in range(100)])[-1]
    assert math.isclose(last[0, 0] / last[1, 1], math.sqrt(10), rel_tol=1e-6)


@pytest.mark.parametrize("start", [0.0, 10.0])
def test_every_parameter_is_updated_by_its_own_gradient_and_memory(tmp_path, start):
    """The loop over zip pairs each parameter with its gradient and its memory (메모리)."""
    settings = dict(dtype=np.float64, hidden_size=9, adagrad_start=start, max_iters=1)
    before, after = (imported(edited(tmp_path, **settings)) for _ in range(2))
    gradients = lessons(after)[0].result[1:6]
    for name, dparam in zip(["Wxh", "Whh", "Why", "bh", "by"], gradients):
        mem = start + dparam**2
        np.testing.assert_array_equal(getattr(after, "m" + name), mem)
        expected = getattr(before, name) - 0.1 * dparam / np.sqrt(mem + 1e-8)
        np.testing.assert_allclose(getattr(after, name), expected, rtol=1e-12)
