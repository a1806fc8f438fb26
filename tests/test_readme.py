"""README.md says what is so: commands, settings, quoted lines, links, programs, figures."""

import re
from math import log2

import pytest
from helpers import SCRIPT, edited, imported, run

ROOT = SCRIPT.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ENGLISH, KOREAN = README.split("\n## 한국어\n")
SOURCE = SCRIPT.read_text(encoding="utf-8")
SETTINGS = re.findall(r"(?m)^(\w+) = (.+?)  # ", SOURCE.split("# ---- Data")[0])
BLOCKS = re.findall(r"(?s)```python\n(.+?)```", README)
PROGRAMS = [code for code in BLOCKS if "min_char_rnn" in code]


def test_each_command_has_a_block_of_its_own():
    """It is copied from there with one click."""
    for command in ["numpy && python min_char_rnn.py", "numpy pytest && python -m pytest"]:
        assert f"```sh\npip install {command}\n```\n" in ENGLISH


@pytest.mark.parametrize("name, default", SETTINGS)
def test_each_setting_is_in_both_tables_with_its_default(name, default):
    """Readers look the settings up in their own language."""
    assert f"\n| `{name} = {default}` | " in ENGLISH
    assert f"\n| `{name}` | `{default}` | " in KOREAN


def test_each_line_that_is_quoted_is_in_the_script():
    """A reader looks for the line as the page has it."""
    quoted = re.findall(r"(?m)^`([^`]+)`(?:<br>)?$", README)
    assert quoted and [line for line in quoted if line not in SOURCE] == []


def test_each_file_and_section_that_is_named_exists():
    """Whoever follows a name or a link finds something there."""
    links = set(re.findall(r"\]\(([^)\s]+)\)", README))
    titles = re.findall(r"(?m)^#+ (.+)$", re.sub(r"(?s)```.*?```", "", README).lower())
    anchors = {"#" + re.sub(r"[^\w -]", "", title).replace(" ", "-") for title in titles}
    files = {x for x in links if ":" not in x} - anchors  # a lost anchor is no file
    for name in files.union(re.findall(r"tests/\w+\.py", README)):
        assert (ROOT / name).is_file(), name


@pytest.mark.parametrize("code", PROGRAMS)
def test_each_program_runs_with_the_defaults_and_what_is_named_beside_it(tmp_path, code):
    """Nobody is told to set more than the page says."""
    text, named = (ROOT / "input.txt").read_bytes(), {}
    if ".load()" in code:
        assert '`checkpoint = "model.npz"`' in README.split(code)[0][-300:]
        named = {"checkpoint": "model.npz"}
        assert run(edited(tmp_path, text, max_iters=100, **named)).returncode == 0
    program = edited(tmp_path, text, **named).with_name("program.py")
    program.write_text(code, encoding="utf-8")
    result = run(program)
    assert result.returncode == 0 and result.stdout and not result.stderr


@pytest.mark.parametrize("code", [code for code in BLOCKS if code not in PROGRAMS])
def test_each_other_block_can_be_put_above_chars(tmp_path, code):
    """The page says to put these lines there."""
    script, above = edited(tmp_path, max_iters=1), b"\nchars = sorted(set(data))\n"
    script.write_bytes(script.read_bytes().replace(above, b"\n" + code.encode() + above))
    assert run(script).returncode == 0


def test_figures_that_can_be_computed():
    """A figure that follows from the script follows it when it changes."""
    rnn = imported(SCRIPT)
    for figure in [f"{log2(rnn.vocab_size):.2f}", f"{sum(p.size for p in rnn.params):,}"]:
        assert figure in README
    shares = [1 - 0.999**100, 100 - 100 * 0.999**100]  # of 100 losses in the printed one
    assert any(f"{share:.3g}" in README for share in shares)
    counts = re.findall(r"counts .*: (.+)", run(ROOT / "tests/held_out.py", "20").stdout)
    assert f"gives {', '.join(counts[:-1])} and {counts[-1]} bits" in ENGLISH
