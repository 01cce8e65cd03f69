"""The decision log in an emulator of BigQuery, run by the Python of its own environment.

`foreign_log.py URL SCHEMA FILE` makes the table that Terraform makes, inserts records of two
models, and writes to FILE what is read of one of them.
"""

import json
import sys
from datetime import date
from pathlib import Path

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from training.monitoring.bigquery_log import LogQuery, fetch_lines

DAY = date(2026, 11, 28)


def main() -> None:
    """Make, insert, read."""
    url, schema, file = sys.argv[1:]
    client = bigquery.Client(
        "bank",
        AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options={"api_endpoint": url},
    )
    client.create_dataset("decisions", exists_ok=True)
    fields = [bigquery.SchemaField.from_api_repr(f) for f in json.loads(Path(schema).read_text())]
    table = client.create_table(bigquery.Table("bank.decisions.stdout", schema=fields))
    records = [
        ("a", "customer", "2026-11-28T10:00:00Z"),
        ("b", "application", "2026-11-28T10:00:00Z"),
        ("c", "customer", "2026-10-01T10:00:00Z"),
    ]
    rows = [
        {
            "timestamp": at,
            "jsonPayload": {
                "record": "decision",
                "decided_at": at,
                "model": model,
                "applications": [
                    {
                        "decision_id": identity,
                        "probability_of_default": 0.25,
                        "reasons": ["R01", "R02"],
                        "inputs": "[5.0,null]",
                    }
                ],
            },
        }
        for identity, model, at in records
    ]
    faults = client.insert_rows_json(table, rows)
    assert not faults, faults
    query = LogQuery("bank", "decisions", "stdout", "customer", DAY, DAY)
    fetch_lines(query, client, Path(file))


if __name__ == "__main__":
    main()
