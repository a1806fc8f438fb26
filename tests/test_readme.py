"""README.md says what is so: commands, settings, quoted lines, links, programs, figures."""

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from math import log, log2
from pathlib import Path
from unicodedata import normalize

import figures
import held_out
import numpy as np
import pytest
import step_by_step
from helpers import (
    DEFAULTS,
    PARAMETERS,
    ROOT,
    SCRIPT,
    load_random,
    load_script,
    parameters,
    record_calls,
    run,
    write_script,
)

README = (ROOT / "README.md").read_text(encoding="utf-8")
ENGLISH, KOREAN = README.split("\n## 한국어\n")
SOURCE = SCRIPT.read_text(encoding="utf-8")
BY_STEP = (ROOT / "tests/step_by_step.py").read_text(encoding="utf-8")
INPUT = ROOT / "input.txt"
SHIPPED = "55d39086f45011c5914ec84140b4321e54535c31d9720966017bed2cbd0af7f0"  # its SHA-256
TABLE = re.findall(r"(?m)^\| `(\w+)` \| `(.+?)` \|", KOREAN)  # settings and defaults
PROGRAMS = [code for code in figures.programs() if "min_char_rnn" in code]
ADDITIONS = [code for code in figures.programs() if "min_char_rnn" not in code]


def text_as_shipped():
    """The tales, or None where another text, or none, is in their place."""
    text = INPUT.read_bytes().replace(b"\r\n", b"\n") if INPUT.exists() else b""
    return text if hashlib.sha256(text).hexdigest() == SHIPPED else None


@pytest.fixture
def text():
    """Without the tales, the page's figures and programs have no meaning."""
    return text_as_shipped() or pytest.skip("input.txt is not as shipped")


def test_the_script_and_its_text_are_as_shipped():
    """The only test that fails where settings, text or encoding are edited, as one may.

    The others take copies with all of these set, or look at other lines."""
    assert text_as_shipped(), "input.txt is not as shipped"
    for name, default in TABLE:
        line = rf"(?m)^{name} = {re.escape(default)}(  #.*)?$"
        assert re.search(line, SOURCE), f"the script is not as shipped: {name} is edited"
    assert SOURCE.count('"utf-8-sig"') == 1  # what the page says to replace


def test_the_table_of_settings_has_all_of_them():
    """With the defaults from which the tests start."""
    assert [name for name, _ in TABLE] == list(DEFAULTS)
    rnn = load_script()
    for name, default in TABLE:
        assert eval(default, vars(rnn)) == DEFAULTS[name]


# ---- Commands, lines, links


def test_each_command_has_a_block_of_its_own():
    """It is copied from there with one click."""
    for command in ["numpy && python min_char_rnn.py", "numpy pytest && python -m pytest"]:
        assert f"```sh\npip install {command}\n```\n" in ENGLISH


def test_each_line_that_is_quoted_is_in_the_script():
    """A reader looks for the line as the page has it."""
    quoted = re.findall(r"(?m)^`([^`]+)`(?:<br>)?$", README)
    assert len(quoted) > 15
    assert [line for line in quoted if line not in SOURCE] == []


def test_each_line_that_is_compared_is_in_both_forms():
    """One step after the other on the left, all at once on the right."""
    pairs = re.findall(r"(?m)^- `([^`]+)` → `([^`]+)`$", KOREAN)
    assert len(pairs) == 10
    for left, right in pairs:
        assert left in BY_STEP
        assert f"    {right}" in SOURCE


def test_each_message_that_is_explained_is_one_of_the_script():
    """What a user finds in the table is what the program says."""
    table = KOREAN.split("### 메시지")[1].split("</details>")[0]
    messages = re.findall(r"(?m)^\| (`.+`) \|", table)
    assert len(messages) == 9
    for message in re.findall(r"`([^`]+)`", " ".join(messages)):
        for part in message.split("…"):
            assert part.strip() in SOURCE, message


def test_each_file_and_section_that_is_named_exists():
    """Whoever follows a name or a link finds something there."""
    links = set(re.findall(r"\]\(([^)\s]+)\)", README))
    titles = re.findall(r"(?m)^#+ (.+)$", re.sub(r"(?s)```.*?```", "", README).lower())
    anchors = {"#" + re.sub(r"[^\w -]", "", title).replace(" ", "-") for title in titles}
    for link in links:
        if link.startswith("#"):
            assert link in anchors
        elif ":" not in link:
            assert (ROOT / link).is_file()
    for name in re.findall(r"tests/\w+\.py", README):
        assert (ROOT / name).is_file()


# ---- Equations

EQUATIONS = ENGLISH.split("```text\nForward, ")[1].split("```")[0]
ROWS = {}  # each equation, by its left side
for line in EQUATIONS.splitlines():
    if " = " in line:
        ROWS[line.split(" = ")[0]] = re.split(r"   +", line)[0]


def as_python(equation):
    """The equation as code: what stands side by side is multiplied, as matrices are."""
    left, right = equation.split(" = ")
    term = right.replace("sum over t of ", "").replace(", less 1 at the", " -")
    term = term.replace("- target", "- target[t]")
    term = term.replace("p[t][target]", "(p[t].T @ target[t]).item()")
    term = re.sub(r"([\w.]*\w\]?(?:\.T)?) (?=[a-zA-Z]+(\[|\.T))", r"\1 @ ", term)
    if "sum over t" in right:
        term = f"sum([{term} for t in range(T)])"
    return f"{left} = {term}"


def test_the_equations_of_the_page_are_those_of_lossFun():
    """They are carried out as they stand there, one after the other."""
    rnn = load_random(scale=0.9)
    T = 4
    inputs, targets = np.random.default_rng(0).integers(0, 5, (2, T)).tolist()
    hprev = np.full((6, 1), 0.3)
    eye = np.eye(5)
    values = dict(zip(PARAMETERS, parameters(rnn)), T=T)
    values.update(tanh=np.tanh, exp=np.exp, log=np.log, sum=lambda a: np.sum(a, axis=0))
    values.update(x={t: eye[:, [ix]] for t, ix in enumerate(inputs)})
    values.update(target={t: eye[:, [ix]] for t, ix in enumerate(targets)})
    values.update(h={-1: hprev}, y={}, p={}, dy={}, dh={}, dhraw={T: np.zeros((6, 1))})

    biases = "dbh, dby = sums over t of dhraw[t], dy[t]"
    rows = {
        **ROWS,
        "dbh": "dbh = sum over t of dhraw[t]",
        "dby": "dby = sum over t of dy[t]",
    }
    assert rows.pop(biases.split(" = ")[0]) == biases
    forward = ["h[t]", "y[t]", "p[t]"]
    backward = ["dy[t]", "dh[t]", "dhraw[t]"]
    for steps, chosen in [(range(T), forward), (reversed(range(T)), backward)]:
        for t in steps:
            for name in chosen:
                exec(as_python(rows[name]), {**values, "t": t})
    for name in rows.keys() - {*forward, *backward}:
        exec(as_python(rows[name]), values)
    names = ["loss", "dWxh", "dWhh", "dWhy", "dbh", "dby"]
    for name, expected in zip(names, rnn.lossFun(inputs, targets, hprev)):
        np.testing.assert_allclose(values[name], expected, rtol=1e-12, atol=1e-12)


def test_the_equations_are_the_same_word_for_word_wherever_they_stand():
    """In the page's block, in the script's docstring and in the Korean part."""
    for name in ["h[t]", "y[t]", "p[t]", "loss"]:
        assert f"    {ROWS[name]}  " in SOURCE
    for name in ["h[t]", "y[t]", "p[t]", "dh[t]", "dhraw[t]"]:
        assert f"\n{ROWS[name]}\n" in KOREAN
    update = "param += -learning_rate * dparam / {}sqrt(mem + 1e-8)"
    assert "\nmem += dparam * dparam " in EQUATIONS
    assert f"\n{update.format('')}\n" in EQUATIONS
    assert update.format("np.") in SOURCE


def test_the_numbers_under_the_korean_equations_are_those_of_the_example():
    """As `python tests/step_by_step.py` prints them."""
    printed = run(step_by_step.__file__).stdout
    sections = re.findall(r"\n(\w+, step 0\n(?:  .*\n)+)", printed)
    assert len(sections) == 2
    assert all(section in KOREAN for section in sections)


# ---- Programs


@pytest.mark.parametrize("program", PROGRAMS, ids=["opening"])
def test_the_program_writes_as_the_text_does(text, program):
    """With the shipped settings and what is named beside it, nothing else.

    After 3,000 iterations its letters come about as often as the text's: half the sum of
    what their shares differ by is 0.05 to 0.06, and 0.58 where all are equally likely."""
    assert '`checkpoint = "model.npz"`' in README.split(".load()")[0][-300:]
    assert run(write_script(text, max_iters=3000, checkpoint="model.npz")).returncode == 0
    Path("program.py").write_text(program.replace(", 100)", ", 4000)"), encoding="utf-8")
    result = run("program.py")
    assert (result.returncode, result.stderr) == (0, "")
    opening = re.search('text = "(.+)"', program)[1]
    assert result.stdout.startswith(opening)
    written = Counter(result.stdout[len(opening) : -1])
    tales = text.decode()
    chars = Counter(tales)
    shares = [abs(written[ch] / 4000 - chars[ch] / len(tales)) for ch in chars]
    assert sum(shares) / 2 < 0.2


def test_an_opening_may_have_one_letter(text):
    """The program does not fail where there is nothing to read before it."""
    assert run(write_script(text, max_iters=20, checkpoint="model.npz")).returncode == 0
    (program,) = PROGRAMS
    result = run("-c", re.sub('text = ".+"', 'text = "T"', program))
    assert (result.returncode, result.stderr) == (0, "")
    assert len(result.stdout) == 102


def with_addition(lines, text, **settings):
    """A copy of the script with these lines of the page where it says to put them."""
    script = write_script(text, **settings)
    source = script.read_text(encoding="utf-8")
    place = "if len(data) <= seq_length:"
    assert source.count(f"\n{place}\n") == 1 and f"`{place}`" in README
    script.write_text(source.replace(place, f"\n{lines}{place}"), encoding="utf-8")
    return script


@pytest.mark.parametrize("lines", ADDITIONS, ids=["words", "jamo"])
def test_each_addition_can_be_put_where_the_page_says(lines):
    """Words are learnt instead of characters; jamo are joined to syllables."""
    text = normalize("NFD", "안녕하세요. 나는 글을 배웁니다. ") * 20
    result = run(with_addition(lines, text, max_iters=1))
    assert (result.returncode, result.stderr) == (0, "")
    units = int(re.search(r"data has (\d+) ", result.stdout)[1])
    assert units < len(text)


def test_a_text_of_too_few_words_is_refused_in_one_line():
    """The check counts what is learnt from."""
    words, _ = ADDITIONS
    result = run(with_addition(words, "some twenty words " * 4))
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such shell")
def test_the_command_for_several_seeds_gives_a_line_each():
    """As it stands on the page, once max_iters is set."""
    command = re.search("`(for s in .+)`", README)[1]
    command = command.replace("python -", f'"{sys.executable}" -')
    write_script(max_iters=20)
    result = subprocess.run(["bash", "-c", command], capture_output=True, encoding="utf-8")
    assert re.sub("loss: .*", "", result.stdout) == "stopped at iter 20, \n" * 3
    assert len(set(result.stdout.splitlines())) == 3


# ---- held_out.py


def test_held_out_learns_nothing_of_the_rest():
    """What follows the cut is measured, and must not have been seen."""
    rnn = load_script("ab" * 90 + "cd" * 60, max_iters=1, sample_every=10**9)
    calls = record_calls(rnn, "lossFun")
    held_out.learn(rnn, 180, 30)
    seen = {ix for (inputs, targets, _), _ in calls for ix in inputs + targets}
    assert {rnn.ix_to_char[ix] for ix in seen} == {"a", "b"}
    assert len(calls) == 30
    assert len(rnn.data) == 300  # all of it is there again


def test_held_out_guesses_the_rest_from_all_that_is_before():
    """Its bits are what the whole text costs, less what the part before the cut costs."""
    rnn = load_random()  # 300 characters
    ixs = [rnn.char_to_ix[ch] for ch in rnn.data]
    whole, before = [rnn.lossFun(ixs[: n - 1], ixs[1:n], rnn.bh * 0)[0] for n in (300, 270)]
    expected = (whole - before) / 30 / log(2)
    assert held_out.network_bits(rnn, 270) == pytest.approx(expected, rel=1e-9)


def test_the_page_gives_what_counting_reaches(text):
    """Counting has no luck in it, and takes a second."""
    rnn = load_script(text)
    bits = held_out.counting_bits(rnn, rnn.data_size * 9 // 10)
    counts = [f"{each:.2f}" for each in bits]
    assert f"gives {', '.join(counts[:-1])} and {counts[-1]} bits" in ENGLISH


# ---- Figures


def test_the_run_that_is_shown_begins_as_shown(text):
    """`python tests/figures.py run` repeats all of it; its beginning takes a second.

    What is drawn before anything is learnt is the same to the letter everywhere."""
    text = text.decode("utf-8")
    assert figures.block(0, text) in ENGLISH
    title = figures.block(1000, text).split("\n")[0]
    assert f"\n{title}\n" in ENGLISH


def test_each_figure_of_the_text_is_right(text):
    """What follows from the text or the script follows it when it changes."""
    rnn = load_script(text)
    vocab_size, size = rnn.vocab_size, sum(param.size for param in parameters(rnn))
    assert f"{vocab_size} characters" in ENGLISH
    assert f"(2^{log2(vocab_size):.2f} = {vocab_size})" in ENGLISH
    assert f"{size:,}개" in KOREAN and f"\n2. {size:,}: " in ENGLISH
    assert f"{rnn.Whh.size:,}, `Wxh` and `Why` {rnn.Wxh.size:,} each" in ENGLISH
    assert f"ln {vocab_size} × 25 = {log(vocab_size) * 25:.1f}" in KOREAN
    windows = range(0, rnn.data_size - 26, 25)
    assert f"{len(windows):,} iterations" in ENGLISH
    left = rnn.data_size - windows[-1] - 25
    assert f"`input.txt`에서는 {left}개와 {left - 1}개다" in KOREAN
    bits = float(re.findall(r"(?m)^(.+) bits #+ 100,000 it", ENGLISH)[0])
    passes = 100_000 / len(range(0, rnn.data_size - 51, 50))
    assert f"one among {2**bits:.1f}, on a text read {int(passes)} times" in ENGLISH
    load_script(text, max_iters=1, checkpoint="model.npz").train()
    assert f"some {round(os.path.getsize('model.npz'), -4) // 1000} KB" in ENGLISH


def test_each_share_in_smooth_loss_is_right():
    """A moving average forgets by the factor 0.999."""
    new = [1 - 0.999**n for n in (100, 200)]
    assert f"1 − 0.999^100 = {new[0]:.4f}" in KOREAN
    assert f"\n7. {100 * new[1]:.1f}%" in KOREAN
    assert f"\n16. {100 * new[0]:.1f}%, 1 - 0.999^100.\n" in ENGLISH
    for language in ENGLISH, KOREAN:
        assert f" {100 * 0.999**1000:.0f}%" in language


def adagrad(gradients, start):
    """The memory after each of these gradients, and by how much the parameter moves."""
    mems = start + np.cumsum(np.square(gradients))
    return mems, -0.1 * np.array(gradients) / np.sqrt(mems + 1e-8)


def test_adagrads_table_follows_from_its_first_column():
    """Both starts, each number."""
    rows = re.findall(r"(?m)^\| ([−\d.]+) \| (.+) \| (.+) \| (.+) \|$", KOREAN)
    assert len(rows) == 3

    def numbers(cell):
        return [float(part.replace("−", "-")) for part in cell.split(", ")]

    for gradient, mems, from_0, from_10 in rows:
        gradients = numbers(gradient) * 3
        np.testing.assert_allclose(numbers(mems), adagrad(gradients, 0)[0], rtol=1e-9)
        for cell, start in [(from_0, 0), (from_10, 10)]:
            digits = len(cell.split(",")[0].split(".")[1])
            taken = np.round(adagrad(gradients, start)[1], digits)
            assert numbers(cell) == taken.tolist()


def test_each_step_of_adagrad_in_a_sentence_is_right():
    """In the answers, and in what is said of the commentary."""

    def last(gradients, start):
        return abs(adagrad(gradients, start)[1][-1])

    first = [f"{last([g], 0):.3g}" for g in (3, 0.5, 0.00001)]
    assert first == ["0.1", "0.1", "0.00995"]
    assert f"\n17. {first[0]}, {first[1]} and {first[2]}," in ENGLISH
    assert f"From 10, {last([3], 10):.3g} and {last([0.01], 10):.3g}.\n" in ENGLISH
    assert f"첫 이동폭이 {first[2]}에 그친다" in KOREAN
    assert f"0.1 × 0.01 / 5 = {last([5, 0.01], 0):.1g}다" in KOREAN
    assert f"\n9. {0.1 * 5 / 1e-8**0.5:,.0f}이다." in KOREAN  # before mem has grown
    assert f"−5의 이동폭은 {last([5] * 3, 10) / last([5], 10):.2f}배가 되고" in KOREAN
    hundredth = [[last([g] * 100, start) for g in (5, 0.03)] for start in (0, 10)]
    assert [round(each, 5) for each in hundredth[0]] == [0.01, 0.01]
    small, large = (f"{each:.5f}" for each in sorted(hundredth[1]))
    assert f"\n13. 둘 다 0.01이다. 10에서 시작하면 {large}과 {small}다.\n" in KOREAN


def test_what_is_left_out_at_the_end_of_a_text_is_as_said():
    """Seen in texts of 27 to 100 different characters, whose indices are their places."""
    unread, unguessed = {}, {}
    for size in range(27, 101):
        text = "".join(chr(0x4E00 + i) for i in range(size))
        rnn = load_script(text, hidden_size=1, max_iters=5, sample_every=10**9)
        calls = record_calls(rnn, "lossFun")
        rnn.train()
        unread[size] = size - 1 - max(max(inputs) for (inputs, _, _), _ in calls)
        unguessed[size] = size - 1 - max(max(targets) for (_, targets, _), _ in calls)
        if size == 76:
            assert {inputs[0] for (inputs, _, _), _ in calls} == {0, 25}
    assert set(unread.values()) == set(range(2, 27))
    assert set(unguessed.values()) == set(range(1, 26))
    assert unguessed[76] == 25
    assert "끝의 2~26개 글자는 입력이, 1~25개 글자는 정답이 되지 못한다" in KOREAN
    assert "\n2. 맨 처음 글자 하나와 끝의 25글자다." in KOREAN
    assert "the last 1 to `seq_length` characters are never guessed" in ENGLISH
    assert "\n20. The first one, which nothing comes before, and the last 25." in ENGLISH
