"""Preparation of `bureau` data: join three tables by key, apply cleaning rules, compute ratios.

One row is one loan. A loan with an impossible value is refused and counted like a refusal by the
contract. A value that can be corrected is corrected, and a row without a loan is left out. Both are
counted in remarks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from models.catalogue.bureau import Bureau
from models.errors import DataError
from training.reading.faults import FIRST_ROWS, DataFault, Refused
from training.reading.special_columns import text_from_key
from training.reading.tabular_files import find_table

MOST_FEE = 0.03  # of the loan amount, exclusive
MOST_GST = 0.20  # of the loan amount, inclusive
MISSPELT_PURPOSES = {"Personaal": "Personal"}

LOAN_NUMBERS = ("loan_amount", "processing_fee", "gst", "net_disbursement", "loan_tenure_months")
BUREAU_NUMBERS = (
    *("number_of_open_accounts", "total_loan_months", "delinquent_months", "total_dpd"),
    "credit_utilization_ratio",
)
COLUMNS = {
    "customers": ("cust_id", "age", "income", "residence_type"),
    "loans": ("loan_id", "cust_id", "loan_purpose", "loan_type", *LOAN_NUMBERS, Bureau.label),
    "bureau": ("cust_id", *BUREAU_NUMBERS),
}
NAMES = tuple(COLUMNS)

Mask: TypeAlias = "pd.Series[bool]"


@dataclass(frozen=True, slots=True)
class Joined:
    """Loans with their inputs, counts of refused loans, and remarks on cleaned rows."""

    frame: pd.DataFrame
    refused: Refused
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Keyed:
    """A table with one row a customer. Customers with contradictory rows are in `contradicted`."""

    name: str
    frame: pd.DataFrame
    contradicted: frozenset[object]
    repeated: int


def read_tables(location: str) -> dict[str, pd.DataFrame]:
    """Read `customers`, `loans` and `bureau` (.csv or .parquet) from a folder or a store's prefix.

    Raises
    ------
    DataError
        If a table is missing, exists in both forms, or cannot be read.
    """
    return {name: find_table(location, name) for name in NAMES}


def join(tables: Mapping[str, pd.DataFrame]) -> Joined:
    """Check keys and rules, and return one row for each sound loan, in the order of the loans.

    Raises
    ------
    DataError
        If a table lacks a column.
    """
    loans = _select_required(tables, "loans")
    customers, bureau = (_deduplicate(tables, name) for name in ("customers", "bureau"))
    purposes = loans["loan_purpose"]
    misspelt = purposes.isin(MISSPELT_PURPOSES)
    loans = loans.assign(loan_purpose=purposes.where(~misspelt, purposes.map(MISSPELT_PURPOSES)))
    people = customers.frame.merge(bureau.frame, on="cust_id", how="inner")
    frame = loans.merge(people, on="cust_id", how="left", validate="many_to_one")
    faults = _find_key_faults(loans, customers, bureau) | _find_rule_faults(frame)
    is_refused = np.logical_or.reduce([mask.to_numpy() for mask in faults.values()])
    counts = tuple(
        DataFault(rule, int(mask.sum()), first_rows=_first_rows(mask))
        for rule, mask in faults.items()
        if mask.any()
    )
    sound = _add_ratios(frame[~is_refused])
    sound.index = pd.Index(np.flatnonzero(~is_refused) + 1)  # the row numbers of the loans
    return Joined(
        sound,
        Refused(int(is_refused.sum()), counts),
        _list_remarks(misspelt, loans, (customers, bureau)),
    )


def _first_rows(mask: Mask) -> tuple[int, ...]:
    return tuple(int(i) + 1 for i in np.flatnonzero(mask.to_numpy())[:FIRST_ROWS])


def _select_required(tables: Mapping[str, pd.DataFrame], name: str) -> pd.DataFrame:
    missing = [column for column in COLUMNS[name] if column not in tables[name]]
    if missing:
        message = f"the table {name} has no column {', '.join(missing)}"
        raise DataError(message)
    frame = tables[name][list(COLUMNS[name])]
    return frame.assign(cust_id=frame["cust_id"].map(text_from_key).astype(object))


def _deduplicate(tables: Mapping[str, pd.DataFrame], name: str) -> _Keyed:
    frame = _select_required(tables, name)
    distinct = frame.drop_duplicates().dropna(subset=["cust_id"])
    is_repeated = distinct["cust_id"].duplicated()
    contradicted = frozenset(distinct["cust_id"][is_repeated])
    return _Keyed(name, distinct[~is_repeated], contradicted, int(frame.duplicated().sum()))


def _find_key_faults(loans: pd.DataFrame, *keyed: _Keyed) -> dict[str, Mask]:
    distinct = loans.drop_duplicates()["loan_id"]
    contradicted = loans["loan_id"].isin(distinct[distinct.duplicated()])
    faults = {"loan_id: Loan should be listed once": loans.duplicated() | contradicted}
    for table in keyed:
        is_orphan = ~loans["cust_id"].isin(table.frame["cust_id"])
        faults[f"cust_id: Customer should be in {table.name}"] = is_orphan
        is_contradicted = loans["cust_id"].isin(table.contradicted)
        faults[f"cust_id: Customer should be in {table.name} once"] = is_contradicted
    return faults


def _find_rule_faults(frame: pd.DataFrame) -> dict[str, Mask]:
    """Find loans with impossible values, such as an absent amount or a loan amount of 0."""
    n = _convert_numbers(frame)
    fee, gst = n["processing_fee"] / n["loan_amount"], n["gst"] / n["loan_amount"]
    return {
        f"processing_fee: Fee should be below {MOST_FEE:.0%} of the loan amount": ~(fee < MOST_FEE),
        f"gst: Tax should be at most {MOST_GST:.0%} of the loan amount": ~(gst <= MOST_GST),
        "net_disbursement: Disbursement should be at most the loan amount": ~(
            n["net_disbursement"] <= n["loan_amount"]
        ),
        "delinquent_months: Months should be at most those of all loans": (
            n["delinquent_months"] > n["total_loan_months"]
        ),
    }


def _add_ratios(frame: pd.DataFrame) -> pd.DataFrame:
    """Compute the two ratios that clients send. Without a delinquent month both are 0."""
    n = _convert_numbers(frame)
    late = n["delinquent_months"]
    return frame.assign(
        delinquency_ratio=(100 * late / n["total_loan_months"]).round(1).where(late != 0, 0.0),
        avg_dpd_per_delinquency=(n["total_dpd"] / late).round(1).where(late != 0, 0.0),
    )[["loan_id", *Bureau.model_fields, Bureau.label]]


def _convert_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    columns = (*LOAN_NUMBERS, *BUREAU_NUMBERS)
    return pd.DataFrame(
        {name: pd.to_numeric(frame[name], errors="coerce").astype(float) for name in columns}
    )


def _list_remarks(
    misspelt: Mask, loans: pd.DataFrame, keyed: tuple[_Keyed, ...]
) -> tuple[str, ...]:
    counts = {f"loan_purpose: {' and '.join(MISSPELT_PURPOSES)} corrected": int(misspelt.sum())}
    for table in keyed:
        counts[f"{table.name}: duplicate left out"] = table.repeated
        is_unused = ~table.frame["cust_id"].isin(loans["cust_id"])
        counts[f"{table.name}: customer without a loan left out"] = int(is_unused.sum())
    return tuple(f"{remark} ({count} rows)" for remark, count in counts.items() if count)
