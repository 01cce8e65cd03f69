"""The queries of features: written in DuckDB's dialect, compiled to those of the other databases.

The compiled texts lie beside the originals, in a folder for each dialect, and are what runs there:
whoever validates a feature reads what the database is given.
"""

from functools import cache
from pathlib import Path
from typing import get_args

from training.pipeline.dialects import Dialect, compile_statement

FOLDER = Path(__file__).with_name("features")
HEADING = "-- Compiled from ../{name}.sql by `python -m training warehouse compile`.\n"


def list_queries() -> list[str]:
    """Return the names of all queries."""
    return sorted(path.stem for path in FOLDER.glob("*.sql"))


@cache
def read_query(name: str, dialect: Dialect) -> str:
    """Return the text of a query in a dialect."""
    return _find_file(name, dialect).read_text()


def compile_query(name: str, dialect: Dialect) -> str:
    """Compile a query to a dialect, with a heading that says where it comes from."""
    statement = compile_statement(read_query(name, "duckdb"), dialect)
    return HEADING.format(name=name) + statement + "\n"


def write_compiled() -> list[Path]:
    """Write the compiled text of every query, and return the files."""
    files = []
    for dialect in get_args(Dialect):
        if dialect != "duckdb":
            for name in list_queries():
                file = _find_file(name, dialect)
                file.parent.mkdir(exist_ok=True)
                file.write_text(compile_query(name, dialect))
                files.append(file)
    return files


def _find_file(name: str, dialect: Dialect) -> Path:
    return FOLDER / f"{name}.sql" if dialect == "duckdb" else FOLDER / dialect / f"{name}.sql"
