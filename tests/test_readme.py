"""README.md says what is so: its commands, settings, quoted lines, tests and snippet."""

import re

import pytest
from edited import SCRIPT

ROOT = SCRIPT.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SOURCE = SCRIPT.read_text(encoding="utf-8")
STEPS = (ROOT / "tests" / "step_by_step.py").read_text(encoding="utf-8")
SETTINGS = re.findall(r"(?m)^(\w+) = (.+?)  # ", SOURCE.split("# ---- Safety")[0])
ROWS = [line.strip("| ").split(" | ") for line in README.splitlines() if line.startswith("|")]


def codes(cell):
    """What stands between backquotes in a cell."""
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize(
    "command",
    ["pip install numpy && python min_char_rnn.py", "pip install numpy pytest && python -m pytest"],
)
def test_each_command_stands_on_a_line_of_its_own_in_both_languages(command):
    """They are copied from there, and run as they stand."""
    assert README.splitlines().count("    " + command) == 2


@pytest.mark.parametrize("name, default", SETTINGS)
def test_each_setting_is_in_the_tables_of_both_languages(name, default):
    """With the default that the script has."""
    assert len(SETTINGS) == 11
    assert [row[1] for row in ROWS if row[0] == f"`{name}`"] == [f"`{default}`"] * 2


def test_each_line_that_the_guides_quote_is_in_the_script():
    """The guides quote lines, not numbers; a line that changes in the script shows here."""
    quoted = [code for row in ROWS if row[0].startswith("**") for code in codes(row[0])]
    assert len(quoted) > 15
    assert [code for code in quoted if code not in SOURCE] == []


def test_the_gathered_form_is_beside_its_step_by_step_form():
    """The first column stands in tests/step_by_step.py, the second in the script."""
    table = README.split("| step by step | gathered")[1].split("\n\n")[0].splitlines()[2:]
    assert len(table) == 8
    for line in table:
        step, gathered = line.strip("| ").split(" | ")[:2]
        assert codes(step)[0] in STEPS
        assert gathered.startswith("stays") or codes(gathered)[0] in SOURCE


def test_each_test_that_is_named_exists():
    """A reader who looks for the proof finds it."""
    tests = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/test_*.py"))
    for name in set(re.findall(r"`(test_\w+)`", README)):
        assert f"def {name}(" in tests
    for path in set(re.findall(r"`(tests/\w+\.py)`", README)):
        assert (ROOT / path).is_file()


def test_each_message_that_is_explained_can_be_met():
    """The fixed words of the messages are the script's."""
    tables = re.split(r"\| (?:message|메시지) \|.*\n", README)[1:]
    rows = [line for table in tables for line in table.split("\n\n")[0].splitlines()[1:]]
    assert len(rows) == 15
    known = (
        "cannot be read|not UTF-8 at byte|characters; seq_length|it must be|lower learning_rate"
        "|not a checkpoint, or damaged|made with|cannot be written"
    ).split("|")
    for row in rows:
        words = [word for word in known if word in codes(row)[0]]
        assert len(words) == 1 and words[0] in SOURCE


def test_the_page_is_short_enough_to_stay_open():
    """Under 300 lines."""
    assert README.count("\n") < 300


def test_the_pytorch_snippet_runs_and_learns(tmp_path, monkeypatch, capsys):
    """Where PyTorch is installed: it learns as the script does, from 101.5 at the start."""
    pytest.importorskip("torch")
    snippet = re.search(r"```python\n(import torch\n.*?)```", README, re.DOTALL).group(1)
    monkeypatch.chdir(ROOT)
    exec(snippet.replace("range(2001)", "range(1001)"), {})
    loss = re.search(r"iter 1000, loss: (\S+)", capsys.readouterr().out).group(1)
    assert float(loss) < 90
