"""A publisher that is killed: publishes and promotes a bundle, and dies at a given step.

python publisher.py STORE_FOLDER BUNDLE_FILE STEP: the process ends itself before its STEP-th write
to disk is made visible; a step of 0 never comes.
"""

import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from models.registry.pointer import Author, promote
from models.registry.versions import publish
from models.stores.files import FileStore

steps = 0


def step(at: int) -> None:
    """Count a step, and die at the one asked for."""
    global steps  # noqa: PLW0603 -- one process, one counter
    steps += 1
    if steps == at:
        os.kill(os.getpid(), signal.SIGKILL)


def main(folder: str, bundle_file: str, at: int) -> None:
    """Publish and promote, stopping at every write of the store, before and after."""
    write, link, move = os.fsync, Path.hardlink_to, Path.replace

    def fsync(descriptor: int) -> None:
        step(at)
        write(descriptor)
        step(at)

    def hardlink_to(path: Path, target: Path) -> None:
        step(at)
        link(path, target)
        step(at)

    def replace(path: Path, target: Path) -> Path:
        step(at)
        moved = move(path, target)
        step(at)
        return moved

    os.fsync = fsync  # type: ignore[assignment]
    Path.hardlink_to = hardlink_to  # type: ignore[method-assign, assignment]
    Path.replace = replace  # type: ignore[method-assign, assignment]
    now = datetime.now(UTC) + timedelta(days=at)  # a version of its own for each step
    store = FileStore(folder)
    others = {"report.html": b"x" * 50_000, "report.json": b"{}"}
    version = publish(store, "toy", Path(bundle_file).read_bytes(), others, now)
    promote(store, "toy", version, Author("publisher", now))
    print(steps)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
