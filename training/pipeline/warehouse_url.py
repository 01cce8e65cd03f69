"""The warehouse that a URL names."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import DeclarationError
from training.pipeline.duckdb_warehouse import open_duckdb
from training.pipeline.warehouse import Warehouse

DUCKDB = "duckdb:///"


@contextmanager
def open_warehouse(url: str) -> Iterator[Warehouse]:
    """Open the warehouse of a URL: `duckdb:///path`.

    Raises
    ------
    DeclarationError
        If the URL has another form. The message does not repeat it.
    DataError
        If it cannot be opened.
    """
    path = url.removeprefix(DUCKDB)
    if not url.startswith(DUCKDB) or not path:
        message = f"WAREHOUSE_URL must be {DUCKDB}PATH, not {url.split('://', maxsplit=1)[0]}://..."
        raise DeclarationError(message)
    with open_duckdb(Path(path)) as warehouse:
        yield warehouse
