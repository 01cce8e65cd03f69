"""Progress on standard error: a bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def show_steps(title: str, total: int) -> Iterator[Callable[[], None]]:
    """Show the progress of `total` steps. Call the yielded function after each step."""
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
        done = iter(range(1, total + 1))
        yield lambda: say(f"{title}: {next(done)} of {total}")


def say(line: str) -> None:
    """Print one line to standard error. Standard output is reserved for results."""
    print(line, file=sys.stderr, flush=True)
