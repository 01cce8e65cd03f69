"""The yearly review: last year's champion, and columns that tell of the outcome."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.errors import DataError, RegistryError
from models.registry.pointer import Author, promote
from models.registry.versions import Version, publish
from models.stores.store import Store
from models.stores.uri import open_store
from tests.support.toy import Toy
from training import yearly_review
from training.yearly_review import find_champions, rank_columns, review_model

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path.as_uri())


def promoted(store: Store, days_ago: int) -> Version:
    """A version that became champion so many days ago."""
    when = NOW - timedelta(days=days_ago)
    version = publish(store, "toy", f"bundle {days_ago}".encode(), {}, when)
    promote(store, "toy", version, Author("tester", when))
    return version


def test_the_champion_of_a_year_ago_is_the_last_one_promoted_before(store: Store) -> None:
    with pytest.raises(RegistryError, match="toy has no champion: there is nothing to review"):
        find_champions(store, "toy", NOW)
    first = promoted(store, 500)
    assert find_champions(store, "toy", NOW) == (first.version, None)
    second = promoted(store, 366)
    assert find_champions(store, "toy", NOW) == (second.version, None)
    third = promoted(store, 100)
    assert find_champions(store, "toy", NOW) == (third.version, second.version)


def test_without_a_year_of_history_it_is_the_first_one(store: Store) -> None:
    first, second = promoted(store, 90), promoted(store, 30)
    assert find_champions(store, "toy", NOW) == (second.version, first.version)


def made_rows(count: int = 2_000) -> pd.DataFrame:
    random = np.random.default_rng(3)
    risk = random.normal(size=count)
    return pd.DataFrame(
        {
            Toy.label: (risk + random.normal(size=count) > 1).astype(int),
            "customer_id": [f"C{number}" for number in range(count)],
            "seen_on": pd.to_datetime("2026-01-01")
            + pd.to_timedelta(random.integers(0, 9, count), "D"),
            "utilisation": np.where(random.random(count) < 0.1, np.nan, risk),
            "region": np.where(risk > 0.5, "south", "north"),
            "noise": random.normal(size=count),
        }
    )


def test_columns_are_ranked_by_what_they_tell_and_names_of_rows_are_left_out() -> None:
    ranked = rank_columns(Toy, made_rows(), seed=1)
    assert [one.column for one in ranked] == ["utilisation", "region", "noise"]
    assert ranked[0].information_value > 0.5
    assert ranked[2].information_value < 0.1
    assert 0.08 < ranked[0].missing < 0.12
    assert {one.is_read for one in ranked} == {False}
    read = rank_columns(Toy, made_rows().rename(columns={"noise": next(iter(Toy.model_fields))}), 1)
    assert [one.is_read for one in read] == [False, False, True]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (made_rows().drop(columns=Toy.label), f"need the column {Toy.label!r} with 0"),
        (made_rows().assign(**{Toy.label: 0}), "with 0 and 1, and both of them"),
        (made_rows(150), "150 rows with an outcome are too few: 200 are the least"),
    ],
)
def test_rows_that_tell_nothing_are_refused(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        rank_columns(Toy, frame, seed=1)


def test_importances_stand_beside_those_of_last_year(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = promoted(store, 400), promoted(store, 10)
    shares: dict[str, dict[str, float]] = {
        first.version: {"income": 0.7, "age_of_account": 0.3},
        second.version: {"income": 0.6, "inquiries": 0.4},
    }

    def report(_store: Store, _name: str, version: str) -> dict[str, Any]:
        listed = [{"field": f, "share": s} for f, s in shares[version].items()]
        return {"explanations": {"importances": listed}}

    monkeypatch.setattr(yearly_review, "read_report", report)
    review = review_model(store, Toy, made_rows(), NOW, seed=1)
    assert review["importances"] == [
        {"field": "income", "before": 0.7, "now": 0.6},
        {"field": "inquiries", "before": None, "now": 0.4},
        {"field": "age_of_account", "before": 0.3, "now": None},
    ]
    assert (review["champion"], review["year_before"]) == (second.version, first.version)
    assert json.loads(json.dumps(review)) == review
