"""The warehouse that a URL names."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit

from models.errors import DeclarationError, LibraryMissingError
from training.pipeline.duckdb_warehouse import open_duckdb
from training.pipeline.warehouse import Warehouse

FORMS = (
    "duckdb:///PATH, bigquery://PROJECT/DATASET?location=EU or "
    "snowflake://ACCOUNT/DATABASE/SCHEMA?user=USER&warehouse=WAREHOUSE&role=ROLE"
)
# The module that a client has, and the file with the requirements that it adds.
CLIENTS = {
    "bigquery": ("google.cloud.bigquery", "training/bigquery.txt"),
    "snowflake": ("snowflake.connector", "training/snowflake.txt"),
}


@contextmanager
def open_warehouse(url: str, secret: str = "") -> Iterator[Warehouse]:
    """Open the warehouse of a URL.

    `secret` is a private key in PEM, or an OAuth token, of Snowflake. Google's own credentials come
    from the environment of the process, as for every other service of Google.

    Raises
    ------
    DeclarationError
        If the URL has another form, or has a password. The message does not repeat it.
    LibraryMissingError
        If the client of the database is not installed.
    DataError
        If it cannot be opened.
    """
    parts = _split(url)
    names = [name for name in parts.path.split("/") if name]
    match parts.scheme, parts.netloc, names:
        case "duckdb", "", [_, *_]:
            opened = open_duckdb(Path(parts.path))
        case "bigquery", project, [dataset] if project:
            _require_client("bigquery")
            # Its client is not installed everywhere.
            from training.pipeline.bigquery_warehouse import open_bigquery  # noqa: PLC0415

            opened = open_bigquery(project, dataset, _read_options(parts))
        case "snowflake", account, [database, schema] if account:
            _require_client("snowflake")
            from training.pipeline.snowflake_warehouse import open_snowflake  # noqa: PLC0415

            opened = open_snowflake((account, database, schema), _read_options(parts), secret)
        case _:
            message = f"WAREHOUSE_URL must be {FORMS}, not {parts.scheme or 'nothing'}://..."
            raise DeclarationError(message)
    with opened as warehouse:
        yield warehouse


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    if "@" in parts.netloc:
        message = (
            "WAREHOUSE_URL must not have a user or password before the host: give Snowflake's key "
            "or token as WAREHOUSE_SECRET"
        )
        raise DeclarationError(message)
    return parts


def _read_options(parts: SplitResult) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


def _require_client(name: str) -> None:
    module, requirements = CLIENTS[name]
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        message = (
            f"WAREHOUSE_URL {name}:// needs {module}: pip install --no-deps -r {requirements}, "
            "over what training/requirements.txt installs"
        )
        raise LibraryMissingError(message)
