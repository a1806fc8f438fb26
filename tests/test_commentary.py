"""The commentary "rnn 주해 2편", passage by passage, in its order: the main loop."""

import math

import numpy as np
import pytest
from helpers import load_script, parameters, record_calls

ALPHABET = "".join(chr(ord("A") + i) for i in range(60))  # each character shows its place


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
def test_windows_follow_one_another_to_the_end_and_start_over(length):
    """p advances by seq_length; at the end it returns to 0 (맨 처음으로 이동).

    The targets are one character on (정답 세트). The state is carried on, and is zero at
    each start (RNN 메모리 초기화)."""
    rnn = load_script(ALPHABET[:length], seq_length=5, max_iters=4)
    calls = record_calls(rnn, "lossFun")
    rnn.train()
    assert len(calls) == 4
    last_state = None
    for p, ((inputs, targets, hprev), result) in zip(STARTS[length], calls):
        assert "".join(rnn.ix_to_char[ix] for ix in inputs) == ALPHABET[p : p + 5]
        assert "".join(rnn.ix_to_char[ix] for ix in targets) == ALPHABET[p + 1 : p + 6]
        np.testing.assert_array_equal(hprev, last_state if p else np.zeros((100, 1)))
        last_state = result[6]


def test_all_arrays_stay_float32():
    """One float64 would turn others into float64, and training would be slower."""
    rnn = load_script(max_iters=3)
    calls = record_calls(rnn, "lossFun")
    rnn.train()
    for (_, _, hprev), (_, *results) in calls:
        arrays = [hprev, *results, *rnn.arrays.values()]
        assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


# ---- 학습 결과를 출력: the sample


def test_samples_and_smoothed_losses_are_printed(capsys):
    """Every sample_every iterations, and at the end, from hprev and the character at p on.

    The loss is smoothed, starting at a uniform guess: T log(vocab_size) (smooth_loss)."""
    settings = dict(seq_length=5, sample_every=3, sample_length=33, max_iters=8)
    rnn = load_script(ALPHABET, **settings)
    windows = record_calls(rnn, "lossFun")
    samples = record_calls(rnn, "sample")
    rnn.train()
    states = [np.zeros((100, 1))]
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
    assert capsys.readouterr().out.startswith(expected)


def test_before_anything_is_learnt_a_sample_starts_at_the_beginning():
    """With max_iters at 0, from a zero state and the text's first character."""
    rnn = load_script(ALPHABET, max_iters=0)
    calls = record_calls(rnn, "sample")
    rnn.train()
    assert len(calls) == 1
    (h, ix, _), _ = calls[0]
    assert not h.any()
    assert rnn.ix_to_char[ix] == ALPHABET[0]


# ---- Adagrad 방식 파라메터 업데이트

EXAMPLE = np.array([[3, -0.5, -2], [1.1, 0.03, 0.001], [-1.1, -5, -0.14]])


def steps_taken(gradients, start):
    """What the main loop adds to Wxh, given these gradients one by one.

    start is adagrad_start, what the memory starts from."""
    settings = dict(hidden_size=3, dtype=np.float64, adagrad_start=start)
    rnn = load_script("abc" * 20, max_iters=len(gradients), **settings)
    loss, _, *rest = rnn.lossFun([0], [1], rnn.bh)
    given = iter(gradients)
    values = []

    def lossFun(*window):
        values.append(rnn.Wxh.copy())
        return loss, next(given), *rest

    rnn.lossFun = lossFun
    rnn.train()
    return np.diff([*values, rnn.Wxh], axis=0)


def test_from_0_the_first_step_is_the_learning_rate_whatever_the_gradient():
    """5 and 0.03 both step by 0.1, against their sign (이동폭).

    Under the same gradient mem only grows: the n-th step is the first over sqrt(n)
    (점점 느려지게 되는 특성). Only at 0.001, squared 1e-6, does the 1e-8 show: 0.0995."""
    taken = steps_taken([EXAMPLE] * 100, start=0.0)
    large = abs(EXAMPLE) > 0.001
    np.testing.assert_allclose(taken[0][large], -0.1 * np.sign(EXAMPLE[large]), rtol=1e-5)
    assert round(-taken[0, 1, 2], 4) == 0.0995
    expected = taken[0] / np.sqrt(np.arange(1, 101)).reshape(-1, 1, 1)
    np.testing.assert_allclose(taken, expected, rtol=0.006)  # 1e-8 counts once, not n times


def test_from_10_the_larger_the_gradient_the_sooner_its_steps_slow_down():
    """그래디언트가 클수록 이동하는 속도가 점차 느려진다: there the sentence is right.

    What small gradients add to 10 is nothing, and their steps stay as they are."""
    taken = abs(steps_taken([EXAMPLE] * 100, start=10.0))
    slowed = taken[-1] / taken[0]
    order = np.argsort(abs(EXAMPLE), axis=None)
    assert (np.diff(slowed.ravel()[order]) <= 0).all()
    assert slowed[1, 2] > 0.99999 and slowed[2, 1] < 0.12
    np.testing.assert_allclose(taken[0, 1, 2], 0.1 * 0.001 / np.sqrt(10), rtol=1e-6)


@pytest.mark.parametrize("start", [0.0, 10.0])
def test_rare_gradients_keep_larger_steps_than_frequent_ones(start):
    """What moves at every tenth window only moves far when it does (이동폭을 크게).

    After 100 windows its memory has grown by 10 squares, the other's by 100."""
    rare = np.diag([1, 0, 0])
    frequent = np.diag([0, 1, 0])
    gradients = [frequent + rare * (n % 10 == 9) for n in range(100)]
    last = steps_taken(gradients, start)[-1]
    ratio = math.sqrt((start + 100) / (start + 10))
    assert math.isclose(last[0, 0] / last[1, 1], ratio, rel_tol=1e-6)


@pytest.mark.parametrize("rate, start", [(0.1, 10.0), (0.02, 0.0)])
def test_every_step_is_the_gradient_over_the_root_of_its_memory(rate, start):
    """Each parameter has its own gradient, and a memory of their squares (분모가 mem)."""
    settings = dict(learning_rate=rate, adagrad_start=start, dtype=np.float64, max_iters=3)
    rnn = load_script(hidden_size=9, **settings)
    before = [param.copy() for param in parameters(rnn)]
    calls = record_calls(rnn, "lossFun")
    rnn.train()
    mems = [rnn.mWxh, rnn.mWhh, rnn.mWhy, rnn.mbh, rnn.mby]
    for i, (old, new, mem) in enumerate(zip(before, parameters(rnn), mems), 1):
        dparams = np.array([result[i] for _, result in calls])
        sums = start + np.cumsum(dparams**2, axis=0)
        taken = -rate * dparams / np.sqrt(sums + 1e-8)
        np.testing.assert_allclose(mem, sums[-1], rtol=1e-12)
        np.testing.assert_allclose(new - old, taken.sum(axis=0), rtol=1e-9, atol=1e-14)
