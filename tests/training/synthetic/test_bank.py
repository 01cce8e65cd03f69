"""The synthetic bank: what it delivers, and that its defaults follow what its tables show."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from training.pipeline.contract_check import check_rows, separate_repeated
from training.pipeline.delivery import batch_from_rows
from training.pipeline.tables import TABLES
from training.synthetic.bank import DOWNTURN, Bank, generate_bank

LAST_DAY = date(2026, 11, 28)


@pytest.fixture(scope="module")
def bank() -> Bank:
    return generate_bank(LAST_DAY, seed=42, customers=800)


def test_the_same_seed_gives_the_same_bank(bank: Bank) -> None:
    again = generate_bank(LAST_DAY, seed=42, customers=800)
    for name, table in bank.tables.items():
        pd.testing.assert_frame_equal(table, again.tables[name])


def test_the_history_has_thirty_months_and_ends_on_its_last_day(bank: Bank) -> None:
    assert bank.first_day == date(2024, 6, 1)
    for table in bank.tables.values():
        assert table["arrives"].between(pd.Timestamp(bank.first_day), pd.Timestamp(LAST_DAY)).all()


@pytest.mark.parametrize("name", list(TABLES))
def test_every_row_follows_its_contract_on_the_day_it_arrives(bank: Bank, name: str) -> None:
    busiest = bank.tables[name]["arrives"].mode()[0].date()
    rows = bank.select_day(name, busiest)
    plain = rows.astype(object).where(rows.notna(), None)
    records = [dict(zip(plain.columns, row, strict=True)) for row in plain.to_numpy()]
    checked = check_rows(TABLES[name], [batch_from_rows(records)], busiest)
    accepted, repeated = separate_repeated(TABLES[name], checked.accepted)
    assert (checked.refused, repeated) == ((), ())
    assert accepted.num_rows == len(rows) > 0


def test_who_has_defaulted_has_no_statement_afterwards(bank: Bank) -> None:
    statements = bank.tables["bureau_scores"].groupby("customer_id")["scored_on"].max()
    defaults = bank.tables["defaults"].set_index("customer_id")["defaulted_on"]
    last = statements.reindex(defaults.index)
    assert (last < defaults).all()


def test_a_late_payment_comes_again_on_the_day_it_is_paid(bank: Bank) -> None:
    payments = bank.tables["payments"]
    open_ones = payments[payments["paid_on"].isna()]
    paid = payments[payments["arrives"] > payments["due_date"]]
    assert set(paid["payment_id"]) <= set(open_ones["payment_id"])
    assert (paid["paid_on"] == paid["arrives"]).all()


def test_a_low_score_and_a_downturn_bring_defaults(bank: Bank) -> None:
    scores = bank.tables["bureau_scores"].groupby("customer_id")["payment_history_score"].first()
    is_bad = scores.index.isin(bank.tables["defaults"]["customer_id"])
    half = scores < scores.median()
    assert is_bad[half].mean() > 2 * is_bad[~half].mean()
    months = bank.tables["defaults"]["defaulted_on"].dt.to_period("M")
    number = (months - pd.Period("2024-06", "M")).map(lambda offset: offset.n)
    rate = number.isin(list(DOWNTURN)).sum() / len(DOWNTURN)
    assert rate > (~number.isin(list(DOWNTURN))).sum() / (30 - len(DOWNTURN))


def test_an_indicator_is_released_after_its_month(bank: Bank) -> None:
    rates = bank.tables["macro_indicators"]
    delays = (rates["released_on"] - rates["period"]).dt.days
    assert delays.min() >= 28
    assert np.isfinite(rates["value"]).all()
