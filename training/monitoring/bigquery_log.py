"""The decision log in BigQuery, where the cloud keeps it, as a file like any other log."""

import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Protocol

from models.errors import DataError, LibraryMissingError

SCHEME = "bigquery://"
FORM = re.compile(r"bigquery://([a-z0-9-]+)/([A-Za-z0-9_]+)/([A-Za-z0-9_]+)")
# Cloud Logging dates a line by when it was received; the reader goes by the record's own time.
MARGIN = timedelta(days=1)


class QueryJob(Protocol):
    """A query that was sent."""

    def result(self) -> Iterable[Mapping[str, str]]:
        """Wait for its rows."""


class LogClient(Protocol):
    """What is used of BigQuery's client."""

    def query(self, query: str) -> QueryJob:
        """Send a query."""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """The decisions of a model in a table of BigQuery, from one day to another."""

    project: str
    dataset: str
    table: str
    model_name: str
    first: date
    last: date

    def write_statement(self) -> str:
        """Write the statement; a record is one text, so that no column is converted."""
        names = f"`{self.project}.{self.dataset}.{self.table}`"
        since, until = self.first - MARGIN, self.last + MARGIN + timedelta(days=1)
        return (
            f"SELECT TO_JSON_STRING(jsonPayload) AS line FROM {names} "  # noqa: S608 -- checked names
            f"WHERE timestamp >= TIMESTAMP('{since}') AND timestamp < TIMESTAMP('{until}') "
            f"AND jsonPayload.record = 'decision' AND jsonPayload.model = '{self.model_name}'"
        )


@contextmanager
def open_log(log: str, model_name: str, first: date, last: date) -> Iterator[Path]:
    """Yield the path of a log. One in BigQuery is fetched to a file, which is removed afterwards.

    Raises
    ------
    DataError
        If the address has another form, or BigQuery refuses the query.
    LibraryMissingError
        If BigQuery's client is not installed.
    """
    if not log.startswith(SCHEME):
        yield Path(log)
        return
    match = FORM.fullmatch(log)
    if match is None:
        message = f"--log must be a path or bigquery://PROJECT/DATASET/TABLE, not {log}"
        raise DataError(message)
    project, dataset, table = match.groups()
    query = LogQuery(project, dataset, table, model_name, first, last)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "decisions.jsonl"
        _fetch(query, path)
        yield path


def fetch_lines(query: LogQuery, client: LogClient, path: Path) -> None:
    """Write the records to a file, one a line, without the members that are null."""
    with path.open("w") as file:
        for row in client.query(query.write_statement()).result():
            record = json.loads(row["line"])
            present = {name: value for name, value in record.items() if value is not None}
            file.write(json.dumps(present) + "\n")


def _fetch(query: LogQuery, path: Path) -> None:
    try:
        # Its client is not installed everywhere.
        from google.api_core.exceptions import GoogleAPIError  # noqa: PLC0415
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
        from google.cloud import bigquery  # noqa: PLC0415
    except ImportError as error:
        message = (
            "--log bigquery:// needs google.cloud.bigquery: pip install --no-deps -r "
            "training/bigquery.txt, over what training/requirements.txt installs"
        )
        raise LibraryMissingError(message) from error
    try:
        fetch_lines(query, bigquery.Client(project=query.project), path)
    except (GoogleAPIError, GoogleAuthError) as error:
        message = f"--log: BigQuery refuses the query: {error}"
        raise DataError(message) from error
