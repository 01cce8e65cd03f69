"""Files of figures in Prometheus' text format, for node_exporter's textfile collector."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from models.errors import DataError
from models.figures import Figure

SUFFIX = ".prom"


def write_figures(path: Path, figures: Iterable[Figure]) -> None:
    """Write a file that a collector reads before or after it changed, and never between.

    Its folder is made if there is none.

    Raises
    ------
    DataError
        If the name does not end in `.prom`, which no collector would read, or it cannot be written.
    """
    if path.suffix != SUFFIX:
        message = f"--metrics {path}: the file name must end in {SUFFIX}"
        raise DataError(message)
    unfinished = path.with_suffix(".unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text_from_figures(figures))
        unfinished.replace(path)
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror}"
        raise DataError(message) from error


def text_from_figures(figures: Iterable[Figure]) -> str:
    """Lay figures out by name; samples of one name stand together, as the format demands."""
    lines = []
    by_name = sorted(figures, key=lambda figure: figure.name)
    for name, samples in groupby(by_name, key=lambda figure: figure.name):
        first, *others = samples
        lines += [f"# HELP {name} {first.meaning}", f"# TYPE {name} gauge"]
        lines += [f"{name}{_describe_labels(one)} {one.value:.10g}" for one in (first, *others)]
    return "".join(f"{line}\n" for line in lines)


def _describe_labels(figure: Figure) -> str:
    pairs = ",".join(f'{name}="{_escape(value)}"' for name, value in figure.labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
