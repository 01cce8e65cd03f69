"""The committed tables of the warehouse are those that the code derives."""

import json
from typing import Any

from functions.scoring.evidence.warehouse import table_schema
from tests.support.running import REPOSITORY

COMMITTED = REPOSITORY / "terraform" / "schemas" / "decisions.json"


def payload() -> dict[str, dict[str, Any]]:
    [payload] = [c for c in table_schema() if c["name"] == "jsonPayload"]
    return {column["name"]: column for column in payload["fields"]}


def test_the_committed_table_is_the_derived_one() -> None:
    assert json.loads(COMMITTED.read_text()) == table_schema(), "run make documents"


def test_a_member_has_its_declared_type_and_description() -> None:
    assert payload()["approved"] == {
        "name": "approved",
        "type": "FLOAT",
        "mode": "NULLABLE",
        "description": "How many of the decisions are approve.",
    }
    assert (payload()["fields"]["type"], payload()["fields"]["mode"]) == ("STRING", "REPEATED")


def test_every_decision_of_a_record_is_a_row_within_it() -> None:
    applications = payload()["applications"]
    assert (applications["type"], applications["mode"]) == ("RECORD", "REPEATED")
    columns = {column["name"]: column for column in applications["fields"]}
    assert columns["probability_of_default"]["type"] == "FLOAT"
    assert (columns["reasons"]["type"], columns["reasons"]["mode"]) == ("STRING", "REPEATED")
    assert columns["inputs"]["type"] == "STRING"
    assert columns["erasure"]["type"] == "STRING"
