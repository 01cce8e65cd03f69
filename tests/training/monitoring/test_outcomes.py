from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.data_file import CsvDialect, OutcomeValue
from models.errors import DataError
from models.stores.uri import open_store
from tests.support.decision_stream import write_decisions
from tests.support.monitored import DAYS, LAST, Champion
from training.monitoring.decisions import Decisions, read_decisions
from training.monitoring.outcomes import (
    join_outcomes,
    load_outcomes,
    read_outcomes,
    store_outcomes,
)

DIALECT = CsvDialect()
WORDS: dict[str, OutcomeValue] = {"1": 1, "0": 0, "?": None}


@pytest.fixture
def decisions(champion: Champion, tmp_path: Path) -> Decisions:
    write_decisions(tmp_path / "log", champion.loaded, champion.part.matrix[:50], DAYS)
    return read_decisions("toy", tmp_path / "log", DAYS[0], DAYS[-1])


def outcomes(**by_id: object) -> pd.DataFrame:
    return pd.DataFrame({"decision_id": list(by_id), "outcome": list(by_id.values())})


def test_outcomes_are_words_or_numbers_by_decision() -> None:
    words: dict[str, OutcomeValue] = {"CHGOFF": 1, "P I F": 0, "CANCLD": None}
    read = read_outcomes(outcomes(a="CHGOFF", b="P I F", c="CANCLD"), DIALECT, words, "outcome")
    assert read.index.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(read, [1, 0, np.nan])


def test_all_faults_are_named_at_once_and_no_value_is_repeated() -> None:
    frame = pd.DataFrame({"decision_id": ["a", "a", "", "d"], "outcome": [0, 1, 0, "secret"]})
    with pytest.raises(DataError) as caught:
        read_outcomes(frame, DIALECT, {}, "outcome")
    message = str(caught.value)
    for part in ("one outcome in all its rows", "decision_id", "0 or 1", "nothing was stored"):
        assert part in message
    assert "secret" not in message
    with pytest.raises(DataError, match="no column decision_id and no column bad; rename theirs"):
        read_outcomes(pd.DataFrame({"id": []}), DIALECT, {}, "bad")


def test_what_cannot_be_joined_is_counted(champion: Champion, decisions: Decisions) -> None:
    read = read_outcomes(
        outcomes(d000000=1, d000001=0, d000002="?", other=1),
        DIALECT,
        {"1": 1, "0": 0, "?": None},
        "outcome",
    )
    joined = join_outcomes(decisions, read, {"v": champion.loaded.scorer})
    assert (len(joined.frame), joined.unmatched, joined.excluded, joined.open) == (2, 1, 1, 47)
    assert joined.frame["probability"].tolist() == decisions.probabilities[:2].tolist()
    assert joined.frame["challenger_probability"].isna().all()


def test_with_a_challenger_both_versions_score_every_row(
    champion: Champion, decisions: Decisions
) -> None:
    read = read_outcomes(outcomes(d000000=1, d000001=0), DIALECT, {}, "outcome")
    scorer = champion.loaded.scorer
    frame = join_outcomes(decisions, read, {"v1": scorer, "v2": scorer}).frame
    assert frame["challenger"].tolist() == ["v2", "v2"]
    for name in ("champion_probability", "challenger_probability"):
        np.testing.assert_allclose(frame[name], decisions.probabilities[:2], rtol=1e-9)


def test_a_default_stays_one_whatever_is_delivered_later(
    champion: Champion, decisions: Decisions, tmp_path: Path
) -> None:
    store = open_store((tmp_path / "store").as_uri())
    scorers = {"v": champion.loaded.scorer}
    for day, by_id in ((26, {"d000000": 1, "d000001": 0}), (27, {"d000000": 0, "d000002": 0})):
        read = read_outcomes(outcomes(**by_id), DIALECT, {}, "outcome")
        frame = join_outcomes(decisions, read, scorers).frame
        store_outcomes(store, "toy", date(2026, 11, day), frame)
    every = load_outcomes(store, "toy", LAST).set_index("decision_id")["outcome"]
    assert every.to_dict() == {"d000000": 1, "d000001": 0, "d000002": 0}
    assert len(load_outcomes(store, "toy", date(2026, 11, 26))) == 2
    assert load_outcomes(store, "toy", date(2026, 11, 1)).empty


def test_the_same_outcomes_again_are_one_object(
    champion: Champion, decisions: Decisions, tmp_path: Path
) -> None:
    store = open_store((tmp_path / "store").as_uri())
    read = read_outcomes(outcomes(d000000=1), DIALECT, {}, "outcome")
    frame = join_outcomes(decisions, read, {"v": champion.loaded.scorer}).frame
    assert {store_outcomes(store, "toy", LAST, frame) for _ in range(2)} == {
        "monitoring/toy/outcomes/2026-11-28-001.parquet"
    }
