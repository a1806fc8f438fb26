"""What people do to a script: wrong settings, odd texts, Ctrl-C, closed pipes."""

import os
import re
import runpy
import sys
from io import StringIO

import numpy as np
import pytest
from helpers import TEXT, edited, imported, refusal, run

KOREAN = "안녕하세요. 나는 글자를 하나씩 읽고 다음 글자를 배웁니다.\n" * 30
COUNT, NUMBER = [0, -3, 2.5, "10", float("nan")], [0, -0.1, float("nan"), "0.1"]
WRONG = dict.fromkeys(["hidden_size", "seq_length", "sample_every", "sample_length"], COUNT)
WRONG.update(learning_rate=NUMBER, temperature=NUMBER, adagrad_start=NUMBER[1:])
RIGHT = dict(input_file=["other.txt"], learning_rate=[1, 1e-30, np.float32(0.1)])
RIGHT.update(hidden_size=[1, np.int64(5)], seq_length=[1, len(TEXT) - 1, np.int64(5)])
RIGHT.update(adagrad_start=[0, 10.0, np.float32(0.1)], temperature=[7, 1e-300])
RIGHT.update(sample_every=[1, np.int64(5)], sample_length=[1, np.int64(5)], max_iters=[1])
RIGHT.update(checkpoint=["model.npz", "no_ending"], dtype=[np.float64], seed=[0, 123456789])


@pytest.mark.parametrize("setting", WRONG)
def test_a_wrong_setting_is_named_with_its_value(tmp_path, setting):
    """The script would go on with nonsense, or fail with a riddle far below."""
    for value in WRONG[setting]:
        line = refusal(imported, edited(tmp_path, **{setting: value}))
        assert setting in line and repr(value) in line


@pytest.mark.parametrize("setting", RIGHT)
def test_changing_any_one_setting_works(tmp_path, capsys, setting):
    """The settings are the interface; and a number may be one of NumPy's."""
    (tmp_path / "other.txt").write_text(TEXT)
    for value in RIGHT[setting]:
        settings = {"max_iters": 7, "sample_every": 3, setting: value}
        imported(edited(tmp_path, **settings)).train()
        end = rf"\niter 0, loss: \d.*\n(.*\n)+stopped at iter {settings['max_iters']}, "
        assert re.search(end, capsys.readouterr().out)


def test_a_text_that_cannot_be_used_is_named(tmp_path):
    """The line gives its path, and what is wrong with it, in the system's words."""
    path, short = tmp_path / "input.txt", b"a" * 25
    said = {None: "No such file", b"": " 0 .*26", short: " 25 .*26", b"a\xff" * 99: "codec"}
    for text, words in said.items():
        line = refusal(imported, edited(tmp_path, text))
        assert str(path) in line and re.search(words, line)
    path.unlink()
    path.mkdir()
    assert str(path) in refusal(imported, edited(tmp_path, None))


@pytest.mark.parametrize("text", ["a" * 60, "ab\0" * 30, "a😀 é" * 20, KOREAN], ids=ascii)
def test_any_characters_are_learnt_and_carried_on(tmp_path, capsys, text):
    """One character only, NUL, emoji, Hangul: a character is a character."""
    for n in 20, 30:
        imported(edited(tmp_path, text, max_iters=n, checkpoint="model.npz")).train()
    printed = capsys.readouterr().out
    assert f"data has {len(text)} characters, {len(set(text))} unique.\n" in printed
    assert "carrying on from model.npz at iter 20\n" in printed


def test_line_ends_are_newlines_and_the_byte_order_mark_is_dropped(tmp_path):
    """A text saved on Windows is the same text."""
    text = b"\xef\xbb\xbf" + b"one\r\ntwo\rthree\n\r\n" * 9
    assert imported(edited(tmp_path, text)).data == "one\ntwo\nthree\n\n" * 9


def test_the_text_is_utf8_and_a_poor_terminal_shows_question_marks(tmp_path):
    """Not as the system's locale has it; and the file is looked up beside the script."""
    env = dict(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    result = run(edited(tmp_path, KOREAN, max_iters=5), PYTHONIOENCODING="ascii", **env)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"{len(KOREAN)} characters, {len(set(KOREAN))} unique" in result.stdout
    assert result.stdout.isascii() and "?" in result.stdout


def test_a_notebook_can_import_it_and_run_it(tmp_path, monkeypatch):
    """An import prints and trains nothing; the output is no terminal and no file."""
    monkeypatch.setattr(sys, "stdout", StringIO())
    script = edited(tmp_path, max_iters=7)
    assert not imported(script).mWxh.any() and sys.stdout.getvalue() == ""
    runpy.run_path(str(script), run_name="__main__")
    assert "\nstopped at iter 7, " in sys.stdout.getvalue()


def test_a_mistake_of_the_readers_own_shows_pythons_traceback(tmp_path):
    """Nothing hides it: Python names the line."""
    result = run(edited(tmp_path, max_iters="10", checkpoint="model.npz"))
    assert result.returncode == 1 and result.stderr.startswith("Traceback")
    assert "TypeError" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("command", ["", "| tee /dev/null", "| head -n 9"])
def test_ctrl_c_and_head_end_the_run_quietly(tmp_path, capfd, command):
    """In a terminal, which sends Ctrl-C to tee, too. Lines come at once, before a save."""
    pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminal")
    script = edited(tmp_path, max_iters=20000, sample_every=1000, checkpoint="model.npz")
    path, seen, presses = tmp_path / "model.npz", [], [b"\x03"] * ("head" not in command)

    def read(terminal):
        seen.append(path.exists())
        if presses and seen[-1]:
            os.write(terminal, presses.pop())
        return os.read(terminal, 4096)

    status = pty.spawn(["bash", "-c", f'"{sys.executable}" "{script}" {command}'], read)
    printed = capfd.readouterr().out
    assert printed.startswith("data has ") and (status == 0 or "tee" in command)
    assert not seen[0] and not re.search("Traceback|Interrupt|Error|stopped", printed)
    assert imported(script).load()[0] % 1000 == 0 and len(os.listdir(tmp_path)) == 3
