"""The decision log's table against the records the function writes."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.running import REPOSITORY, Server

SCHEMA = json.loads((REPOSITORY / "terraform/schemas/decisions.json").read_text())
# Cloud Logging moves these two into columns of its own.
MOVED = {"severity", "time"}


def columns(fields: list[dict[str, Any]], above: str = "") -> Iterator[tuple[str, str]]:
    """Path and type of every column."""
    for field in fields:
        path = f"{above}{field['name']}"
        kind = field["type"] + ("[]" if field["mode"] == "REPEATED" else "")
        yield path, kind
        yield from columns(field.get("fields", []), f"{path}.")


def values(record: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Path and type of every value, as Cloud Logging writes JSON to BigQuery."""
    for name, value in record.items():
        path = f"{above}{name}"
        if isinstance(value, dict):
            yield path, "RECORD"
            yield from values(value, f"{path}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield path, "RECORD[]"
            for item in value:
                yield from values(item, f"{path}.")
        elif isinstance(value, list):
            yield path, "STRING[]"
        elif value is not None:
            yield path, "STRING" if isinstance(value, str) else "FLOAT"


COLUMNS = dict(columns(SCHEMA))


@pytest.mark.parametrize("model", ["application", "bureau", "card_default", "customer"])
def test_every_value_of_a_record_has_its_column(
    service: Server, example: Callable[[str], Any], model: str
) -> None:
    body = example(model)
    rows = body if "instances" in body else {"instances": [body]}
    answer = service.client.post(f"/v1/models/{model}:predict", json=rows)
    assert answer.is_success
    records = [r for r in service.log() if r.get("record") == "decision"]
    record = {k: v for k, v in records[-1].items() if k not in MOVED}
    assert record["model"] == model
    logged = dict(values(record, "jsonPayload."))
    assert {"jsonPayload.applications.commitment", "jsonPayload.withheld"} <= set(logged)
    assert {path: COLUMNS.get(path) for path in logged} == logged


def test_the_columns_a_query_filters_by_are_there() -> None:
    assert COLUMNS["timestamp"] == "TIMESTAMP"
    assert COLUMNS["jsonPayload.applications.decision"] == "STRING"
