"""The engine of a run: all rows in memory, a stream on one machine, or Dask on several."""

from dataclasses import dataclass
from typing import Literal

from models.errors import DataError

EngineName = Literal["memory", "stream", "dask"]

SAMPLE_ROWS = 400_000
BATCH_ROWS = 65_536
LEAST_SAMPLE_ROWS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The engine, and its settings if it streams.

    `sample_rows` go through the ordinary run; the others are only for the large fit. `batch_rows`
    are in memory at once, and change no result. `scheduler` is the address of a Dask scheduler;
    without one Dask starts two processes here.
    """

    name: EngineName = "memory"
    sample_rows: int = SAMPLE_ROWS
    batch_rows: int = BATCH_ROWS
    scheduler: str | None = None

    @property
    def is_streamed(self) -> bool:
        """Whether most rows are never in memory at once."""
        return self.name != "memory"

    def to_words(self) -> list[str]:
        """Return the words of a command line that repeat the engine.

        Where its scheduler is changes no result.
        """
        if not self.is_streamed:
            return []
        words = ["--engine", self.name]
        if self.sample_rows != SAMPLE_ROWS:
            words += ["--sample-rows", str(self.sample_rows)]
        return words


def require_use(engine: Engine) -> Engine:
    """Return an engine, and refuse a setting that it has no use for.

    Raises
    ------
    DataError
        If a sample is set and nothing is streamed, or a scheduler without Dask.
    """
    if engine.sample_rows != SAMPLE_ROWS and not engine.is_streamed:
        message = "--sample-rows: --engine memory has no sample; add --engine stream or dask"
        raise DataError(message)
    if engine.scheduler is not None and engine.name != "dask":
        message = f"--scheduler: --engine {engine.name} has none; add --engine dask"
        raise DataError(message)
    return engine


IN_MEMORY = Engine()
