"""Long work made visible: a bar on a terminal, plain lines anywhere else. Always on stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def steps(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Show work of `total` steps; call what is yielded after each."""
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console) as progress:
            task = progress.add_task(what, total=total)
            yield lambda: progress.advance(task)
    else:
        done = iter(range(1, total + 1))
        yield lambda: say(f"{what}: {next(done)} of {total}")


def say(line: str) -> None:
    """Print one plain line for whoever watches; stdout is kept for results."""
    print(line, file=sys.stderr, flush=True)
