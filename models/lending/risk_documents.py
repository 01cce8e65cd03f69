"""The assumptions of a report as JSON, and read back: what a later reader makes it again from."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from models.lending.errors import RuleSetError
from models.lending.expected_loss_rules import ExpectedLossRules
from models.lending.loan_risk import Outlook, RiskShift
from models.lending.loss_given_default import RecoveryRules
from models.lending.outlooks import OutlookRules
from models.lending.stress import MacroSensitivity
from models.lending.term_structure import FLAT_HAZARD, HORIZON_MONTHS


class Labelled(Protocol):
    """A versioned rule set."""

    @property
    def label(self) -> str:
        """Name and version."""


Rules = TypeVar("Rules", bound=Labelled)


def assumptions_document(
    rules: ExpectedLossRules,
    recovery: RecoveryRules,
    outlook_rules: OutlookRules,
    sensitivity: MacroSensitivity,
) -> dict[str, Any]:
    """Return what a report rests on, every number as text."""
    return {
        "source": rules.source,
        "note": rules.note,
        "term_structure": FLAT_HAZARD,
        "horizon_months": HORIZON_MONTHS,
        "recovery_rules": recovery.label,
        "recovery_source": recovery.source,
        "outlook_rules": outlook_rules.label,
        "outlook_note": outlook_rules.note,
        "outlooks": [
            {
                "name": outlook.name,
                "weight": str(outlook.weight),
                "odds_factor": str(outlook.shift.odds_factor),
                "loss_given_default_points": str(outlook.shift.loss_given_default_points),
            }
            for outlook in outlook_rules.outlooks(sensitivity)
        ],
        "sensitivity": sensitivity_document(sensitivity),
    }


def sensitivity_document(sensitivity: MacroSensitivity) -> dict[str, str]:
    """Return a sensitivity, and the model that it was measured in."""
    return {
        "interest_rate": str(sensitivity.interest_rate),
        "unemployment_rate": str(sensitivity.unemployment_rate),
        "model": sensitivity.model,
        "model_version": sensitivity.model_version,
    }


def sensitivity_from_document(document: Mapping[str, str]) -> MacroSensitivity:
    """Read the sensitivity of a report."""
    return MacroSensitivity(
        interest_rate=Decimal(document["interest_rate"]),
        unemployment_rate=Decimal(document["unemployment_rate"]),
        model=document["model"],
        model_version=document["model_version"],
    )


def outlooks_from_document(document: Mapping[str, Any]) -> tuple[Outlook, ...]:
    """Read the futures of a report."""
    return tuple(
        Outlook(
            name=entry["name"],
            weight=Decimal(entry["weight"]),
            shift=RiskShift(
                odds_factor=Decimal(entry["odds_factor"]),
                loss_given_default_points=Decimal(entry["loss_given_default_points"]),
            ),
        )
        for entry in document["outlooks"]
    )


def require_version(rules: Rules, label: str) -> Rules:
    """Return rules if they are those that a report names.

    Raises
    ------
    RuleSetError
        If they have another version: the report is made again by the release that made it.
    """
    if rules.label != label:
        rule = f"made this report, and this release has {rules.label}: use the release of then"
        raise RuleSetError(field=label, rule=rule)
    return rules
