"""Progress on standard error: a bar on a terminal, plain lines elsewhere."""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

MOST_LINES = 20  # of one bar where there is no terminal


@contextmanager
def show_steps(title: str, total: int) -> Iterator[Callable[[], None]]:
    """Show the progress of `total` steps. Call the yielded function after each step.

    Without a terminal, many steps share a line.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console) as progress:
            task = progress.add_task(title, total=total)
            yield lambda: progress.advance(task)
    else:
        lines = _describe_steps(title, total)
        yield lambda: next(lines)


def _describe_steps(title: str, total: int) -> Iterator[None]:
    interval = math.ceil(total / MOST_LINES)
    for step in range(1, total + 1):
        if step % interval == 0 or step == total:
            say(f"{title}: {step} of {total}")
        yield


def say(line: str) -> None:
    """Print one line to standard error. Standard output is reserved for results."""
    print(line, file=sys.stderr, flush=True)
