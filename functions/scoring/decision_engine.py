"""The decision engine behind every contract: validate rows, choose the version, decide, record."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from functions.scoring.errors import UnknownVersionError
from functions.scoring.evidence.decision_log import DecisionLog
from functions.scoring.model_loader import ModelLoader
from functions.web.middleware import Caller
from functions.web.problems import (
    Fault,
    faults_from_validation,
    first_faults,
    reject_faults,
)
from models.contract import CreditModel, name_from_model
from models.discovery import Catalogue
from models.prediction import ScoredRequest
from models.registry.serving import InService, LoadedVersion, Variant
from models.table import (
    EXACT_INTEGERS,
    Table,
    join_tables,
    table_from_applications,
    table_from_rows,
)

if TYPE_CHECKING:
    from functions.scoring.feature_lookup import FeatureLookup

MAX_ROWS = 1_000
MEMBERS_PER_FIELD = 4  # a row with more members is rejected as a whole, not member by member
CHUNK_ROWS = 200  # of rows that may fail alone: one faulty row has so many validated one by one
ROWS_ON_THE_LOOP = 16  # more rows are scored in a thread, so that other requests need not wait


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a request as they were sent, each with its path and its index there."""

    values: Sequence[object]
    paths: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringRequest:
    """Valid applications, who asks about them, and what they ask for.

    `positions` are the applications' indices in the request, where some rows were rejected;
    `version` names the version that must answer, champion or challenger. `features_of` is the
    day of the snapshot that the applications' features are from, if the caller sent none.
    """

    table: Table
    caller: Caller
    with_reasons: bool = False
    positions: Sequence[int] | None = None
    version: str | None = None
    features_of: date | None = None


@dataclass(frozen=True, slots=True)
class DecisionEngine:
    """What all contracts share: catalogue, models in memory, decision log, telemetry, features."""

    catalogue: Catalogue
    loader: ModelLoader
    decision_log: DecisionLog | None
    observe: Callable[[ScoredRequest], None]
    features: "FeatureLookup | None" = None

    async def decide(self, request: ScoringRequest) -> ScoredRequest:
        """Decide on applications; a decision is returned only once it is recorded.

        Reasons are given for every decision that is not approve, and for all on request.

        Raises
        ------
        NotReadyError
            If the model cannot be loaded now.
        UnknownVersionError
            If the requested version does not serve.
        UnrecordedError
            If the decisions cannot be recorded.
        """
        variant, loaded = await self._choose_version(request)
        decide = partial(self._decide_and_record, request, variant, loaded)
        is_small = len(request.table) <= ROWS_ON_THE_LOOP
        scored = decide() if is_small else await asyncio.to_thread(decide)
        self.observe(scored)
        return scored

    async def complete(self, model: type[CreditModel], rows: Rows) -> tuple[Rows, date | None]:
        """Look up the features of rows that are an identifier alone, and the day they are from.

        Raises as `FeatureLookup.complete`. Without a lookup, rows stay as they were sent.
        """
        if self.features is None:
            return rows, None
        complete = await self.features.complete(model, list(rows.values), list(rows.paths))
        return (Rows(complete.values, rows.paths), complete.day) if complete else (rows, None)

    async def consider(self, request: ScoringRequest) -> ScoredRequest:
        """Return what would be decided on a few applications; nothing is recorded."""
        return _score(request, *await self._choose_version(request))

    async def _choose_version(self, request: ScoringRequest) -> tuple[Variant, LoadedVersion]:
        """Choose the requested version, or the caller's side of champion and challenger."""
        serving = await self.loader.load(name_from_model(request.table.model))
        if request.version is not None:
            return find_in_service(serving, request.version)
        return serving.choose_version(request.caller.applicant_id or request.caller.request_id)

    def _decide_and_record(
        self, request: ScoringRequest, variant: Variant, loaded: LoadedVersion
    ) -> ScoredRequest:
        scored = _score(request, variant, loaded)
        if self.decision_log and scored.decisions:
            self.decision_log.record(scored, request.caller)
        return scored


def _score(request: ScoringRequest, variant: Variant, loaded: LoadedVersion) -> ScoredRequest:
    decisions, matrix = loaded.scorer.decide_table(request.table, with_reasons=request.with_reasons)
    return ScoredRequest(
        variant=variant,
        loaded=loaded,
        table=request.table,
        positions=request.positions or range(len(request.table)),
        decisions=decisions,
        matrix=matrix,
        features_of=request.features_of,
        latency_ms=round(1000 * (time.perf_counter() - request.caller.received_at), 3),
    )


def find_in_service(serving: InService, version: str) -> tuple[Variant, LoadedVersion]:
    """Find the champion or the challenger by its version.

    Raises
    ------
    UnknownVersionError
        If neither has it.
    """
    if serving.champion.version == version:
        return "champion", serving.champion
    if serving.challenger and serving.challenger.version == version:
        return "challenger", serving.challenger
    loaded = filter(None, (serving.champion, serving.challenger))
    raise UnknownVersionError(serving.pointer.model, [one.version for one in loaded])


def rows_from_document(
    document: Mapping[str, Any], member: str, faults: Sequence[Fault] = (), most: int = MAX_ROWS
) -> Rows:
    """Take the rows under a member of the body, which may have other faults already.

    Raises
    ------
    RequestError
        If they are missing, not a list, empty, or more than `most`. It has the other faults too.
    """
    values = document.get(member)
    if not isinstance(values, list) or not 1 <= len(values) <= most:
        rule = f"This member is required: a list of 1 to {most} items"
        if member in document:
            rule = f"Input should be a list of 1 to {most} items"
        reject_faults([Fault(member, rule), *faults])
        values = []
    return Rows(values, _list_paths(member, most)[: len(values)])


@cache
def _list_paths(member: str, count: int) -> tuple[str, ...]:
    return tuple(f"{member}[{i}]" for i in range(count))


def validate_row(model: type[CreditModel], row: object, path: str) -> CreditModel | list[Fault]:
    """Validate one row: an application, or all its faults."""
    if isinstance(row, dict) and len(row) > MEMBERS_PER_FIELD * len(model.model_fields):
        return [Fault(path, "Object has far more members than the contract has fields")]
    try:
        return model.model_validate(row)
    except ValidationError:
        pass
    try:
        return model.model_validate(_with_integers(row))
    except ValidationError as error:
        return faults_from_validation(error, path)


def validate_rows(
    model: type[CreditModel], rows: Rows, faults: Sequence[Fault] = ()
) -> list[CreditModel]:
    """Validate every row; `faults` are those of the rest of the request.

    Raises
    ------
    RequestError
        If there is any fault: it lists those of the rest first, then those of all rows.
    """
    results = [validate_row(model, *pair) for pair in zip(rows.values, rows.paths, strict=True)]
    row_faults = [fault for result in results if isinstance(result, list) for fault in result]
    reject_faults([*faults, *row_faults])
    return [result for result in results if not isinstance(result, list)]


def validate_table(model: type[CreditModel], rows: Rows, faults: Sequence[Fault] = ()) -> Table:
    """Validate rows as `validate_rows` does, column by column where that is enough."""
    if len(rows.values) > ROWS_ON_THE_LOOP and not faults:  # for a few, columns do not pay
        table = table_from_rows(model, rows.values)
        if table is not None:
            return table
    return table_from_applications(model, validate_rows(model, rows, faults))


@dataclass(frozen=True, slots=True)
class SoundRows:
    """The sound rows of a request, their indices there, and the faults of the others by index.

    Faults are as many as one response holds; further rows have none.
    """

    table: Table
    positions: Sequence[int]
    faults: Mapping[int, Sequence[Fault]]


def validate_each(model: type[CreditModel], rows: Rows) -> SoundRows:
    """Validate rows of which each may fail alone, a chunk of them column by column if none does."""
    tables, positions, faulty = list[Table](), list[int](), dict[int, list[Fault]]()
    for start in range(0, len(rows.values), CHUNK_ROWS):
        values = rows.values[start : start + CHUNK_ROWS]
        table = table_from_rows(model, values) if len(values) > ROWS_ON_THE_LOOP else None
        if table is None:
            paths = rows.paths[start : start + CHUNK_ROWS]
            results = [validate_row(model, *pair) for pair in zip(values, paths, strict=True)]
            valid = {i: row for i, row in enumerate(results, start) if isinstance(row, CreditModel)}
            faulty |= {i: row for i, row in enumerate(results, start) if isinstance(row, list)}
            table = table_from_applications(model, list(valid.values()))
            positions += valid
        else:
            positions += range(start, start + len(table))
        tables.append(table)
    return SoundRows(join_tables(tables), positions, _limit_faults(faulty))


def _limit_faults(faulty: Mapping[int, list[Fault]]) -> dict[int, list[Fault]]:
    """Return as many faults as one response holds; what is beyond has none."""
    remaining = sum(1 for _ in first_faults(chain.from_iterable(faulty.values())))
    faults = {}
    for i, row_faults in faulty.items():
        faults[i] = row_faults[:remaining]
        remaining -= len(faults[i])
    return faults


def _with_integers(row: object) -> object:
    """Make whole numbers integers: in JSON 45.0 and 4.5e1 are the integer 45."""
    if not isinstance(row, dict):
        return row
    return {
        name: int(value)
        if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT_INTEGERS
        else value
        for name, value in row.items()
    }
