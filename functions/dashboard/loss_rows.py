"""Rows of a report of expected loss: stages, classes, the allowance, assumptions."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from functions.client.portfolio_responses import (
    AllowanceLines,
    ClassProvision,
    RiskLoan,
    StageLoss,
)
from functions.dashboard.display import money, number, percent, t, words
from functions.dashboard.lists import Row
from models.lending.money import ZERO

# In the order of the reconciliation, and whether they add to the allowance or take from it.
MOVEMENTS = (
    *(("transfers_in", 1), ("transfers_out", -1), ("new", 1), ("remeasured", 1)),
    *(("derecognised", -1), ("written_off", -1)),
)


def stage_rows(stages: Sequence[StageLoss]) -> list[Row]:
    """Return one row a stage; stage 0 is that of rules without stages."""
    return [
        {
            t("loss.stage"): t("loss.stage_name", number=s.stage)
            if s.stage
            else t("loss.no_stage"),
            t("columns.loans"): number(s.loans),
            t("loss.gross"): money(s.gross),
            t("loss.expected_loss"): money(s.expected_loss),
        }
        for s in stages
    ]


def class_rows(classes: Sequence[ClassProvision]) -> list[Row]:
    """Return one row an asset class."""
    return [
        {
            t("columns.asset_class"): words(c.asset_class),
            t("columns.loans"): number(c.loans),
            t("columns.outstanding"): money(c.outstanding),
            t("loss.covered"): money(c.covered_provision),
            t("loss.uncovered"): money(c.uncovered_provision),
            t("loss.provision"): money(c.provision),
        }
        for c in classes
    ]


def allowance_steps(lines: Sequence[AllowanceLines]) -> list[tuple[str, Decimal]]:
    """Return the movements of all stages together; a transfer between stages adds nothing."""
    sums = [
        (words(name), sign * sum((Decimal(str(getattr(line, name))) for line in lines), ZERO))
        for name, sign in MOVEMENTS[2:]
    ]
    transfers = sum(
        (Decimal(str(line.transfers_in)) - Decimal(str(line.transfers_out)) for line in lines), ZERO
    )
    return [(t("loss.transfers"), transfers), *sums] if transfers else sums


def allowance_rows(lines: Sequence[AllowanceLines]) -> list[Row]:
    """Return one row a stage: from the report before to this one."""
    names = ("opening", *(name for name, _ in MOVEMENTS), "closing")
    return [
        {
            t("loss.stage"): t("loss.stage_name", number=line.stage),
            **{words(name): money(getattr(line, name)) for name in names},
        }
        for line in lines
    ]


def risk_loan_rows(loans: Sequence[RiskLoan]) -> list[Row]:
    """Return one row a loan of a report."""
    return [
        {
            t("columns.loan"): loan.loan_id,
            t("columns.asset_class"): words(loan.asset_class),
            t("loss.stage"): loan.stage,
            t("columns.dpd"): loan.days_past_due,
            t("loss.months_left"): loan.months_left,
            t("loss.gross"): money(loan.gross),
            t("columns.probability"): _share(loan.probability_of_default),
            t("loss.loss_given_default"): _share(loan.loss_given_default),
            t("loss.expected_loss"): money(loan.expected_loss),
            t("loss.provision"): money(loan.provision),
        }
        for loan in loans
    ]


def assumption_rows(assumptions: Mapping[str, Any]) -> list[Row]:
    """Return one row a value of the report's assumptions, however deep it stands."""
    return [{t("case.what"): name, t("case.value"): value} for name, value in _flat(assumptions)]


def _share(value: float | str) -> str:
    return percent(100 * Decimal(str(value)), 4)


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 -- JSON
    entries: list[tuple[str, Any]] = []
    if isinstance(value, Mapping):
        entries = [(words(key), member) for key, member in value.items()]
    elif isinstance(value, list):
        entries = [(str(number), member) for number, member in enumerate(value, start=1)]
    else:
        yield name, str(value)
    for key, member in entries:
        yield from _flat(member, f"{name}: {key}" if name else key)
