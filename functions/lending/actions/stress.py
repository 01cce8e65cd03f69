"""A stress of the last report's loans: before, after, and the waterfall between."""

from datetime import date
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from typing_extensions import TypedDict

from functions.lending.actions.risk_figures import Wanted, describe_report, money, require_report
from functions.lending.errors import TransitionError
from functions.lending.storage.report_index import StoredReport
from functions.lending.storage.risk_storage import (
    inputs_from_rows,
    number_column,
    read_report_rows,
)
from functions.lending.storage.transaction import Transaction
from models.lending.expected_loss_rules import expected_loss_rules_from_name
from models.lending.loan_risk import RiskShift
from models.lending.provision_rules import HUNDRED, RBI_PROVISIONS_2025
from models.lending.risk_documents import (
    outlooks_from_document,
    require_version,
    sensitivity_document,
    sensitivity_from_document,
)
from models.lending.stress import (
    ASSUMPTION,
    OWN,
    SCENARIO_INPUTS,
    StressScenario,
    stress_steps,
)
from models.lending.stress_totals import (
    StressedBook,
    StressTotals,
    next_provisions,
    sum_under_stress,
)

MOST_LOANS = 200_000  # in a request; a larger book's stress is a job
RATIO_DIGITS = 4


class StressRequest(NamedTuple):
    """A scenario, and the report whose loans it meets."""

    scenario: StressScenario
    rule_set: str = "ifrs9"
    day: date | None = None
    is_limited: bool = True


class StressFigures(TypedDict):
    """The book before or after: measured today, and projected for a year ahead."""

    expected_loss: float
    stage_2_loans: int
    provisions: float
    npa_ratio_percent: float | None
    projected_provisions: float
    projected_npa_ratio_percent: float | None


class WaterfallStep(TypedDict):
    """What one input of the scenario adds, after those before it."""

    cause: str
    expected_loss: float
    projected_provisions: float
    projected_npa: float


class StressReply(TypedDict):
    """A stressed book, with all that the answer rests on."""

    as_of: str
    rule_set: str
    provision_rules: str
    made_at: str
    loans: int
    scenario: dict[str, str]
    sensitivity: dict[str, str]
    assumption: str
    before: StressFigures
    after: StressFigures
    waterfall: list[WaterfallStep]


def stress_book(request: StressRequest, transaction: Transaction) -> StressReply:
    """Return the book under a scenario.

    Raises
    ------
    TransitionError
        If a request asks for more loans than it can wait for.
    """
    report = require_report(Wanted(request.rule_set, request.day), transaction)
    if request.is_limited and report.loans > MOST_LOANS:
        message = (
            f"the report has {report.loans} loans, and a request stresses at most {MOST_LOANS}: "
            f"run `{_command(request, report)}`"
        )
        raise TransitionError(message)
    sensitivity = sensitivity_from_document(report.assumptions["sensitivity"])
    steps = stress_steps(request.scenario, sensitivity)
    shifts = [RiskShift(), *(step.shift for step in steps)]
    totals = _sum_report(report, shifts, transaction)
    causes = [step.cause for step in steps]
    return {
        **describe_report(report),
        "loans": totals[0].number,
        "scenario": {
            "name": request.scenario.name,
            **{name: str(getattr(request.scenario, name)) for name in SCENARIO_INPUTS},
        },
        "sensitivity": sensitivity_document(sensitivity),
        "assumption": ASSUMPTION,
        "before": _figures(totals[0], totals[0]),
        "after": _figures(totals[0], totals[-1]),
        "waterfall": [
            _difference(cause, before, after)
            for cause, before, after in zip(causes, totals, totals[1:], strict=False)
        ],
    }


def _command(request: StressRequest, report: StoredReport) -> str:
    """Return the command that stresses the same report by the same scenario."""
    scenario = request.scenario
    values = {name: getattr(scenario, name) for name in SCENARIO_INPUTS}
    points = " ".join(f"--{n.replace('_', '-')} {value}" for n, value in values.items() if value)
    chosen = points if scenario.name == OWN else f"--scenario {scenario.name}"
    return (
        f"python -m functions.lending stress {chosen} --rules {request.rule_set} "
        f"--date {report.as_of}"
    )


def _sum_report(
    report: StoredReport, shifts: list[RiskShift], transaction: Transaction
) -> list[StressTotals]:
    name = report.rule_set.split("@", maxsplit=1)[0]
    rules = require_version(expected_loss_rules_from_name(name), report.rule_set)
    provisions = require_version(RBI_PROVISIONS_2025, report.provision_rules)
    outlooks = outlooks_from_document(report.assumptions)
    totals = [StressTotals() for _ in shifts]
    for rows in read_report_rows(transaction.connection, report, provisions.asset_classes):
        inputs = inputs_from_rows(rows, provisions.asset_classes)
        names = ("covered_provision", "uncovered_provision")
        provision = np.sum([number_column(rows, column) for column in names], axis=0)
        book = StressedBook(
            loans=inputs.loans,
            outstanding=inputs.exposures.outstanding,
            provision=provision,
            next_provision=next_provisions(
                inputs.exposures, provision, inputs.loans.is_impaired, provisions
            ),
        )
        for index, shift in enumerate(shifts):
            totals[index] += sum_under_stress(book, outlooks, rules, shift)
    return totals


def _figures(today: StressTotals, totals: StressTotals) -> StressFigures:
    """Return figures under a shift; what is true today does not change with it."""
    return {
        "expected_loss": float(money(totals.expected_loss)),
        "stage_2_loans": totals.stage_2,
        "provisions": float(money(today.provision)),
        "npa_ratio_percent": _percent(today.npa, today.outstanding),
        "projected_provisions": float(money(totals.provision_in_a_year)),
        "projected_npa_ratio_percent": _percent(totals.npa_in_a_year, totals.outstanding),
    }


def _difference(cause: str, before: StressTotals, after: StressTotals) -> WaterfallStep:
    return {
        "cause": cause,
        "expected_loss": float(money(after.expected_loss - before.expected_loss)),
        "projected_provisions": float(
            money(after.provision_in_a_year - before.provision_in_a_year)
        ),
        "projected_npa": float(money(after.npa_in_a_year - before.npa_in_a_year)),
    }


def _percent(part: int, total: int) -> float | None:
    return float(round(HUNDRED * Decimal(part) / Decimal(total), RATIO_DIGITS)) if total else None
