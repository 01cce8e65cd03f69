import numpy as np
import pandas as pd
import pytest

from models.data_file import CsvDialect
from training.reading.inspection import (
    ColumnProfile,
    OutcomeColumn,
    profile_columns,
    suggest_cells,
)

N = 400
RANDOM = np.random.default_rng(1)
OUTCOME = RANDOM.binomial(1, 0.3, N).astype(float)
FRAME = pd.DataFrame(
    {
        "loan": [f"L{i}" for i in range(N)],
        "number": range(N),
        "amount": [f"${1000.25 + 7 * (i % 90):,.2f}" for i in range(N)],
        "rate": [f"{i % 10}.5%" for i in range(N)],
        "home": np.where(np.arange(N) % 3 == 0, "own", "rent"),
        "granted": [f"{1 + i % 28}.{1 + i % 12}.2024" for i in range(N)],
        "children": np.where(np.arange(N) % 4 == 0, "n/a", "2"),
        "nothing": "",
        "country": "IN",
        "employer": [f"employer {i % 90}" for i in range(N)],
        "collected": OUTCOME * 5 + RANDOM.random(N),
    }
)


OUTCOME_COLUMN = OutcomeColumn("outcome", OUTCOME)


def profiles(outcome: OutcomeColumn | None = OUTCOME_COLUMN) -> dict[str, ColumnProfile]:
    dialect = suggest_cells(FRAME, CsvDialect())
    calls: list[None] = []
    columns = profile_columns(FRAME, dialect, outcome, lambda: calls.append(None))
    assert len(calls) == len(FRAME.columns)
    return {profile.name: profile for profile in columns}


def test_the_way_cells_are_written_is_suggested() -> None:
    assert suggest_cells(FRAME, CsvDialect()) == CsvDialect(
        thousands=",", symbols=("$", "%"), missing=("", "n/a"), date="%d.%m.%Y"
    )
    german = pd.DataFrame({"amount": ["1.234,50", "0,5", "7"], "days": ["1.234", "1.000", "2"]})
    assert suggest_cells(german, CsvDialect(delimiter=";")) == CsvDialect(
        delimiter=";", decimal=",", thousands="."
    )
    grouped = pd.DataFrame({"amount": ["1,234", "20"]})
    assert suggest_cells(grouped, CsvDialect(delimiter=";")).thousands == ","


@pytest.mark.parametrize(
    ("name", "kind", "missing", "distinct"),
    [
        ("loan", "text", 0, 400),
        ("number", "integer", 0, 400),
        ("amount", "number", 0, 90),
        ("home", "levels", 0, 2),
        ("granted", "date", 0, 84),
        ("children", "integer", 100, 1),
        ("nothing", "empty", 400, 0),
        ("employer", "text", 0, 90),
    ],
)
def test_every_column_has_a_kind(name: str, kind: str, missing: int, distinct: int) -> None:
    profile = profiles()[name]
    assert (profile.kind, profile.missing, profile.distinct) == (kind, missing, distinct)


def test_numbers_have_a_range_and_levels_their_words() -> None:
    assert (profiles()["amount"].low, profiles()["amount"].high) == (1000.25, 1623.25)
    assert profiles()["home"].levels == ("own", "rent")


@pytest.mark.parametrize(
    ("name", "remark"),
    [
        ("loan", "one value per row: an identifier?"),
        ("number", "one value per row: an identifier?"),
        ("nothing", "no row has a value"),
        ("country", "constant"),
        ("employer", "90 words: too many for levels"),
        ("collected", "tells the outcome almost alone: known only afterwards?"),
    ],
)
def test_suspicious_columns_are_remarked_on(name: str, remark: str) -> None:
    assert remark in profiles()[name].remarks


def test_a_column_that_only_defaulters_have_tells_the_outcome() -> None:
    frame = pd.DataFrame({"collections": np.where(OUTCOME == 1, np.arange(N) % 50 + 1.0, np.nan)})
    [profile] = profile_columns(frame, CsvDialect(), OUTCOME_COLUMN, lambda: None)
    assert profile.auc == 1.0
    assert profile.remarks == ("tells the outcome almost alone: known only afterwards?",)


def test_a_few_unreadable_cells_are_counted() -> None:
    frame = pd.DataFrame({"income": ["1", "2", "3", "4"] * 99 + ["k.A."] * 4})
    [profile] = profile_columns(frame, CsvDialect(), None, lambda: None)
    assert profile.remarks == ("4 cells are no number; they are refused, or declare them missing",)


def test_sound_columns_have_no_remarks() -> None:
    for name in ("amount", "rate", "home", "granted", "children"):
        assert profiles()[name].remarks == ()


def test_without_an_outcome_nothing_is_compared_with_it() -> None:
    assert {profile.auc for profile in profiles(None).values()} == {None}
    assert profiles()["collected"].auc == 1.0
    itself = profiles(OutcomeColumn("collected", OUTCOME))["collected"]
    assert (itself.auc, itself.remarks) == (None, ("the outcome",))
