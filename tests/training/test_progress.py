import os
import subprocess
import sys

from tests.support.running import REPOSITORY

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
