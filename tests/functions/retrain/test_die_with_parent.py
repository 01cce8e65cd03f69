import signal
import subprocess
import sys
import time

import pytest

from functions.retrain import die_with_parent
from tests.support.running import REPOSITORY


def tethered(*command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "functions.retrain.die_with_parent", *command],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 2", 2), ("kill -9 $$", 137)])
def test_the_exit_code_is_the_commands(script: str, code: int) -> None:
    with tethered("sh", "-c", script) as process:
        assert process.wait(timeout=10) == code


def test_the_command_is_told_to_end_when_the_input_closes() -> None:
    with tethered("sh", "-c", "echo on; exec sleep 600") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"on\n"
        process.stdin.close()
        assert process.wait(timeout=10) == 128 + signal.SIGTERM


def test_a_command_that_will_not_end_is_killed() -> None:
    with tethered("sh", "-c", "trap '' TERM; echo on; while :; do sleep 0.1; done") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        began = time.monotonic()
        process.stdin.close()
        assert process.wait(timeout=20) == 128 + signal.SIGKILL
        assert time.monotonic() - began >= die_with_parent.STOP_SECONDS
