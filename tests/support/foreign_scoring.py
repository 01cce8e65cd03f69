"""Statements of `export-sql` in another database's emulator, run by the Python of its environment.

`foreign_scoring.py snowflake FOLDER` or `foreign_scoring.py bigquery FOLDER URL`. For each model
FOLDER has the statements that make its table, and the one that scores it; the rows it gives are
written beside them as JSON.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Run = Callable[[str], list[dict[str, Any]]]


@contextmanager
def open_database(kind: str, url: str) -> Iterator[Run]:
    """Open a fakesnow session, or an emulator of BigQuery, as what runs a statement."""
    if kind == "snowflake":
        import fakesnow  # noqa: PLC0415 -- only its environment has it

        with fakesnow.patch():
            import snowflake.connector  # noqa: PLC0415

            session = snowflake.connector.connect(database="BANK", schema="RISK")

            def run(statement: str) -> list[dict[str, Any]]:
                cursor = session.cursor()
                cursor.execute(statement)
                names = [column[0].lower() for column in cursor.description]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

            yield run
    else:
        from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415
        from google.cloud import bigquery  # noqa: PLC0415

        client = bigquery.Client(
            "bank",
            AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": url},
        )
        dataset = client.create_dataset("risk", exists_ok=True)
        job = bigquery.QueryJobConfig(default_dataset=dataset.reference)

        yield lambda statement: [
            dict(row) for row in client.query(statement, job_config=job).result()
        ]


def main() -> None:
    """Score every model's table."""
    kind, folder = sys.argv[1], Path(sys.argv[2])
    with open_database(kind, sys.argv[3] if len(sys.argv) > 3 else "") as run:
        for path in sorted(folder.glob("*.sql")):
            for statement in json.loads(path.with_suffix(".tables").read_text()):
                run(statement)
            path.with_suffix(".json").write_text(json.dumps(run(path.read_text())))


if __name__ == "__main__":
    main()
