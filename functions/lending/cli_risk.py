"""Commands of risk reports; each returns what is printed as JSON."""

import argparse
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from functions.lending.assumptions_file import read_assumptions
from functions.lending.settings import read_database_url
from functions.lending.storage.database import Database
from functions.lending.storage.transaction import Job
from models.errors import DataError
from models.lending.expected_loss_rules import EXPECTED_LOSS_RULES
from models.lending.stress import (
    SCENARIO_INPUTS,
    STANDARD_SCENARIOS,
    StressScenario,
    own_scenario,
)


def add_risk_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", day: Callable[[str], date]
) -> None:
    """Add the commands to those of the loan book."""
    report = commands.add_parser(
        "expected-loss", help="store provisions and expected loss of every loan at a day's end"
    )
    report.set_defaults(run=_report)
    report.add_argument("--date", type=day, required=True, help="a closed day")
    report.add_argument("--rules", choices=[*EXPECTED_LOSS_RULES], default="ifrs9")
    report.add_argument(
        "--unscored",
        type=_probability,
        help="12-month probability of loans that no model scored; else the mean of the scored ones",
    )
    report.add_argument(
        "--assumptions", type=Path, help="a TOML file of futures, weights and sensitivity"
    )
    report.add_argument(
        "--verify", action="store_true", help="make a stored report again, and count what differs"
    )
    stress = commands.add_parser("stress", help="stress a stored report, however many loans it has")
    stress.set_defaults(run=_stress)
    stress.add_argument("--scenario", choices=[*STANDARD_SCENARIOS])
    for name in SCENARIO_INPUTS:
        stress.add_argument(
            f"--{name.replace('_', '-')}", type=_points, help="of a scenario of one's own"
        )
    stress.add_argument("--rules", choices=[*EXPECTED_LOSS_RULES], default="ifrs9")
    stress.add_argument("--date", type=day, help="of the report; without it, the latest")


def _report(options: argparse.Namespace) -> dict[str, Any]:
    # numpy takes a while to import, and no other command needs it.
    from functions.lending.risk_reports import (  # noqa: PLC0415
        ReportRequest,
        make_report,
        verify_report,
    )

    with closing(Database(read_database_url(), 1)) as database:
        if options.verify:
            return verify_report(database, options.rules, options.date)
        rules = EXPECTED_LOSS_RULES[options.rules]
        request = ReportRequest(day=options.date, rules=rules, unscored=options.unscored)
        if options.assumptions:
            request = replace(request, **read_assumptions(options.assumptions)._asdict())
        return make_report(database, request, datetime.now(UTC))


def _stress(options: argparse.Namespace) -> dict[str, Any]:
    from functions.lending.actions.stress import StressRequest, stress_book  # noqa: PLC0415

    scenario = _scenario(options)
    request = StressRequest(scenario, options.rules, options.date, is_limited=False)
    with closing(Database(read_database_url(), 1)) as database:
        job = Job(database=database, principal="stress", now=lambda: datetime.now(UTC))
        return dict(job.run(lambda transaction: stress_book(request, transaction)))


def _scenario(options: argparse.Namespace) -> StressScenario:
    """Return the scenario that was named, or one of the points that were."""
    values = {name: getattr(options, name) for name in SCENARIO_INPUTS}
    points = {name: value for name, value in values.items() if value is not None}
    if bool(options.scenario) == bool(points):
        message = (
            "stress: needs either --scenario or points of one's own, such as "
            "--loss-given-default-points 10"
        )
        raise DataError(message)
    return STANDARD_SCENARIOS[options.scenario] if options.scenario else own_scenario(points)


def _points(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        message = f"must be percentage points, such as 2 or -0.5, not {text!r}"
        raise argparse.ArgumentTypeError(message) from error


def _probability(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 < value < 1:
        message = f"must be above 0 and below 1, such as 0.05, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return value
