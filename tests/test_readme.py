"""README.md says what is so: commands, settings, quoted lines, files, messages, code, numbers."""

import json
import re
import sys

import numpy as np
import pytest
from helpers import SCRIPT, edited, imported, run

ROOT = SCRIPT.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ENGLISH, KOREAN = README.split("\n## 한국어\n")
SOURCE = SCRIPT.read_text(encoding="utf-8")
STEPS = (ROOT / "tests" / "step_by_step.py").read_text(encoding="utf-8")
SETTINGS = re.findall(r"(?m)^(\w+) = (.+?)  # ", SOURCE.split("# ---- Data")[0])
PROGRAMS = [p for p in re.findall(r"(?s)```python\n(.+?)```", README) if "min_char_rnn" in p]
halves = pytest.mark.parametrize("half", [ENGLISH, KOREAN], ids=["english", "korean"])


@halves
def test_each_command_has_a_block_of_its_own(half):
    """It is copied from there with one click, and runs as it stands."""
    for command in ["numpy && python min_char_rnn.py", "numpy pytest && python -m pytest"]:
        assert f"```sh\npip install {command}\n```\n" in half


@halves
@pytest.mark.parametrize("name, default", SETTINGS)
def test_each_setting_is_in_the_table_with_its_default(half, name, default):
    """As the script has it, in one cell or in two."""
    assert re.search(rf"\n\| `{name}(?: = |` \| `){re.escape(default)}` \| ", half)


@halves
def test_each_line_that_is_quoted_is_in_the_script(half):
    """In the reading guides on a line of its own; in the questions at the start of the answer."""
    quoted = re.findall(r"(?m)^`([^`]+)`(?:<br>)?$", half)
    assert quoted
    quoted += re.findall(r"</summary>\n\n`([^`]+)`:", half)
    assert [line for line in quoted if line not in SOURCE] == []


@halves
def test_the_gathered_form_stands_beside_the_step_by_step_form(half):
    """One of each pair is in tests/step_by_step.py, the other in the script."""
    pairs = re.findall(r"(?m)^(?:\| |- )`([^`]+)` (?:\||→) [^`|\n]*`([^`]+)`", half)
    pairs = [(step, gathered) for step, gathered in pairs if ".dot(" in step]
    assert pairs
    for step, gathered in pairs:
        assert step in STEPS and gathered in SOURCE


@halves
def test_each_message_that_is_explained_is_in_the_script(half):
    """Its fixed words are; dots, numbers and the checkpoint's name stand for what varies."""
    table = re.search(r"\| (?:message|메시지) \|.*\n.*\n((?:\|.*\n)+)", half).group(1)
    for message in re.findall(r"(?m)^\| `([^`]+)`", table):
        for words in re.split(r"…|\d+|\bnan\b|model\.npz", message):
            assert words.strip() in SOURCE, message


def test_each_file_and_section_that_is_named_exists():
    """A reader who follows a name or a link finds something there."""
    links = re.findall(r"\]\(([^)\s]+)\)", README)
    files = [link for link in links if ":" not in link and link[0] != "#"]
    for name in [*files, *re.findall(r"tests/\w+\.py", README)]:
        assert (ROOT / name).is_file(), name
    titles = [re.sub(r"[^\w\s-]", "", x).lower() for x in re.findall(r"(?m)^#+ (.+)$", README)]
    sections = {"#" + title.replace(" ", "-") for title in titles}
    assert {link for link in links if link[0] == "#"} <= sections


@pytest.mark.parametrize("code", PROGRAMS)
def test_each_program_runs_as_it_stands(tmp_path, monkeypatch, code):
    """Beside the script and, where the program loads one, a checkpoint."""
    text = (ROOT / "input.txt").read_text(encoding="utf-8")
    checkpoint = "model.npz" if ".load()" in code else None
    script = edited(tmp_path, text, max_iters=20, checkpoint=checkpoint)
    if checkpoint:
        assert run(script).returncode == 0
    (tmp_path / "program.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = run("program.py")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout


def test_the_step_by_hand_is_what_lossFun_computes(tmp_path):
    """Every number of the table, and the loss before and after Adagrad's first step."""
    page = ENGLISH.split("\n## One step by hand\n")[1].split("\n## ")[0].replace("−", "-")
    rnn = imported(edited(tmp_path, "aba", hidden_size=2, seq_length=2, dtype=np.float64))
    for name, value in re.findall(r"`(W\w\w)` = (\[\[.+?\]\])", page):
        getattr(rnn, name)[...] = json.loads(value)
    hprev = np.array([json.loads(re.search(r"`hprev` = (\[.+?\])", page).group(1))]).T
    before, inside = sys.getprofile(), {}

    def look(frame, event, arg):
        if event == "return" and frame.f_code.co_name == "lossFun":
            inside.update(frame.f_locals)

    sys.setprofile(look)
    loss, *gradients, _ = rnn.lossFun([0, 1], [1, 0], hprev)
    sys.setprofile(before)
    hs, dhs, dhraws = inside["hs"], inside["dhs"], inside["dhraws"]
    dhnexts = np.array([dhraws[1].dot(rnn.Whh), [0, 0]])
    expected = {"x": inside["xs"], "before tanh": np.arctanh(hs), "h": hs, "y": hs.dot(rnn.Why.T)}
    expected.update({"p": inside["ps"], "target": np.eye(2)[[1, 0]]})
    expected.update({"-log p": -inside["log_ps"][[0, 1], [1, 0]], "dy": inside["dys"]})
    expected.update({"through Why": dhs, "dhnext": dhnexts, "dh": dhs + dhnexts})
    expected.update({"slope": inside["slopes"], "dhraw": dhraws})
    expected.update(zip(["dWxh", "dWhh", "dWhy", "dbh", "dby"], gradients))
    rows = [line.strip("| ").replace("`", "").split(" | ") for line in page.splitlines()]
    rows = [row for row in rows if row[0] in expected]
    table = {name: json.loads(f"[{first}, {second}]") for name, first, second in rows}
    assert set(table) == set(expected)
    for name, values in expected.items():
        assert table[name] == pytest.approx(np.ravel(values), abs=0.00051), name
    for param, dparam in zip(rnn.params, gradients):
        param -= rnn.learning_rate * dparam / np.sqrt(dparam * dparam + 1e-8)
    after = rnn.lossFun([0, 1], [1, 0], hprev)[0]
    assert f"= {loss:.3f}" in page and f"costs {after:.3f}" in page
