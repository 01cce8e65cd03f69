"""`python -m functions.retrain.die_with_parent COMMAND`: end the command when the parent ends.

A server that is killed cannot end its children. It holds the other end of this process's standard
input, which closes when the server ends, however it ends.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence

STOP_SECONDS = 5


def main(command: Sequence[str]) -> int:
    """Run the command, with its exit code, for as long as standard input is open."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 -- the server's own command
    threading.Thread(target=_end_with_stdin, args=(process,), daemon=True).start()
    code = process.wait()
    return code if code >= 0 else 128 - code  # as a shell tells a signal


def _end_with_stdin(process: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1):  # not sys.stdin: a thread waiting in it makes the interpreter's end fail
        pass
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
