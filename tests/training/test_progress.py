import os
import subprocess
import sys

import pytest

from tests.support.running import REPOSITORY
from training.progress import show_steps

PROGRAM = """
from training.progress import say, show_steps
with show_steps("cross-validation", 2) as advance:
    advance()
    advance()
say("done")
"""


def test_a_terminal_sees_a_bar() -> None:
    ours, theirs = os.openpty()
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=REPOSITORY, stderr=theirs, check=True)
    os.close(theirs)
    output = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "2/2" in output
    assert "\x1b[" in output


def test_a_log_gets_plain_lines() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines() == [
        "cross-validation: 1 of 2",
        "cross-validation: 2 of 2",
        "done",
    ]
    assert done.stdout == ""


def test_a_log_gets_at_most_twenty_lines_of_many_steps(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with show_steps("rounds", 45) as advance:
        for _ in range(45):
            advance()
    lines = capsys.readouterr().err.splitlines()
    assert (len(lines), lines[0], lines[-1]) == (15, "rounds: 3 of 45", "rounds: 45 of 45")
