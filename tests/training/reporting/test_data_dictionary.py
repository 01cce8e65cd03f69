from typing import Any

import numpy as np
import pytest

from tests.support.toy import Toy
from tests.training.reporting.conftest import Report
from training.reporting.data_dictionary import FieldEntry, describe_fields


@pytest.fixture
def fields(report: Report) -> dict[str, Any]:
    return {field["name"]: field for field in report.document["data"]["fields"]}


def test_the_dictionary_has_what_is_declared(fields: dict[str, Any]) -> None:
    assert list(fields) == [
        *("age", "income", "debt", "home", "months_since_default", "debt_to_income")
    ]
    income, months = fields["income"], fields["months_since_default"]
    assert (income["unit"], income["sign"], income["kind"]) == ("currency a year", -1, "number")
    assert (income["low"], income["is_low_excluded"], income["high"]) == (0.0, True, 1e6)
    assert (months["is_optional"], months["special"]) == (
        True,
        {"-7": "There is no credit history"},
    )
    assert months["missing_reason"] == "It is not known when the last default was"
    assert (fields["debt"]["is_private"], fields["debt"]["is_changeable"]) == (True, True)
    assert (fields["age"]["is_protected"], fields["age"]["reason"]) == (True, None)
    assert fields["home"]["kind"] == "2 levels"
    assert (fields["debt_to_income"]["kind"], fields["debt_to_income"]["low"]) == (
        "derived number",
        None,
    )


def test_the_dictionary_has_what_the_data_holds(fields: dict[str, Any]) -> None:
    months = fields["months_since_default"]
    assert months["share_missing"] == pytest.approx(0.2, abs=0.05)
    assert months["share_special"] == pytest.approx(0.2, abs=0.05)
    assert {bar["name"] for bar in months["bars"]} == {"3", "12", "60"}
    assert sum(bar["rows"] for bar in fields["home"]["bars"]) == 2_000
    assert sum(bar["rows"] for bar in fields["income"]["bars"]) == 2_000
    assert fields["income"]["quantiles"]["0.01"] < fields["income"]["quantiles"]["0.99"]


def described(column: list[float]) -> FieldEntry:
    columns = {"debt": np.array(column)}
    return describe_fields(Toy, columns, np.zeros(len(column), dtype=np.int64))[2]


def test_a_field_that_is_never_given_has_no_distribution() -> None:
    entry = described([np.nan, np.nan])
    assert (entry.share_missing, entry.bars, dict(entry.quantiles)) == (1.0, (), {})


def test_a_field_of_one_value_has_its_rows_in_one_bar() -> None:
    assert [bar.rows for bar in described([5.0] * 3).bars if bar.rows] == [3]


def test_a_field_without_a_column_is_described_by_its_declaration() -> None:
    entry = describe_fields(Toy, {}, np.zeros(1, dtype=np.int64))[0]
    assert (entry.name, entry.share_missing, entry.low) == ("age", None, 18.0)
