"""Clean or broken training data, and what the run says of it: which gate, or which refusal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from models.contract import CreditModel, name_from_model
from models.errors import DataError
from models.estimators.families import Family
from models.registry.pointer import Author, promote
from models.registry.versions import publish
from models.stores.store import Store
from models.stores.uri import open_store
from training.promotion import judge
from training.reading.options import DataOptions
from training.reading.row_validation import check_rows
from training.reading.sources import read_source
from training.run import Prepared, TrainingJob, finish, prepare
from training.split import is_test

Frame = pd.DataFrame
Random = np.random.Generator
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CleanData:
    """One model's clean rows, its label, and the two numbers that faults are put into."""

    model: type[CreditModel]
    strong: str
    other: str

    @property
    def name(self) -> str:
        """The name of the model."""
        return name_from_model(self.model)

    def read(self) -> Frame:
        """Read the clean rows."""
        return read_source(self.model, None, 42).frame

    def find_test_rows(self, frame: Frame) -> np.ndarray:
        """Return which rows a run would put into the test part."""
        return np.asarray(is_test(check_rows(self.model, frame, 0).hashes))


Poison = Callable[[CleanData, Frame, Random], Frame]


def flip(share: float, part: str) -> Poison:
    """Exchange the outcomes of a share of the rows: all, or those of the training part."""

    def poison(data: CleanData, frame: Frame, random: Random) -> Frame:
        chosen = random.random(len(frame)) < share
        if part != "all":
            chosen &= data.find_test_rows(frame) == (part == "test")
        labels = frame[data.model.label].to_numpy().copy()
        labels[chosen] = 1 - labels[chosen]
        return frame.assign(**{data.model.label: labels})

    return poison


def repeat_block(data: CleanData, frame: Frame, random: Random) -> Frame:
    """Append a fifth of the rows once more."""
    del data
    start = int(random.integers(len(frame) * 4 // 5))
    return pd.concat([frame, frame.iloc[start : start + len(frame) // 5]], ignore_index=True)


def leak(data: CleanData, frame: Frame, random: Random) -> Frame:
    """Let a number depend on the outcome: it keeps its values, in the order of the outcomes."""
    values = np.sort(frame[data.strong].to_numpy())
    order = np.argsort(frame[data.model.label].to_numpy() + random.normal(0, 0.1, len(frame)))
    leaked = np.empty_like(values)
    leaked[order] = values
    return frame.assign(**{data.strong: leaked})


def swap(data: CleanData, frame: Frame, random: Random) -> Frame:
    """Exchange two columns in a third of the rows, as if one source had confused them."""
    chosen = random.random(len(frame)) < 1 / 3
    first, second = (frame[name].to_numpy(dtype=float).copy() for name in (data.strong, data.other))
    first[chosen], second[chosen] = second[chosen], first[chosen]
    return frame.assign(**{data.strong: first, data.other: second})


def rescale(data: CleanData, frame: Frame, random: Random) -> Frame:
    """Divide a column by 1,000 in a third of the rows, as if one source wrote thousands."""
    chosen = random.random(len(frame)) < 1 / 3
    values = frame[data.strong].to_numpy(dtype=float).copy()
    values[chosen] /= 1_000
    return frame.assign(**{data.strong: values})


def shift_window(data: CleanData, frame: Frame, random: Random) -> Frame:
    """Let a tenth of the good applicants of the test part default, as in a later, worse year."""
    labels = frame[data.model.label].to_numpy().copy()
    chosen = data.find_test_rows(frame) & (random.random(len(frame)) < 0.1)
    labels[chosen] = 1
    return frame.assign(**{data.model.label: labels})


def explode(data: CleanData, frame: Frame, random: Random) -> Frame:
    """Multiply a column by a million in a twentieth of the rows."""
    chosen = random.random(len(frame)) < 1 / 20
    values = frame[data.strong].to_numpy(dtype=float).copy()
    values[chosen] *= 1e6
    return frame.assign(**{data.strong: values})


POISONS: Mapping[str, Poison] = {
    "5 % of labels flipped in the training part": flip(0.05, "train"),
    "10 % of labels flipped in the training part": flip(0.10, "train"),
    "20 % of labels flipped in the training part": flip(0.20, "train"),
    "5 % of all labels flipped": flip(0.05, "all"),
    "10 % of all labels flipped": flip(0.10, "all"),
    "20 % of all labels flipped": flip(0.20, "all"),
    "a fifth of the rows twice": repeat_block,
    "a field that follows the outcome": leak,
    "two columns exchanged in a third of the rows": swap,
    "a column in thousands in a third of the rows": rescale,
    "a later window with 10 % more defaults": shift_window,
    "a column times a million in a twentieth of the rows": explode,
}


@dataclass(frozen=True, slots=True)
class Detection:
    """What stopped a run on poisoned data: gates that refuse, gates that warn, or the contract."""

    refusing: tuple[str, ...]
    warning: tuple[str, ...]


def train_clean(data: CleanData, folder: Path) -> Store:
    """Train and promote a champion on the clean rows."""
    store = open_store((folder / "store").as_uri())
    prepared = _prepare(data, data.read(), folder)
    trained = finish(prepared, prepared.families[0])
    version = publish(store, data.name, trained.bundle.to_bytes(), {}, NOW)
    promote(store, data.name, version, Author("bench", NOW))
    return store


def detect(data: CleanData, poison: Poison, folder: Path, store: Store, seed: int) -> Detection:
    """Poison the rows, train on them, and judge the result against the clean champion."""
    frame = poison(data, data.read(), np.random.default_rng(seed))
    try:
        prepared = _prepare(data, frame, folder)
    except DataError:
        return Detection(("the contract",), ())
    verdict = judge(finish(prepared, prepared.families[0]), store)
    refusing = tuple(gate.base_name for gate in verdict.failures)
    return Detection(refusing, tuple(gate.base_name for gate in verdict.warnings))


def measure_likeness(data: CleanData, family: Family, folder: Path) -> float:
    """Correlate the log-odds of two models of a family, the second fitted to 90 % of the rows."""
    frame = data.read()
    is_in_test = data.find_test_rows(frame)
    is_used = is_in_test | (np.random.default_rng(1).random(len(frame)) < 0.9)
    log_odds = []
    for rows in (frame, frame[is_used]):
        prepared = _prepare(data, rows, folder, family)
        trained = finish(prepared, prepared.families[0])
        log_odds.append(trained.scorer.log_odds_from_matrix(trained.test.matrix))
    first, second = log_odds
    return float(np.corrcoef(first, second)[0, 1])


def _prepare(data: CleanData, frame: Frame, folder: Path, family: Family = "logistic") -> Prepared:
    frame.to_parquet(folder / "rows.parquet")
    return prepare(
        TrainingJob(
            model=data.model,
            data=DataOptions(values={"data": str(folder / "rows.parquet")}),
            seed=42,
            threads=1,
            max_refused_share=0.01,
            families=(family,),
        )
    )
