"""The month-end job: provisions and expected loss of every loan, stored with what they came from.

One report for each day and rule set, made once, in one transaction. Made again from its stored
inputs, it is the same: `verify_report` shows it.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import Connection, insert, text

from functions.lending.errors import NotInBookError, TransitionError
from functions.lending.risk_rows import read_book, restate_loans
from functions.lending.storage import risk_tables
from functions.lending.storage.binary_copy import FixedColumn, Rows, integers, write_rows
from functions.lending.storage.database import WHOLE_BOOK, Database, begin
from functions.lending.storage.identifiers import new_id
from functions.lending.storage.report_index import StoredReport, find_report
from functions.lending.storage.risk_storage import (
    NOBODY,
    NUMBERS,
    inputs_from_rows,
    number_column,
    read_report_rows,
)
from functions.lending.storage.risk_tables import RISK_INPUTS, RISK_RESULTS, SUMS
from functions.lending.storage.transaction import open_business_date
from models.lending.errors import AmountError
from models.lending.expected_loss_arrays import ArrayAssessment, assess_arrays
from models.lending.expected_loss_rules import ExpectedLossRules, expected_loss_rules_from_name
from models.lending.loss_given_default import BACKSTOP, RecoveryRules
from models.lending.outlooks import HOUSE_OUTLOOKS, OutlookRules
from models.lending.provision_arrays import ProvisionArrays, provision_arrays
from models.lending.provision_rules import RBI_PROVISIONS_2025, ProvisionRules
from models.lending.risk_documents import (
    assumptions_document,
    outlooks_from_document,
    require_version,
)
from models.lending.risk_inputs import BookColumns, RiskInputs, RiskRules, risk_from_book
from models.lending.sensitivities import CUSTOMER_SENSITIVITY
from models.lending.stress import MacroSensitivity
from models.lending.term_structure import require_probability

STAGED_COLUMNS = (
    *(FixedColumn("loan_id", "identifier"), FixedColumn("decision_id", "identifier")),
    *(FixedColumn("branch_id", "small"), *integers(*NUMBERS)),
)
STAGED = text(f"""
CREATE TEMPORARY TABLE staged_risk (loan_id uuid, decision_id uuid, branch_id smallint,
    {", ".join(f"{name} bigint" for name in NUMBERS)}) ON COMMIT DROP
""")
KEEP = text(f"""
WITH moved AS (DELETE FROM staged_risk RETURNING *)
INSERT INTO risk_loans (report_id, loan_id, branch_id, decision_id, asset_class,
        {", ".join(NUMBERS[1:])})
    SELECT :report, loan_id, branch_id, nullif(decision_id, :nobody),
        (CAST(:classes AS text[]))[class_index + 1], {", ".join(NUMBERS[1:])} FROM moved
""")  # noqa: S608 -- names of ours
MOVEMENTS = text("""
INSERT INTO risk_movements
    SELECT CAST(:report AS uuid), coalesce(b.branch_id, a.branch_id), a.stage, b.stage,
        CASE WHEN b.loan_id IS NULL THEN CASE WHEN l.status IN ('written_off', 'settled')
            THEN 'written_off' ELSE 'derecognised' END END,
        count(*), coalesce(sum(a.expected_loss), 0), coalesce(sum(b.expected_loss), 0)
    FROM (SELECT * FROM risk_loans WHERE report_id = :earlier) AS a
        FULL JOIN (SELECT * FROM risk_loans WHERE report_id = :report) AS b USING (loan_id)
        LEFT JOIN loans l ON b.loan_id IS NULL AND l.id = a.loan_id
    GROUP BY 2, 3, 4, 5
""")
MODELS = text("""
SELECT coalesce(d.model || '@' || d.model_version, 'none') AS model, count(*) AS number
FROM risk_loans r LEFT JOIN decisions d ON d.id = r.decision_id
WHERE r.report_id = :report GROUP BY 1 ORDER BY 1
""")
MEAN_SCORE = text("""
SELECT avg(d.probability_of_default) FROM loans l
    JOIN decisions d ON d.application_id = l.application_id
WHERE l.status = 'active' AND d.probability_of_default IS NOT NULL
""")
CLASSIFIED = text("""
SELECT rule_set, count(*) AS number FROM loans WHERE status = 'active' GROUP BY rule_set
""")
PROBABILITY_STEP = Decimal(1).scaleb(-17)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """The day of a report, and every rule that goes into it."""

    day: date
    rules: ExpectedLossRules
    provisions: ProvisionRules = RBI_PROVISIONS_2025
    recovery: RecoveryRules = BACKSTOP
    outlooks: OutlookRules = HOUSE_OUTLOOKS
    sensitivity: MacroSensitivity = CUSTOMER_SENSITIVITY
    unscored: Decimal | None = None  # without it, the mean of the loans that were scored


@dataclass(slots=True)
class _Counts:
    loans: int = 0
    unscored: int = 0
    computed_again: int = 0
    cells: Counter[tuple[tuple[int, ...], str]] = field(default_factory=Counter)


def make_report(database: Database, request: ReportRequest, now: datetime) -> dict[str, Any]:
    """Make the report of a day, unless it was made before; return what it counted.

    Raises
    ------
    TransitionError
        If the day is not closed yet.
    RuleSetError
        If some loans have classes of a rule set that the provisions are not for.
    """

    def work(connection: Connection) -> dict[str, Any]:
        open_day = open_business_date(connection)
        if request.day >= open_day:
            message = f"{request.day} is not closed: the open day is {open_day}; run `close` first"
            raise TransitionError(message)
        earlier = find_report(connection, request.rules.name, day=request.day)
        if earlier:
            return _describe(earlier, made=False)
        return _describe(_make(connection, request, now), made=True)

    done: dict[str, Any] = _in_one_moment(database, work)
    return done


def _in_one_moment(database: Database, work: Callable[[Connection], Any]) -> Any:  # noqa: ANN401 -- of the work
    """Run a long transaction that sees the book as it was when it began."""
    with database.engine.connect() as connection:
        snapshot = connection.execution_options(isolation_level="REPEATABLE READ")
        begin(snapshot, WHOLE_BOOK)
        snapshot.execute(text("SELECT set_config('statement_timeout', '0', true)"))
        done = work(snapshot)
        snapshot.commit()
        return done


def _make(connection: Connection, request: ReportRequest, now: datetime) -> StoredReport:
    classified = connection.execute(CLASSIFIED)
    request.provisions.require_classified({row.rule_set: row.number for row in classified})
    restate_loans(connection, request.day)
    unscored, source = _stand_in(connection, request)
    rules = RiskRules(recovery=request.recovery, provisions=request.provisions, unscored=unscored)
    making = _Making(connection=connection, report_id=new_id(), request=request, rules=rules)
    report_id, counts = making.report_id, making.counts
    connection.execute(STAGED)
    for rows in read_book(connection, request.day, request.recovery, request.provisions):
        making.add(rows)
    models = connection.execute(MODELS, {"report": report_id}).all()
    report = StoredReport(
        id=report_id,
        as_of=request.day,
        rule_set=request.rules.label,
        provision_rules=request.provisions.label,
        assumptions=assumptions_document(
            request.rules, request.recovery, request.outlooks, request.sensitivity
        )
        | {"unscored_probability": str(unscored), "unscored_from": source},
        models={row.model: row.number for row in models},
        loans=counts.loans,
        unscored=counts.unscored,
        computed_again=counts.computed_again,
        created_at=now,
    )
    connection.execute(insert(risk_tables.risk_reports), report._asdict())
    _write_cells(connection, report_id, request.provisions, counts)
    earlier = find_report(connection, request.rules.name, before=request.day)
    if earlier and request.rules.stages:
        connection.execute(MOVEMENTS, {"report": report_id, "earlier": earlier.id})
    return report


def _stand_in(connection: Connection, request: ReportRequest) -> tuple[Decimal, str]:
    """Return the probability of loans that no model has scored, and where it comes from."""
    if request.unscored is not None:
        return require_probability("unscored", request.unscored), "option --unscored"
    mean: Decimal | None = connection.execute(MEAN_SCORE).scalar_one()
    if mean is None:
        rule = "has no default: no active loan was scored; state a probability with --unscored"
        raise AmountError(field="unscored", rule=rule)
    return mean.quantize(PROBABILITY_STEP), "mean of the active loans that were scored"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Making:
    """A report that is being made."""

    connection: Connection
    report_id: UUID
    request: ReportRequest
    rules: RiskRules
    counts: _Counts = field(default_factory=_Counts)

    def add(self, rows: Rows) -> None:
        """Compute, store and count some loans of the book."""
        request, counts = self.request, self.counts
        names = [column.name for column in fields(BookColumns)]
        book = BookColumns(**{name: number_column(rows, name) for name in names})
        inputs = risk_from_book(book, self.rules)
        outlooks = request.outlooks.outlooks(request.sensitivity)
        assessed = assess_arrays(inputs.loans, outlooks, request.rules)
        provisions = provision_arrays(inputs.exposures, request.provisions)
        arrays = _columns(inputs, assessed, provisions)
        keys = {name: rows[name] for name in ("loan_id", "decision_id", "branch_id")}
        write_rows(self.connection, "staged_risk", STAGED_COLUMNS, keys | arrays)
        values = {"report": self.report_id, "nobody": UUID(NOBODY)}
        classes = list(request.provisions.asset_classes)
        self.connection.execute(KEEP, values | {"classes": classes})
        counts.loans += len(rows)
        counts.unscored += inputs.unscored
        counts.computed_again += assessed.computed_again
        counts.cells.update(_sum_cells(number_column(rows, "branch_id"), arrays))


def _columns(
    inputs: RiskInputs, assessed: ArrayAssessment, provisions: ProvisionArrays
) -> dict[str, Any]:
    exposures = inputs.exposures
    columns = {name: getattr(inputs.loans, name).astype(np.int64) for name in RISK_INPUTS}
    return columns | {
        "class_index": exposures.asset_class,
        "outstanding": exposures.outstanding,
        "security": exposures.realisable_security,
        "is_unsecured": exposures.is_unsecured.astype(np.int64),
        "stage": assessed.stage,
        "expected_loss": assessed.expected_loss,
        "covered_provision": provisions.covered_provision,
        "uncovered_provision": provisions.uncovered_provision,
    }


def _sum_cells(branches: Any, arrays: Mapping[str, Any]) -> dict[tuple[tuple[int, ...], str], int]:  # noqa: ANN401 -- an array
    """Sum amounts up by branch, class, NPA and stage."""
    sums = {name: arrays[name] for name in SUMS if name != "gross"}
    sums |= {"gross": arrays["undue_principal"] + arrays["overdue"]}
    sums |= {"number": np.ones_like(branches)}
    key = np.stack([branches, *(arrays[n] for n in ("class_index", "is_impaired", "stage"))])
    groups, group = np.unique(key, axis=1, return_inverse=True)
    cells = {}
    for name, values in sums.items():
        totals = np.zeros(groups.shape[1], dtype=np.int64)
        np.add.at(totals, group, values)
        for index, total in enumerate(totals.tolist()):
            cells[tuple(groups[:, index].tolist()), name] = total
    return cells


def _write_cells(
    connection: Connection, report_id: UUID, rules: ProvisionRules, counts: _Counts
) -> None:
    keys = sorted({key for key, _ in counts.cells})
    rows = [
        {
            "report_id": report_id,
            "branch_id": key[0],
            "asset_class": rules.asset_classes[key[1]],
            "is_npa": bool(key[2]),
            "stage": key[3],
            **{name: counts.cells[key, name] for name in ("number", *SUMS)},
        }
        for key in keys
    ]
    if rows:
        connection.execute(insert(risk_tables.risk_cells), rows)


def _describe(report: StoredReport, *, made: bool) -> dict[str, Any]:
    return {
        "made": made,
        "as_of": report.as_of.isoformat(),
        "rule_set": report.rule_set,
        "provision_rules": report.provision_rules,
        "loans": report.loans,
        "unscored": report.unscored,
        "computed_again": report.computed_again,
        "models": report.models,
    }


def verify_report(database: Database, name: str, day: date) -> dict[str, Any]:
    """Make a report again from its stored inputs by the rules it names, and count what differs.

    Raises
    ------
    NotInBookError
        If there is none of that day and rule set.
    RuleSetError
        If this release has another version of a rule set that the report names.
    """

    def work(connection: Connection) -> dict[str, Any]:
        report = find_report(connection, name, day=day)
        if report is None:
            what = f"report {name} of {day}"
            raise NotInBookError(what)
        rules = require_version(expected_loss_rules_from_name(name), report.rule_set)
        provisions = require_version(RBI_PROVISIONS_2025, report.provision_rules)
        outlooks = outlooks_from_document(report.assumptions)
        loans = different = 0
        for rows in read_report_rows(connection, report, provisions.asset_classes):
            inputs = inputs_from_rows(rows, provisions.asset_classes)
            assessed = assess_arrays(inputs.loans, outlooks, rules)
            again = _columns(inputs, assessed, provision_arrays(inputs.exposures, provisions))
            is_other = [number_column(rows, column) != again[column] for column in RISK_RESULTS]
            loans += len(rows)
            different += int(np.count_nonzero(np.any(is_other, axis=0)))
        return {"as_of": day, "rule_set": report.rule_set, "loans": loans, "different": different}

    result: dict[str, Any] = _in_one_moment(database, work)
    return result
