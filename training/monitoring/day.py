"""One day of monitoring: a window of decisions, the outcomes so far, and what follows from both."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from models.annotations import days_from_date
from models.contract import CreditModel, name_from_model
from models.errors import DataError
from models.registry.pointer import Pointer
from models.registry.serving import LoadedVersion, load_version
from models.registry.store_paths import monitoring_prefix
from models.stores.store import Store
from training.monitoring.challenger import compare_challenger
from training.monitoring.decisions import Decisions, read_decisions
from training.monitoring.drift import Drift, measure_drift
from training.monitoring.objects import create_dated, list_dated
from training.monitoring.outcomes import load_outcomes
from training.monitoring.performance import (
    RealisedPerformance,
    expect_performance,
    measure_performance,
    months_before,
)
from training.monitoring.reference import read_reference
from training.monitoring.refusals import Refusals, measure_refusals
from training.monitoring.signals import Signal, TrainedFigures, is_degraded, judge

FORMAT = 1
SUFFIX = ".json"
WINDOW_DAYS = 28
OUTCOME_MONTHS = 12  # of decisions whose outcomes are judged together
TREND_DAYS = 90
ONE_DAY = timedelta(days=1)
INTERVAL_ERRORS = 2 * 1.959964  # standard errors between the ends of a 95 % interval

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoredDay:
    """Which day of which model is monitored, from which log."""

    model: type[CreditModel]
    day: date
    log: Path
    window_days: int = WINDOW_DAYS

    @property
    def first(self) -> date:
        """The first day of the window."""
        return self.day - timedelta(days=self.window_days - 1)

    @property
    def name(self) -> str:
        """The name of the model."""
        return name_from_model(self.model)


def measure_day(job: MonitoredDay, store: Store, pointer: Pointer) -> Document:
    """Measure a day of the champion: drift, performance, and its challenger if there is one.

    Raises
    ------
    DataError
        If the log cannot be read, the champion has no reference, or an earlier day's object is
        not one.
    """
    loaded = load_version(store, job.model, pointer.champion)
    version = loaded.version
    reference = read_reference(store, job.name, version)
    every = read_decisions(job.name, job.log, job.first, job.day)
    window = every.select(every.versions == version)
    drift = measure_drift(loaded.scorer, reference, window) if len(window) else None
    outcomes = load_outcomes(store, job.name, job.day)
    since = days_from_date(months_before(job.day, OUTCOME_MONTHS))
    own = outcomes[(outcomes["version"] == version) & (outcomes["day"] >= since)]
    realised = measure_performance(own, reference.probabilities, loaded.manifest.default_from)
    refusals = measure_refusals(own)
    signals = judge(len(window), drift, realised, _find_trained(loaded))
    challenger = pointer.challenger
    document = {
        "format": FORMAT,
        "model": job.name,
        "day": job.day.isoformat(),
        "version": version,
        "status": "DEGRADED" if is_degraded(signals) else "OK",
        "signals": [asdict(signal) for signal in signals],
        "window": _describe_window(job, every, window),
        "expected": asdict(expect_performance(window.probabilities)) if len(window) else None,
        "realised": asdict(realised) if realised else None,
        "refusals": asdict(refusals),
        "outcomes": {"known": len(own), "defaults": int(own["outcome"].sum())},
        "drift": asdict(drift) if drift else None,
        "challenger": _compare(outcomes, challenger.version.version if challenger else None),
        "trend": _summarise(signals, drift, window, realised) | _summarise_refusals(refusals),
    }
    return document | {"history": [*_read_history(job, store), _summarise_day(document)]}


def store_day(job: MonitoredDay, store: Store, document: Document) -> str:
    """Write the document of a day, and return the name of the object."""
    data = json.dumps(document, indent=1, allow_nan=False).encode()
    return create_dated(store, monitoring_prefix(job.name), job.day, SUFFIX, data)


def _read_history(job: MonitoredDay, store: Store) -> list[Document]:
    """Read the few figures of each earlier day that are drawn over time, oldest first."""
    first, last, history = job.day - timedelta(days=TREND_DAYS), job.day - ONE_DAY, []
    for day, name in list_dated(store, monitoring_prefix(job.name), SUFFIX, last):
        if day < first:
            continue
        try:
            history.append(_summarise_day(json.loads(store.read(name).data)))
        except (ValueError, KeyError, TypeError) as error:
            message = f"{name}: it is not what monitoring writes; remove it from the store"
            raise DataError(message) from error
    return history


def _summarise_day(document: Document) -> Document:
    return {"day": document["day"], "status": document["status"], **document["trend"]}


def _find_trained(loaded: LoadedVersion) -> TrainedFigures:
    estimate = loaded.manifest.metrics["auc"]
    return TrainedFigures(estimate.value, (estimate.high - estimate.low) / INTERVAL_ERRORS)


def _describe_window(job: MonitoredDay, every: Decisions, window: Decisions) -> Document:
    return {
        "first": job.first.isoformat(),
        "last": job.day.isoformat(),
        "decisions": len(window),
        "of_other_versions": len(every) - len(window),
        "erased": sum(text is None for text in window.features),
        "today": int((window.days == days_from_date(job.day)).sum()),
    }


def _compare(outcomes: Any, version: str | None) -> Document | None:  # noqa: ANN401 -- a frame
    compared = compare_challenger(outcomes, version) if version else None
    return asdict(compared) if compared else None


def _summarise(
    signals: Sequence[Signal],
    drift: Drift | None,
    window: Decisions,
    realised: RealisedPerformance | None,
) -> dict[str, float | None]:
    worst = max((shift.psi for shift in drift.characteristics), default=None) if drift else None
    return {
        "psi": drift.probability.psi if drift else None,
        "worst_characteristic_psi": worst,
        "approved": drift.decisions[0].actual if drift else None,
        "mean_probability": float(window.probabilities.mean()) if len(window) else None,
        "auc": realised.auc if realised else None,
        "default_rate": realised.default_rate if realised else None,
        "fired": float(sum(signal.state == "fired" for signal in signals)),
    }


def _summarise_refusals(refusals: Refusals) -> dict[str, float | None]:
    return {"precision": refusals.precision, "recall": refusals.recall}
