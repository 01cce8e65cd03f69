"""Figures of a monitored day: the same from scoring's `/metrics` and from `training monitor`."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from models.figures import Figure

Document = Mapping[str, Any]

# Name without its prefix, meaning, and where the document has it. A part that was not measured,
# and a figure that an older document lacks, is left out.
GAUGES = (
    ("decisions", "Decisions in the window.", "window", "decisions"),
    ("outcomes", "Decisions whose outcome is known.", "outcomes", "known"),
    ("auc", "AUC of the decisions whose outcome is known.", "realised", "auc"),
    ("accuracy", "Share of known outcomes that were predicted.", "realised", "accuracy"),
    ("precision", "Share of defaults among predicted ones.", "realised", "precision"),
    ("recall", "Share of defaults that were predicted.", "realised", "recall"),
    ("refusal_precision", "Share of defaults among those not approved.", "refusals", "precision"),
    ("refusal_recall", "Share of defaults that were not approved.", "refusals", "recall"),
    ("calibration_z", "Defaults beyond those expected, in standard errors.", "realised", "z"),
    ("default_rate", "Default rate of known outcomes.", "realised", "default_rate"),
    ("expected_default_rate", "Mean probability of the window.", "expected", "default_rate"),
    ("expected_auc", "AUC that the probabilities of the window promise.", "expected", "auc"),
)


def list_figures(document: Document) -> Iterator[Figure]:
    """List the figures of a day's document.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it is not a document of monitoring.
    """
    labels = {"model": str(document["model"])}
    yield figure_from_day(document["model"], date.fromisoformat(document["day"]))
    is_degraded = document["status"] == "DEGRADED"
    yield _figure("degraded", "1 if a signal fired on the last monitored day.", labels, is_degraded)
    for name, meaning, part, member in GAUGES:
        value = (document.get(part) or {}).get(member)
        if value is not None:
            yield _figure(name, meaning, labels, value)
    yield from _list_signals(document, labels)
    if document.get("drift"):
        yield from _list_drift(document["drift"], labels)


def figure_from_day(model_name: str, day: date) -> Figure:
    """Return the figure that says when a model was monitored last."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    labels = {"model": str(model_name)}
    return _figure("day_timestamp_seconds", "Start of the last monitored day.", labels, midnight)


def _list_signals(document: Document, labels: Mapping[str, str]) -> Iterator[Figure]:
    for signal in document["signals"]:
        if signal["state"] != "not enough":
            own = {**labels, "signal": signal["name"], "subject": signal["subject"]}
            yield _figure("signal_fired", "1 if a signal fired.", own, signal["state"] == "fired")


def _list_drift(drift: Document, labels: Mapping[str, str]) -> Iterator[Figure]:
    for shift in (drift["probability"], *drift["characteristics"]):
        own = {**labels, "feature": shift["name"]}
        yield _figure("psi", "Population stability index.", own, shift["psi"])
        if shift.get("mean_change") is not None:
            meaning = "Change of the mean since training, as a share of it."
            yield _figure("mean_change", meaning, own, shift["mean_change"])
    for share in drift["decisions"]:
        own = {**labels, "decision": share["decision"]}
        yield _figure("decision_share", "Share of a decision.", own, share["actual"])
        meaning = "Share of a decision on the test part."
        yield _figure("expected_decision_share", meaning, own, share["expected"])


def _figure(name: str, meaning: str, labels: Mapping[str, str], value: float | datetime) -> Figure:
    number = value.timestamp() if isinstance(value, datetime) else float(value)
    return Figure(f"surety_monitor_{name}", meaning, labels, number)
