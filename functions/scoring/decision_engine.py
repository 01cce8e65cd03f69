"""The desk every contract brings its applications to: check, load, score, record."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import ValidationError

from functions.scoring.evidence.decision_log import DecisionLog
from functions.scoring.model_loader import ModelLoader
from functions.web.middleware import Caller
from functions.web.problems import (
    Fault,
    UnknownVersionError,
    extra_members,
    faults_from,
    refuse_faults,
)
from models.contract import CreditModel
from models.discovery import find_model
from models.evidence.records import Answered
from models.registry.serving import InService, LoadedVersion, Variant
from models.scorer import Decision
from models.table import EXACT_INTEGERS, Table, table_from_applications, table_from_rows

MAX_ROWS = 1_000
MEMBERS_PER_FIELD = 4  # a row with more is not taken apart member by member
ROWS_ON_THE_LOOP = 16  # more are scored in a thread, so that other requests need not wait


@dataclass(frozen=True, slots=True)
class Answer:
    """Decisions in order of the applications, and the version that made them."""

    variant: Variant
    loaded: LoadedVersion
    decisions: list[Decision]
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Desk:
    """What all contracts share: catalogue, models in memory, decision log, counts."""

    catalogue: Mapping[str, type[CreditModel]]
    loader: ModelLoader
    decision_log: DecisionLog | None
    count: Callable[[Answer], None]

    def check(self, model: str, row: object, path: str) -> CreditModel | list[Fault]:
        """Hold one row against a model's contract: an application, or all its faults."""
        contract = find_model(self.catalogue, model)
        if _is_too_wide(contract, row):
            return [Fault(path, "Object has far more members than the contract has fields")]
        try:
            return contract.model_validate(row)
        except ValidationError:
            pass
        try:
            return contract.model_validate(_with_integers(row))
        except ValidationError as error:
            return faults_from(error, path)

    def check_all(
        self,
        model: str,
        rows: Sequence[object],
        paths: Sequence[str],
        found: Sequence[Fault] = (),
    ) -> list[CreditModel]:
        """Hold every row against the contract; faults `found` before are refused with theirs.

        Raises
        ------
        RefusedRequestError
            If there is any fault: it lists those found before and those of all rows.
        """
        checked = [self.check(model, *pair) for pair in zip(rows, paths, strict=True)]
        faults = [fault for row in checked if isinstance(row, list) for fault in row]
        refuse_faults([*found, *faults])
        return [row for row in checked if not isinstance(row, list)]

    def check_table(
        self,
        model: str,
        rows: Sequence[object],
        paths: Sequence[str],
        found: Sequence[Fault] = (),
    ) -> Table:
        """Hold rows against the contract as `check_all` does, as columns where that is enough."""
        contract = find_model(self.catalogue, model)
        if len(rows) > ROWS_ON_THE_LOOP and not found:  # for a few, columns do not pay
            table = table_from_rows(contract, rows)
            if table is not None:
                return table
        return table_from_applications(contract, self.check_all(model, rows, paths, found))

    async def decide(
        self,
        model: str,
        table: Table,
        caller: Caller,
        *,
        with_reasons: bool = False,
        places: Sequence[int] | None = None,
    ) -> Answer:
        """Decide on checked applications; `places` are theirs in the request, if not in turn.

        A decision is given only once it is recorded.
        Reasons come with what is not approved, and with everything if asked for.
        """
        answering = await self.answering(model, caller)
        return await self.decide_by(
            answering, table, caller, with_reasons=with_reasons, places=places
        )

    async def answering(
        self, model: str, caller: Caller, version: str | None = None
    ) -> tuple[Variant, LoadedVersion]:
        """Who answers a caller: the version asked for, or the caller's side of champion/challenger.

        Raises
        ------
        UnknownVersionError
            If the version asked for is neither the champion nor its challenger.
        """
        serving = await self.loader.serving(model)
        if version is None:
            return serving.answering(caller.applicant_id or caller.request_id)
        return find_in_service(serving, version)

    async def decide_by(
        self,
        answering: tuple[Variant, LoadedVersion],
        table: Table,
        caller: Caller,
        *,
        with_reasons: bool = False,
        places: Sequence[int] | None = None,
    ) -> Answer:
        """Decide as `decide` does, by a version that was chosen before."""
        deciding = partial(
            self._decide, with_reasons=with_reasons, places=places or range(len(table))
        )
        if len(table) <= ROWS_ON_THE_LOOP:
            answer = deciding(answering, table, caller)
        else:
            answer = await asyncio.to_thread(deciding, answering, table, caller)
        self.count(answer)
        return answer

    async def consider(
        self, model: str, applications: Sequence[CreditModel], caller: Caller
    ) -> Answer:
        """Say what would be decided on a few applications; nothing is, so nothing is recorded."""
        variant, loaded = await self.answering(model, caller)
        decisions = loaded.scorer.decide(applications)
        return Answer(variant, loaded, decisions, _latency_ms(caller))

    def _decide(
        self,
        answering: tuple[Variant, LoadedVersion],
        table: Table,
        caller: Caller,
        *,
        with_reasons: bool,
        places: Sequence[int],
    ) -> Answer:
        variant, loaded = answering
        scored = loaded.scorer.decide_table(table, with_reasons=with_reasons)
        latency_ms = _latency_ms(caller)
        if self.decision_log and places:
            answered = Answered(variant, loaded, table, places, scored, latency_ms)
            self.decision_log.record(answered, caller)
        return Answer(variant, loaded, scored.decisions, latency_ms)


def _latency_ms(caller: Caller) -> float:
    return round(1000 * (time.perf_counter() - caller.began), 3)


def find_in_service(serving: InService, version: str) -> tuple[Variant, LoadedVersion]:
    """The champion or the challenger, by its version; errors as `Desk.answering`."""
    if serving.champion.version == version:
        return "champion", serving.champion
    if serving.challenger and serving.challenger.version == version:
        return "challenger", serving.challenger
    loaded = filter(None, (serving.champion, serving.challenger))
    raise UnknownVersionError(serving.pointer.model, [known.version for known in loaded])


def _is_too_wide(contract: type[CreditModel], row: object) -> bool:
    return isinstance(row, dict) and len(row) > MEMBERS_PER_FIELD * len(contract.model_fields)


def _with_integers(row: object) -> object:
    """The row with whole numbers as integers: in JSON 45.0 and 4.5e1 are the integer 45."""
    if not isinstance(row, dict):
        return row
    return {name: _integer(value) for name, value in row.items()}


def _integer(value: object) -> object:
    whole = isinstance(value, float) and value.is_integer() and abs(value) <= EXACT_INTEGERS
    return int(value) if whole else value  # type: ignore[call-overload]  # whole is a float


def rows_from_document(
    document: Mapping[str, object], name: str, most: int = MAX_ROWS
) -> tuple[list[object], list[str]]:
    """The rows under `name` and the path of each.

    Raises
    ------
    RefusedRequestError
        If they are missing, no list, none, or more than `most`.
    """
    rows = document.get(name)
    if isinstance(rows, list) and 1 <= len(rows) <= most:
        return rows, [f"{name}[{i}]" for i in range(len(rows))]
    refuse_faults([Fault(name, f"Input should be a list of 1 to {most} items")])
    return [], []


def parameters_from_document(
    document: Mapping[str, object], known: set[str]
) -> tuple[dict[str, Any], list[Fault]]:
    """The `parameters` beside `instances`; members that mean nothing are faults, not ignored.

    Raises
    ------
    RefusedRequestError
        If `parameters` is no object.
    """
    faults = extra_members(document, {"instances", "parameters"})
    parameters = document.get("parameters", {})
    if not isinstance(parameters, dict):
        refuse_faults([*faults, Fault("parameters", "Input should be an object")])
        return {}, faults
    return parameters, [*faults, *extra_members(parameters, known, "parameters")]
