"""The committed tables of the warehouse are those that the code derives."""

import json

from functions.scoring.evidence.warehouse import table_schema
from models.discovery import credit_models
from tests.support.running import REPOSITORY

COMMITTED = REPOSITORY / "terraform" / "schemas" / "decisions.json"


def test_the_committed_table_is_the_derived_one() -> None:
    assert json.loads(COMMITTED.read_text()) == table_schema(credit_models()), "run make documents"


def test_a_member_has_its_declared_type_and_description() -> None:
    [payload] = [c for c in table_schema(credit_models()) if c["name"] == "jsonPayload"]
    columns = {c["name"]: c for c in payload["fields"]}
    assert columns["probability_of_default"] == {
        "name": "probability_of_default",
        "type": "FLOAT",
        "mode": "NULLABLE",
        "description": "Calibrated probability of default, in (0, 1).",
    }
    assert (columns["reasons"]["type"], columns["reasons"]["mode"]) == ("STRING", "REPEATED")
    assert columns["erasure"]["type"] == "STRING"


def test_a_protected_field_has_no_column() -> None:
    [payload] = [c for c in table_schema(credit_models()) if c["name"] == "jsonPayload"]
    [inputs] = [c for c in payload["fields"] if c["name"] == "inputs"]
    [application] = [c for c in inputs["fields"] if c["name"] == "application"]
    names = {c["name"] for c in application["fields"]}
    assert "income" in names
    assert "age" not in names
