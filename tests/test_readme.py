"""README.md: its programs, quoted lines, links and settings; and held_out.py.

Its two commands are run by .ci/run."""

import re
from math import exp, log
from pathlib import Path
from unicodedata import normalize

import held_out
import pytest
import step_by_step
from helpers import (
    README,
    ROOT,
    SCRIPT,
    execute,
    import_copy,
    import_random,
    parameters,
    programs,
    record_calls,
    reported_end,
    run_python,
    settings_table,
    write_copy,
)

CODE = [line.split("  #")[0] for line in SCRIPT.read_text(encoding="utf-8").splitlines()]
COMMENTARY = README.split("\n### 주해와 나란히 읽기\n")[1].split("\n### ")[0]
QUOTED = r"(?m)^`([^`]+)`(?:<br>)?$"


def test_the_table_has_each_setting_in_the_scripts_order():
    """Another default there than in the script makes tests skip, which .ci/run refuses."""
    table = [name for name, _ in settings_table()]
    start, end = CODE.index("import numpy as np"), CODE.index("try:")
    assigned = [re.match(r"(\w+) *=", line) for line in CODE[start:end]]
    assert table == [match[1] for match in assigned if match]


def test_each_quoted_line_is_a_line_of_the_script():
    """A reader looks for the line as the page has it."""
    quoted = re.findall(QUOTED, README)
    assert len(quoted) > 15
    lines = [line.strip() for line in CODE]
    assert [line for line in quoted if line not in lines] == []


def test_the_main_loop_has_the_commentarys_lines_in_its_order():
    """Whoever reads them side by side goes from top to bottom, never back."""
    start = CODE.index("    while running:")
    loop = [line.strip() for line in CODE[start : CODE.index("        n += 1", start)]]
    rest = iter(loop)
    quoted = [line for line in re.findall(QUOTED, COMMENTARY) if line in loop]
    assert len(quoted) > 10
    assert all(line in rest for line in quoted)  # each behind the one before


def test_each_file_and_heading_that_is_linked_exists():
    """Whoever follows a name or a link finds something there."""
    titles = re.findall(r"(?m)^#+ (.+)$", re.sub(r"(?s)```.*?```", "", README).lower())
    anchors = {re.sub(r"[^\w -]", "", title).replace(" ", "-") for title in titles}
    for link in re.findall(r"\]\(([^)\s]+)\)", README):
        if link.startswith("#"):
            assert link[1:] in anchors
        elif ":" not in link:
            assert (ROOT / link).is_file()
    for name in re.findall(r"tests/\w+\.py", README):
        assert (ROOT / name).is_file()


def test_the_run_that_is_shown_begins_as_shown(shipped_text):
    """The lines that are the same with every processor."""
    printed = run_python(write_copy(shipped_text, own_settings=True, max_iters=1)).stdout
    lines = re.findall("(?m)^(?:data has|iter 0,) .*", printed)
    assert len(lines) == 2
    assert all(f"\n{line}\n" in README for line in lines)


def test_the_program_goes_on_from_an_opening(shipped_text):
    """From the state that the opening leaves, and with the perplexity of its guesses."""
    (program,) = programs("min_char_rnn")
    settings = dict(own_settings=True, checkpoint="model.npz", max_iters=300)
    import_copy(shipped_text, **settings).train()
    result = run_python("-c", program)
    assert (result.returncode, result.stderr) == (0, "")
    rnn = execute(Path("min_char_rnn.py"))
    _, _, h, _ = rnn.load()
    opening = re.search('text = "(.+)"', program)[1]
    ixs = [rnn.char_to_ix[ch] for ch in opening]
    form = step_by_step.loss_and_gradients(ixs[:-1], ixs[1:], h, *parameters(rnn))
    first, text = result.stdout.split("\n", 1)
    perplexity = exp(form[0] / (len(opening) - 1))
    assert float(first.split(": ")[1]) == pytest.approx(perplexity, rel=1e-4)
    written = rnn.sample(form[-1].astype(rnn.dtype), ixs[-1], 100)
    assert text == opening + "".join(rnn.ix_to_char[ix] for ix in written) + "\n"


@pytest.mark.parametrize("word", [r"\w", "NFC"], ids=["words", "jamo"])
def test_each_addition_can_be_put_where_the_page_says(word):
    """Words are learnt instead of characters; jamo are joined to syllables."""
    (lines,) = programs(word)
    text = normalize("NFD", "나는 글을 배웁니다. ") * 40
    script = write_copy(text)
    place = "\nif len(data) <= seq_length:\n"
    source = script.read_text(encoding="utf-8")
    assert source.count(place) == 1 and f"`{place.strip()}`" in README
    script.write_text(source.replace(place, f"\n{lines}{place}"), encoding="utf-8")
    printed = run_python(script).stdout
    assert int(re.search(r"data has (\d+) ", printed)[1]) < len(text)
    assert reported_end(printed)[0] == 9


def test_the_losses_of_a_log_can_be_plotted():
    """The library that draws is replaced by one that says what it is to draw."""
    Path("log.txt").write_text(run_python(write_copy()).stdout)
    Path("matplotlib").mkdir()
    Path("matplotlib/__init__.py").touch()
    Path("matplotlib/pyplot.py").write_text("plot = print\nsavefig = print\n")
    (program,) = programs("matplotlib")
    losses, name = run_python("-c", program).stdout.splitlines()
    assert len(losses.split(",")) == 3 and name == "loss.png"  # at 0, 4 and 8


def test_held_out_learns_nothing_of_the_rest():
    """What follows the cut is measured, and must not have been seen."""
    rnn = import_copy("ab" * 90 + "cd" * 60)
    calls = record_calls(rnn, "lossFun")
    held_out.learn(rnn, 180, 30)
    seen = {ix for (inputs, targets, _), _ in calls for ix in inputs + targets}
    assert {rnn.ix_to_char[ix] for ix in seen} == {"a", "b"}
    assert (len(calls), len(rnn.data)) == (30, 300)


def test_held_out_guesses_the_rest_from_all_that_is_before():
    """Its bits are what the whole text costs, less what the part before the cut costs."""
    rnn = import_random()  # 300 characters
    ixs = [rnn.char_to_ix[ch] for ch in rnn.data]
    whole, before = [rnn.lossFun(ixs[: n - 1], ixs[1:n], rnn.bh * 0)[0] for n in (300, 270)]
    expected = (whole - before) / 30 / log(2)
    assert held_out.network_bits(rnn, 270) == pytest.approx(expected, rel=1e-9)
