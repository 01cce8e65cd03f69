"""Three tables become the rows of `bureau`: checked keys, stated cleaning rules, two ratios.

A row is a loan. What cannot be right refuses it, and is counted like a refusal by the contract;
what can be put right, or belongs to no loan, is put right or left out, and counted as a remark.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from models.catalogue.bureau import Bureau
from models.errors import DataError
from training.row_validation import Refused
from training.tabular_files import find_table

MOST_FEE = 0.03  # of the loan amount, and not quite as much
MOST_GST = 0.20  # of the loan amount
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
NUMBERS = frozenset({"age", "income", *LOAN_NUMBERS, *BUREAU_NUMBERS, Bureau.label})

Mask: TypeAlias = "pd.Series[bool]"


@dataclass(frozen=True, slots=True)
class Joined:
    """Loans with their inputs, what was refused, and what was put right or left out."""

    frame: pd.DataFrame
    refused: Refused
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Keyed:
    """A table with one row a customer; those of whom it says two things are in `contradicted`."""

    name: str
    frame: pd.DataFrame
    contradicted: frozenset[object]
    repeated: int


def read_tables(location: str) -> dict[str, pd.DataFrame]:
    """Read `customers`, `loans` and `bureau` (.csv or .parquet) from a folder or a store's prefix.

    Raises
    ------
    DataError
        If one is not there, is there in both forms, or cannot be read.
    """
    return {name: find_table(location, name, NUMBERS) for name in NAMES}


def join(tables: Mapping[str, pd.DataFrame]) -> Joined:
    """Check keys and rules, and lay out one row for each sound loan, in the order of the loans.

    Raises
    ------
    DataError
        If a table lacks a column.
    """
    loans = _required(tables, "loans")
    customers, bureau = (_keyed(tables, name) for name in ("customers", "bureau"))
    purposes = loans["loan_purpose"]
    misspelt = purposes.isin(MISSPELT_PURPOSES)
    loans = loans.assign(loan_purpose=purposes.where(~misspelt, purposes.map(MISSPELT_PURPOSES)))
    known = customers.frame.merge(bureau.frame, on="cust_id", how="inner")
    frame = loans.merge(known, on="cust_id", how="left", validate="many_to_one")
    faults = _key_faults(loans, customers, bureau) | _faults(frame)
    refused = np.logical_or.reduce([mask.to_numpy() for mask in faults.values()])
    counted = {fault: int(mask.sum()) for fault, mask in faults.items() if mask.any()}
    return Joined(
        _with_ratios(frame[~refused]),
        Refused(int(refused.sum()), counted),
        _remarks(misspelt, loans, (customers, bureau)),
    )


def _required(tables: Mapping[str, pd.DataFrame], name: str) -> pd.DataFrame:
    missing = [column for column in COLUMNS[name] if column not in tables[name]]
    if missing:
        message = f"the table {name} has no column {', '.join(missing)}"
        raise DataError(message)
    frame = tables[name][list(COLUMNS[name])]
    return frame.assign(cust_id=frame["cust_id"].map(_key).astype(object))


def _key(value: object) -> str | None:
    """Text, so that an id is the same in a CSV, in a column of numbers and in one with gaps."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def _keyed(tables: Mapping[str, pd.DataFrame], name: str) -> _Keyed:
    frame = _required(tables, name)
    distinct = frame.drop_duplicates().dropna(subset=["cust_id"])
    again = distinct["cust_id"].duplicated()
    contradicted = frozenset(distinct["cust_id"][again])
    return _Keyed(name, distinct[~again], contradicted, int(frame.duplicated().sum()))


def _key_faults(loans: pd.DataFrame, *keyed: _Keyed) -> dict[str, Mask]:
    distinct = loans.drop_duplicates()["loan_id"]
    contradicted = loans["loan_id"].isin(distinct[distinct.duplicated()])
    faults = {"loan_id: Loan should be listed once": loans.duplicated() | contradicted}
    for table in keyed:
        orphaned = ~loans["cust_id"].isin(table.frame["cust_id"])
        faults[f"cust_id: Customer should be in {table.name}"] = orphaned
        doubtful = loans["cust_id"].isin(table.contradicted)
        faults[f"cust_id: Customer should be in {table.name} once"] = doubtful
    return faults


def _faults(frame: pd.DataFrame) -> dict[str, Mask]:
    """What no loan can have. A loan amount of 0, and an amount that is absent, is such a fault."""
    n = _numbers(frame)
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


def _with_ratios(frame: pd.DataFrame) -> pd.DataFrame:
    """Compute the two ratios that clients send. Without a delinquent month both are 0."""
    n = _numbers(frame)
    late = n["delinquent_months"]
    return frame.assign(
        delinquency_ratio=(100 * late / n["total_loan_months"]).round(1).where(late != 0, 0.0),
        avg_dpd_per_delinquency=(n["total_dpd"] / late).round(1).where(late != 0, 0.0),
    )[["loan_id", *Bureau.model_fields, Bureau.label]]


def _numbers(frame: pd.DataFrame) -> pd.DataFrame:
    columns = (*LOAN_NUMBERS, *BUREAU_NUMBERS)
    return pd.DataFrame(
        {name: pd.to_numeric(frame[name], errors="coerce").astype(float) for name in columns}
    )


def _remarks(misspelt: Mask, loans: pd.DataFrame, keyed: tuple[_Keyed, ...]) -> tuple[str, ...]:
    counts = {f"loan_purpose: {' and '.join(MISSPELT_PURPOSES)} put right": int(misspelt.sum())}
    for table in keyed:
        counts[f"{table.name}: there twice, left out once"] = table.repeated
        unused = ~table.frame["cust_id"].isin(loans["cust_id"])
        counts[f"{table.name}: without a loan, left out"] = int(unused.sum())
    return tuple(f"{remark} ({count} rows)" for remark, count in counts.items() if count)
