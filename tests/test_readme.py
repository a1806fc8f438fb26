"""README.md says what is so: commands, settings, quoted lines, links, programs, figures."""

import hashlib
import re
from math import log, log2
from pathlib import Path

import figures
import pytest
from helpers import DEFAULTS, ROOT, SCRIPT, edited, imported, parameters, run

README = (ROOT / "README.md").read_text(encoding="utf-8")
ENGLISH, KOREAN = README.split("\n## 한국어\n")
SOURCE = SCRIPT.read_text(encoding="utf-8")
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
    """The only test that fails where the settings or the text are edited, as one may.

    The others take copies with every setting set, or look at lines that are no settings."""
    assert text_as_shipped(), "input.txt is not as shipped"
    for name, default in TABLE:
        line = rf"(?m)^{name} = {re.escape(default)}(  #.*)?$"
        assert re.search(line, SOURCE), f"the script is not as shipped: {name} is edited"


def test_the_table_of_settings_has_all_of_them():
    """With the defaults from which the tests start."""
    assert [name for name, _ in TABLE] == list(DEFAULTS)
    rnn = imported()
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
    by_step = (ROOT / "tests/step_by_step.py").read_text(encoding="utf-8")
    pairs = re.findall(r"(?m)^- `([^`]+)` → `([^`]+)`$", KOREAN)
    assert len(pairs) == 8
    for left, right in pairs:
        assert left in by_step
        assert f"    {right}" in SOURCE


def test_each_message_that_is_explained_is_one_of_the_script():
    """What a user finds in the table is what the program says."""
    table = KOREAN.split("### 메시지")[1]
    messages = re.findall(r"`([^`]+)`", " ".join(re.findall(r"(?m)^\|(.+?)\|", table)))
    assert len(messages) > 8
    for message in messages:
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


# ---- Programs


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_runs_with_the_defaults_and_what_is_named_beside_it(text, program):
    """Nobody is told to set more than the page says."""
    settings = {}
    if ".load()" in program:
        assert '`checkpoint = "model.npz"`' in README.split(".load()")[0][-300:]
        settings = dict(checkpoint="model.npz")
        assert run(edited(text, max_iters=100, **settings)).returncode == 0
    edited(text, **settings)
    Path("program.py").write_text(program, encoding="utf-8")
    result = run("program.py")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout


@pytest.mark.parametrize("lines", ADDITIONS)
def test_each_addition_can_be_put_above_chars(lines):
    """The page says to put these lines there."""
    script = edited(max_iters=1)
    source = script.read_text(encoding="utf-8")
    chars = "\nchars = sorted(set(data))\n"
    assert source.count(chars) == 1
    script.write_text(source.replace(chars, f"\n{lines}{chars}"), encoding="utf-8")
    assert run(script).returncode == 0


# ---- Figures


def test_the_run_that_is_shown_begins_as_shown(text):
    """`python tests/figures.py run` repeats all of it; its beginning takes a second.

    What is drawn before anything is learnt is the same to the letter everywhere."""
    text = text.decode("utf-8")
    assert figures.block(0, text) in ENGLISH
    title = figures.block(1000, text).split("\n")[0]
    assert f"\n{title}\n" in ENGLISH


def test_each_figure_that_can_be_computed_is_right(text):
    """A figure that follows from the text or the script follows it when it changes."""
    rnn = imported(text)
    assert f"{rnn.vocab_size} characters" in ENGLISH
    assert f"{log2(rnn.vocab_size):.2f} bits" in ENGLISH
    assert f"{sum(param.size for param in parameters(rnn)):,}개" in KOREAN
    assert f"log({rnn.vocab_size}) × 25 = {log(rnn.vocab_size) * 25:.1f}" in KOREAN
    assert f"1 − 0.999^100 = {1 - 0.999**100:.4f}" in KOREAN
    for language in ENGLISH, KOREAN:
        assert re.search(rf"{100 * 0.999**1000:.0f} ?%", language)
    windows = range(0, rnn.data_size - 26, 25)
    assert f"{len(windows):,} iterations" in ENGLISH


def test_the_page_gives_what_counting_reaches(text):
    """Counting has no luck in it, and takes a second."""
    folder = figures.prepared(text)
    printed = figures.output("tests/held_out.py", "20", folder=folder)
    counts = re.findall(r"counts .*: (.+)", printed)
    assert len(counts) == 5
    assert f"gives {', '.join(counts[:-1])} and {counts[-1]} bits" in ENGLISH
