from typing import Any

import pytest

from models.registry.monitored_figures import list_figures

DOCUMENT: dict[str, Any] = {
    "model": "toy",
    "day": "2026-11-28",
    "status": "DEGRADED",
    "signals": [
        {"name": "auc", "subject": "all", "state": "fired"},
        {"name": "calibration", "subject": "all", "state": "quiet"},
        {"name": "decision_share", "subject": "all", "state": "not enough"},
    ],
    "window": {"decisions": 1_120},
    "outcomes": {"known": 600},
    "realised": {"auc": 0.71, "accuracy": 0.88, "z": 4.0, "default_rate": 0.12},
    "expected": None,
    "drift": {
        "probability": {"name": "probability", "psi": 0.02},
        "characteristics": [
            {"name": "income", "psi": 0.2, "mean_change": -0.11},
            {"name": "home", "psi": 0.01, "mean_change": None},
        ],
        "decisions": [{"decision": "approve", "actual": 0.6, "expected": 0.7}],
    },
}


def samples(document: dict[str, Any]) -> dict[tuple[str, ...], float]:
    """Values by name and labels, without the prefix and the model."""
    values = {}
    for figure in list_figures(document):
        model, *others = figure.labels.values()
        assert model == "toy"
        values[(figure.name.removeprefix("surety_monitor_"), *others)] = figure.value
    return values


def test_every_part_of_a_day_has_its_figures() -> None:
    assert samples(DOCUMENT) == {
        ("day_timestamp_seconds",): 1_795_824_000,
        ("degraded",): 1,
        ("decisions",): 1_120,
        ("outcomes",): 600,
        ("auc",): 0.71,
        ("accuracy",): 0.88,
        ("calibration_z",): 4.0,
        ("default_rate",): 0.12,
        ("signal_fired", "auc", "all"): 1,
        ("signal_fired", "calibration", "all"): 0,
        ("psi", "probability"): 0.02,
        ("psi", "income"): 0.2,
        ("mean_change", "income"): -0.11,
        ("psi", "home"): 0.01,
        ("decision_share", "approve"): 0.6,
        ("expected_decision_share", "approve"): 0.7,
    }


def test_a_day_without_decisions_and_outcomes_has_its_date_and_status() -> None:
    nothing: dict[str, Any] = {
        "window": {"decisions": 0},
        "signals": [],
        "realised": None,
        "drift": None,
    }
    assert set(samples(DOCUMENT | nothing | {"status": "OK"})) == {
        ("day_timestamp_seconds",),
        ("degraded",),
        ("decisions",),
        ("outcomes",),
    }


def test_what_is_no_document_of_monitoring_is_an_error() -> None:
    with pytest.raises(KeyError):
        list(list_figures({"model": "toy"}))
