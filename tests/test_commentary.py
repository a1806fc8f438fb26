"""The commentary "rnn 주해 2편", passage by passage, in its order: the main loop."""

import math
import re

import numpy as np
import pytest

ALPHABET = "".join(chr(ord("A") + i) for i in range(60))  # no character twice: each shows its place


def windows(rnn):
    """What lossFun was given, window by window: the text read, the text to guess, the memory."""

    def as_text(ixes):
        return "".join(rnn.ix_to_char[ix] for ix in ixes)

    calls = [call for call in rnn.calls if call.kind == "lossFun"]
    return [(as_text(c.args[0]), as_text(c.args[1]), c.args[2]) for c in calls]


# ---- 메인 루프의 시작: preparing the input


@pytest.mark.parametrize(
    "length, starts",
    [
        (6, [0, 0, 0, 0]),  # seq_length + 1, the shortest text: one window, again and again
        (9, [0, 0, 0, 0]),
        (10, [0, 0, 0, 0]),  # a multiple of seq_length
        (11, [0, 0, 0, 0]),  # p + seq_length + 1 == len(data): the text counts as used up
        (12, [0, 5, 0, 5]),  # one character more, and the second window is read
        (14, [0, 5, 0, 5]),
        (15, [0, 5, 0, 5]),
        (16, [0, 5, 0, 5]),
        (17, [0, 5, 10, 0]),
        (60, [0, 5, 10, 15]),
    ],
)
def test_windows_follow_one_another_to_the_end_and_start_over(watch, length, starts):
    """p advances by seq_length; when the text is used up it returns to 0 (맨 처음으로 이동)."""
    text = ALPHABET[:length]
    rnn = watch(text, seq_length=5, max_iters=4)
    assert [inputs for inputs, _, _ in windows(rnn)] == [text[p : p + 5] for p in starts]


def test_targets_are_the_inputs_one_character_on(watch):
    """For each character read, the answer is the one that follows it in the text (정답 세트)."""
    for inputs, targets, _ in windows(watch(ALPHABET, seq_length=7, max_iters=12)):
        assert ALPHABET[ALPHABET.index(inputs) + 1 :].startswith(targets)
        assert len(inputs) == len(targets) == 7


def test_memory_carries_over_between_windows(watch):
    """A window starts from the hidden state that the one before it ended with (hprev)."""
    calls = [c for c in watch(ALPHABET, seq_length=5, max_iters=11).calls if c.kind == "lossFun"]
    for before, after in zip(calls, calls[1:]):
        assert after.args[2].any()
        np.testing.assert_array_equal(after.args[2], before.result[6])


def test_memory_is_cleared_when_the_text_starts_over(watch):
    """At the start and at each return to it the hidden state is zero (RNN 메모리 초기화)."""
    for inputs, _, hprev in windows(watch(ALPHABET[:17], seq_length=5, max_iters=10)):
        assert hprev.any() == (not inputs.startswith("A"))


def test_characters_become_numbers_and_come_back(module):
    """char_to_ix numbers the characters, in sorted order, and ix_to_char undoes it (사전)."""
    rnn = module("hello, world, " * 9)
    assert rnn.chars == sorted(set("hello, world"))
    assert [rnn.ix_to_char[rnn.char_to_ix[ch]] for ch in rnn.chars] == rnn.chars
    assert sorted(rnn.ix_to_char) == list(range(rnn.vocab_size))


# ---- 학습 결과를 출력: the sample


def test_a_sample_is_written_every_sample_every_iterations(watch):
    """Every so often, and at the end, sample_length characters are shown (100번 반복할 때마다)."""
    rnn = watch(sample_every=4, sample_length=33, max_iters=10)
    kinds = [call.kind for call in rnn.calls]
    sampled_at = [kinds[:i].count("lossFun") for i, kind in enumerate(kinds) if kind == "sample"]
    assert sampled_at == [0, 4, 8, 10]
    samples = re.findall(r"----\n (.{33}) \n----\n", rnn.printed, re.DOTALL)
    calls = [c for c in rnn.calls if c.kind == "sample"]
    assert samples == ["".join(rnn.ix_to_char[ix] for ix in c.result) for c in calls]


def test_a_sample_starts_from_the_memory_and_the_window_to_come(watch):
    """It begins with hprev and inputs[0], before the window is learnt (현재까지 학습된 hprev)."""
    rnn = watch(sample_every=3, max_iters=9)
    pairs = [(a, b) for a, b in zip(rnn.calls, rnn.calls[1:]) if a.kind == "sample"]
    assert len(pairs) == 3
    for taken, learnt in pairs:
        np.testing.assert_array_equal(taken.args[0], learnt.args[2])
        assert taken.args[1] == learnt.args[0][0]
        np.testing.assert_array_equal(taken.Wxh, learnt.Wxh)


def test_the_output_has_the_form_of_the_commentary(run):
    """The text's size, then each sample between dashes and the smoothed loss (손실 출력)."""
    result = run("abcdef " * 20, sample_every=5, sample_length=10, max_iters=10)
    sample = r"----\n [a-f ]{10} \n----\n"
    form = rf"data has 140 characters, 7 unique\.\n{sample}iter 0, loss: \d+\.\d{{6}}\n"
    assert re.fullmatch(rf"{form}{sample}iter 5, loss: \d+\.\d{{6}}\n{sample}", result.stdout)
    assert (result.returncode, result.stderr) == (0, "")


# ---- smooth_loss


def test_smoothing_starts_at_the_loss_of_a_uniform_guess(watch):
    """Before anything is learnt each of T guesses costs log(vocab_size) (smooth_loss)."""
    rnn = watch(ALPHABET, seq_length=5, max_iters=1)
    loss = rnn.calls[1].result[0]
    expected = 0.999 * 5 * math.log(60) + 0.001 * loss
    assert math.isclose(rnn.smooth_loss, expected, rel_tol=1e-12)
    assert f"iter 0, loss: {expected:f}\n" in rnn.printed


def test_a_hundred_losses_are_summed_as_the_commentary_writes_it(watch):
    """0.001 (0.999^99 L1 + ... + L100), and 0.999^100 of what was before (smooth_loss에 반영)."""
    rnn = watch(seq_length=5, max_iters=100)
    losses = [c.result[0] for c in rnn.calls if c.kind == "lossFun"]
    start = 5 * math.log(rnn.vocab_size)
    expected = 0.001 * sum(0.999 ** (100 - i) * loss for i, loss in enumerate(losses, start=1))
    assert math.isclose(rnn.smooth_loss, 0.999**100 * start + expected, rel_tol=1e-12)


def test_a_hundred_losses_weigh_nine_and_a_half_percent():
    """Together they weigh 1 - 0.999^100 = 9.52 %, as the commentary says (약 9.5%)."""
    weights = [0.001 * 0.999**i for i in range(100)]
    assert math.isclose(sum(weights), 1 - 0.999**100, rel_tol=1e-12)
    assert round(100 * sum(weights), 2) == 9.52


# ---- Adagrad 방식 파라메터 업데이트

EXAMPLE = np.array([[3, -0.5, -2], [1.1, 0.03, 0.001], [-1.1, -5, -0.14]])  # the commentary's own


@pytest.fixture
def steps(watch):
    """steps(gradients): what the main loop adds to Wxh, given these gradients one by one."""

    def steps(gradients, learning_rate=0.1):
        zeros = [np.zeros((3, 3)), np.zeros((3, 3)), np.zeros((3, 1)), np.zeros((3, 1))]
        given = iter(gradients)

        def lossFun(inputs, targets, hprev):
            return (1.0, next(given), *zeros, hprev)

        settings = dict(hidden_size=3, dtype=np.float64, learning_rate=learning_rate)
        rnn = watch("abc" * 20, lossFun, sample_length=1, max_iters=len(gradients), **settings)
        values = [c.Wxh for c in rnn.calls if c.kind == "lossFun"] + [rnn.Wxh]
        return np.diff(values, axis=0)

    return steps


@pytest.mark.parametrize("rate", [0.1, 0.02])
def test_adagrad_divides_by_the_root_of_the_squares_so_far(steps, rate):
    """mem adds up dparam * dparam; the step is dparam over the root of it (분모가 mem)."""
    gradients = [EXAMPLE, EXAMPLE / 2, -3 * EXAMPLE]
    mem = np.zeros((3, 3))
    for dparam, step in zip(gradients, steps(gradients, rate)):
        mem += dparam**2
        np.testing.assert_allclose(step, -rate * dparam / np.sqrt(mem + 1e-8), rtol=1e-12)


def test_the_first_step_is_the_learning_rate_whatever_the_gradient(steps):
    """A gradient of 5 and one of 0.03 both step by 0.1, against their sign (이동폭).

    Only at 0.001, whose square is 1e-6, does the 1e-8 show: the step is 0.0995.
    """
    first = steps([EXAMPLE])[0]
    large = abs(EXAMPLE) > 0.001
    np.testing.assert_allclose(first[large], -0.1 * np.sign(EXAMPLE[large]), rtol=1e-5)
    assert round(-first[1, 2], 4) == 0.0995


def test_under_the_same_gradient_the_steps_slow_down_for_ever(steps):
    """The n-th step is the first over sqrt(n), as mem only grows (점점 느려지게 되는 특성)."""
    taken = steps([EXAMPLE] * 100)
    expected = taken[0] / np.sqrt(np.arange(1, 101)).reshape(-1, 1, 1)
    np.testing.assert_allclose(taken, expected, rtol=0.006)  # 1e-8 counts once, not n times
    assert (np.diff(abs(taken), axis=0) < 0).all()


def test_rare_gradients_keep_larger_steps_than_frequent_ones(steps):
    """What moves at every tenth window only still moves far when it does (이동폭을 크게).

    That, and not speed in general, is Adagrad's gain: the commentary's "faster than SGD" holds
    where gradients differ in size and in frequency, as they do here; plain SGD with a well-chosen
    rate can be as fast where they do not.
    """
    rare = np.zeros((3, 3))
    rare[0, 0] = 1  # at every tenth window ...
    frequent = np.zeros((3, 3))
    frequent[1, 1] = 1  # ... and at every one
    last = steps([frequent + rare * (n % 10 == 9) for n in range(100)])[-1]
    assert math.isclose(last[0, 0] / last[1, 1], math.sqrt(10), rel_tol=1e-6)


def test_every_parameter_is_updated_by_its_own_gradient_and_memory(watch, module):
    """The loop over zip pairs each parameter with its gradient and its memory (메모리)."""
    settings = dict(dtype=np.float64, hidden_size=9)
    before, after = module(**settings), watch(max_iters=1, **settings)
    gradients = after.calls[1].result[1:6]
    for name, dparam in zip(["Wxh", "Whh", "Why", "bh", "by"], gradients):
        np.testing.assert_array_equal(getattr(after, "m" + name), dparam**2)
        expected = getattr(before, name) - 0.1 * dparam / np.sqrt(dparam**2 + 1e-8)
        np.testing.assert_allclose(getattr(after, name), expected, rtol=1e-12)
