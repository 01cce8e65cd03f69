"""Outcomes of decisions: joined to the log once they are known, and stored by day.

A stored row has what performance needs, and no value of an application: erasing an applicant from
the log leaves nothing of theirs here but a decision id.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models.data_file import CsvDialect, OutcomeValue
from models.errors import DataError
from models.features import features
from models.metrics import Probabilities
from models.registry.store_paths import outcomes_prefix
from models.scorer import Scorer, probabilities_from_log_odds
from models.stores.store import Store
from training.monitoring.decisions import Decisions
from training.monitoring.objects import create_dated, list_dated
from training.reading.cells import convert_outcomes
from training.reading.faults import RowFault, summarise
from training.reading.special_columns import text_from_key

ID, LABEL = "decision_id", "outcome"
SUFFIX = ".parquet"
COLUMNS = (
    *("decision_id", "day", "variant", "version", "probability", "decision", "outcome"),
    *("champion_probability", "challenger", "challenger_probability"),
)


@dataclass(frozen=True, slots=True, eq=False)
class JoinedOutcomes:
    """Outcomes with their decisions, and what could not be joined.

    `unmatched` are outcomes without a decision in the log, `open` decisions without an outcome.
    `excluded` are outcomes that are declared to be left out.
    """

    frame: pd.DataFrame
    unmatched: int
    excluded: int
    open: int


def read_outcomes(
    frame: pd.DataFrame, dialect: CsvDialect, words: Mapping[str, OutcomeValue], label: str
) -> pd.Series:
    """Return 1, 0, or NaN for an excluded outcome, by decision id.

    Raises
    ------
    DataError
        If a column is missing, or a row has no id, an unreadable outcome, or an id with another
        outcome in another row. All kinds of faults are named at once.
    """
    absent = [name for name in (ID, label) if name not in frame]
    if absent:
        message = f"the outcomes have no column {' and no column '.join(absent)}; rename theirs"
        raise DataError(message)
    ids = [text_from_key(value) for value in frame[ID]]
    cells = convert_outcomes(frame[label], dialect, words)
    faults = [RowFault(i, ID, "Value should be there") for i, one in enumerate(ids) if not one]
    faults += [
        RowFault(i, label, "Outcome should be 0 or 1, or a word that --outcome declares")
        for i in np.flatnonzero(cells.unreadable).tolist()
    ]
    read = pd.Series(cells.numbers, index=pd.Index(ids, name=ID))
    grouped = read.fillna(-1).groupby(level=0)
    differing = grouped.min() != grouped.max()
    faults += [
        RowFault(i, label, "Decision should have one outcome in all its rows")
        for i in np.flatnonzero(read.index.isin(differing.index[differing])).tolist()
    ]
    if faults:
        described = "; ".join(f.describe() for f in summarise(faults, range(1, len(frame) + 1)))
        message = f"outcomes: {described}; nothing was stored"
        raise DataError(message)
    return read[~read.index.duplicated()]


def join_outcomes(
    decisions: Decisions, outcomes: pd.Series, scorers: Mapping[str, Scorer]
) -> JoinedOutcomes:
    """Join outcomes to the decisions of a log by their ids.

    `scorers` are those in service by version, the champion first. If there is a challenger, both
    score every row again, so that they can be compared in pairs.
    """
    frame = pd.DataFrame(
        {
            "decision_id": decisions.ids,
            "day": decisions.days,
            "variant": decisions.variants,
            "version": decisions.versions,
            "probability": decisions.probabilities,
            "decision": decisions.decisions,
            **_score_in_pairs(decisions, scorers),
        }
    )
    joined = frame.assign(outcome=frame["decision_id"].map(outcomes))
    matched = outcomes.index.isin(frame["decision_id"])
    excluded = int(outcomes[matched].isna().sum())
    return JoinedOutcomes(
        frame=joined.dropna(subset="outcome").astype({"outcome": np.int64})[list(COLUMNS)],
        unmatched=int((~matched).sum()),
        excluded=excluded,
        open=len(frame) - int(matched.sum()),
    )


def _score_in_pairs(decisions: Decisions, scorers: Mapping[str, Scorer]) -> dict[str, object]:
    if len(scorers) < 2:  # noqa: PLR2004 -- a champion alone
        return {"champion_probability": np.nan, "challenger": "", "challenger_probability": np.nan}
    champion, challenger = list(scorers)[:2]
    return {
        "champion_probability": _score_again(scorers[champion], decisions),
        "challenger": challenger,
        "challenger_probability": _score_again(scorers[challenger], decisions),
    }


def _score_again(scorer: Scorer, decisions: Decisions) -> Probabilities:
    """Return the probabilities that a version gives to decisions: NaN where features are gone."""
    matrix, present = decisions.decode_features(len(features(scorer.model)))
    probabilities = np.full(len(decisions), np.nan)
    if len(matrix):
        probabilities[present] = probabilities_from_log_odds(scorer.log_odds_from_matrix(matrix))
    return probabilities


def store_outcomes(store: Store, model_name: str, day: date, frame: pd.DataFrame) -> str:
    """Write the outcomes that became known on a day, and return the name of the object."""
    stream = io.BytesIO()
    frame.sort_values("decision_id").to_parquet(stream, index=False)
    return create_dated(store, outcomes_prefix(model_name), day, SUFFIX, stream.getvalue())


def load_outcomes(store: Store, model_name: str, last: date) -> pd.DataFrame:
    """Read all outcomes until a day, one a decision: a default stays one, whatever came later."""
    names = [name for _, name in list_dated(store, outcomes_prefix(model_name), SUFFIX, last)]
    frames = [pd.read_parquet(io.BytesIO(store.read(name).data)) for name in names]
    if not frames:
        return pd.DataFrame({name: [] for name in COLUMNS})
    every = pd.concat(frames, ignore_index=True)
    worst = every.sort_values("outcome", kind="stable")
    return worst.drop_duplicates("decision_id", keep="last").reset_index(drop=True)
