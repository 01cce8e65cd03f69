"""Three tables and every rule that stands between them and a training row."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.catalogue.bureau import Bureau
from models.errors import DataError
from models.stores.uri import open_store
from training.reading.bureau_tables import Joined, join, read_tables
from training.reading.row_validation import Reading, check_rows
from training.reading.sources import DataLocation, read_source
from training.reading.tabular_files import write_table
from training.synthetic.bureau import generate

Tables = dict[str, pd.DataFrame]

CUSTOMER = {"cust_id": "C1", "age": 40, "income": 900_000, "residence_type": "Owned"}
LOAN = {
    "loan_id": "L1",
    "cust_id": "C1",
    "loan_purpose": "Personal",
    "loan_type": "Unsecured",
    "loan_amount": 100_000,
    "processing_fee": 2_000,
    "gst": 18_000,
    "net_disbursement": 80_000,
    "loan_tenure_months": 24,
    "default": 0,
}
RECORD = {
    "cust_id": "C1",
    "number_of_open_accounts": 2,
    "total_loan_months": 60,
    "delinquent_months": 7,
    "total_dpd": 33,
    "credit_utilization_ratio": 40,
}


def tables(
    loans: list[dict[str, Any]] | None = None,
    customers: list[dict[str, Any]] | None = None,
    bureau: list[dict[str, Any]] | None = None,
) -> Tables:
    """Build three tables of one sound row each, or with changes to it."""
    rows = {"customers": (CUSTOMER, customers), "loans": (LOAN, loans), "bureau": (RECORD, bureau)}
    return {
        name: pd.DataFrame([sound | change for change in changes or [{}]])
        for name, (sound, changes) in rows.items()
    }


def faults(joined: Joined) -> dict[str, int]:
    return {fault.rule: fault.rows for fault in joined.refused.faults}


def test_a_sound_loan_has_its_customers_inputs_and_two_ratios() -> None:
    joined = join(tables())
    assert (faults(joined), joined.remarks) == ({}, ())
    [row] = joined.frame.to_dict("records")
    assert row == {
        "loan_id": "L1",
        "age": 40,
        "income": 900_000,
        "loan_amount": 100_000,
        "loan_tenure_months": 24,
        "avg_dpd_per_delinquency": 4.7,  # 33 / 7
        "delinquency_ratio": 11.7,  # 700 / 60
        "credit_utilization_ratio": 40,
        "number_of_open_accounts": 2,
        "residence_type": "Owned",
        "loan_purpose": "Personal",
        "loan_type": "Unsecured",
        "default": 0,
    }


@pytest.mark.parametrize("months", [0, 60])
def test_without_a_delinquent_month_both_ratios_are_0(months: int) -> None:
    record = {"total_loan_months": months, "delinquent_months": 0, "total_dpd": 0}
    [row] = join(tables(bureau=[record])).frame.to_dict("records")
    assert (row["delinquency_ratio"], row["avg_dpd_per_delinquency"]) == (0, 0)
    assert check_rows(Bureau, join(tables(bureau=[record])).frame, 0).refused == 0


FEE = "processing_fee: Fee should be below 3% of the loan amount"
GST = "gst: Tax should be at most 20% of the loan amount"
NET = "net_disbursement: Disbursement should be at most the loan amount"
MONTHS = "delinquent_months: Months should be at most those of all loans"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"processing_fee": 2_999.99}, set()),
        ({"processing_fee": 3_000}, {FEE}),
        ({"processing_fee": None}, {FEE}),
        ({"processing_fee": "?"}, {FEE}),
        ({"gst": 20_000}, set()),
        ({"gst": 20_000.01}, {GST}),
        ({"net_disbursement": 100_000}, set()),
        ({"net_disbursement": 100_001}, {NET}),
        ({"loan_amount": 0, "processing_fee": 0, "gst": 0, "net_disbursement": 0}, {FEE, GST}),
        ({"processing_fee": 9_000, "gst": 90_000}, {FEE, GST}),
    ],
)
def test_a_rule_holds_to_the_very_edge(change: dict[str, Any], expected: set[str]) -> None:
    joined = join(tables(loans=[change]))
    assert set(faults(joined)) == expected
    refused = 1 if expected else 0
    assert (joined.refused.rows, len(joined.frame)) == (refused, 1 - refused)


def test_more_delinquent_months_than_months_are_refused() -> None:
    assert faults(join(tables(bureau=[{"delinquent_months": 61}]))) == {MONTHS: 1}


def test_a_misspelt_purpose_is_put_right_and_counted() -> None:
    joined = join(tables(loans=[{"loan_purpose": "Personaal"}]))
    assert joined.frame["loan_purpose"].tolist() == ["Personal"]
    assert joined.remarks == ("loan_purpose: Personaal corrected (1 rows)",)


def test_a_loan_there_twice_counts_once_and_one_with_two_stories_not_at_all() -> None:
    twice = join(tables(loans=[{}, {}, {"loan_id": "L2"}]))
    assert twice.frame["loan_id"].tolist() == ["L1", "L2"]
    assert faults(twice) == {"loan_id: Loan should be listed once": 1}
    contradicted = join(tables(loans=[{}, {"default": 1}, {"loan_id": "L2"}]))
    assert contradicted.frame["loan_id"].tolist() == ["L2"]
    assert faults(contradicted) == {"loan_id: Loan should be listed once": 2}


@pytest.mark.parametrize("cust_id", ["C9", None])
def test_a_loan_of_nobody_is_refused(cust_id: str | None) -> None:
    nameless = {"cust_id": None}
    joined = join(tables([{"cust_id": cust_id}, {"loan_id": "L2"}], [{}, nameless], [{}, nameless]))
    assert joined.frame["loan_id"].tolist() == ["L2"]
    assert faults(joined) == {
        "cust_id: Customer should be in customers": 1,
        "cust_id: Customer should be in bureau": 1,
    }


def test_a_customer_there_twice_is_one_and_with_two_stories_refuses_the_loan() -> None:
    twice = join(tables(customers=[{}, {}], bureau=[{}, {}]))
    assert len(twice.frame) == 1
    assert twice.remarks == (
        "customers: duplicate left out (1 rows)",
        "bureau: duplicate left out (1 rows)",
    )
    contradicted = join(tables(customers=[{}, {"income": 1}]))
    assert faults(contradicted) == {"cust_id: Customer should be in customers once": 1}


def test_a_customer_without_a_loan_is_left_out_and_counted() -> None:
    other = {"cust_id": "C2"}
    joined = join(tables(customers=[{}, other], bureau=[{}, other]))
    assert len(joined.frame) == 1
    assert joined.remarks == (
        "customers: customer without a loan left out (1 rows)",
        "bureau: customer without a loan left out (1 rows)",
    )


def test_a_key_is_the_same_as_a_number_with_gaps_and_as_text() -> None:
    tables_with_change = tables(customers=[{"cust_id": 7}], bureau=[{"cust_id": "7"}])
    tables_with_change["loans"] = pd.DataFrame(
        [LOAN | {"cust_id": 7.0}, LOAN | {"loan_id": "L2", "cust_id": np.nan}]
    )
    assert len(join(tables_with_change).frame) == 1


def test_rows_refused_by_a_rule_count_towards_the_share() -> None:
    joined = join(tables(loans=[{}, {"loan_id": "L2", "gst": 50_000}]))
    rows = check_rows(Bureau, joined.frame, 0.5, Reading(before=joined.refused))
    assert (len(rows.labels), rows.refused, rows.refusals) == (1, 1, {GST: 1})
    with pytest.raises(DataError, match=r"1 of 2 rows, .* allows 40.0%: gst: Tax"):
        check_rows(Bureau, joined.frame, 0.4, Reading(before=joined.refused))


def test_a_table_without_a_column_is_named() -> None:
    tables_with_change = tables()
    tables_with_change["loans"] = tables_with_change["loans"].drop(columns=["gst", "default"])
    with pytest.raises(DataError, match="the table loans has no column gst, default"):
        join(tables_with_change)


@pytest.mark.parametrize("scheme", ["path", "path/", "file", "gs", "s3"])
def test_tables_are_read_from_a_folder_or_a_prefix_in_any_mixture_of_forms(
    scheme: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = generate(300, seed=4).by_name()
    for (name, table), suffix in zip(made.items(), (".csv", ".parquet", ".csv"), strict=True):
        write_table(table, tmp_path / f"{name}{suffix}")
    location = {"path": str(tmp_path), "path/": f"{tmp_path}/", "file": tmp_path.as_uri()}.get(
        scheme, f"{scheme}://models/{tmp_path.name}/tables"
    )
    if scheme in {"gs", "s3"}:
        request.getfixturevalue({"gs": "bucket_server", "s3": "s3_server"}[scheme])
        for path in tmp_path.iterdir():
            open_store(location).create(path.name, path.read_bytes())
    source = read_source(Bureau, DataLocation(location), seed=1)
    expected = join(made)
    assert source.refused == expected.refused
    assert source.remarks == expected.remarks
    frames = (source.frame, expected.frame)
    assert len({check_rows(Bureau, frame, 0).fingerprint() for frame in frames}) == 1


def test_one_file_of_joined_rows_is_a_source_too(tmp_path: Path) -> None:
    frame = join(generate(300, seed=4).by_name()).frame
    write_table(frame, tmp_path / "rows.csv")
    source = read_source(Bureau, DataLocation(str(tmp_path / "rows.csv")), seed=1)
    assert (
        check_rows(Bureau, source.frame, 0).fingerprint()
        == check_rows(Bureau, frame, 0).fingerprint()
    )


def test_a_table_that_is_not_there_or_there_in_both_forms_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"either customers.csv or customers.parquet; neither exists"
    ):
        read_tables(str(tmp_path / "nowhere"))
    for suffix in (".csv", ".parquet"):
        write_table(pd.DataFrame([CUSTOMER]), tmp_path / f"customers{suffix}")
    with pytest.raises(DataError, match="both exist"):
        read_tables(tmp_path.as_uri())
    (tmp_path / "customers.csv").unlink()
    (tmp_path / "customers.parquet").write_text("not parquet")
    with pytest.raises(DataError, match=r"not readable as \.parquet"):
        read_tables(str(tmp_path))
