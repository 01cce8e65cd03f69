"""The desk every contract brings its applications to: check, load, score, record."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from functions.envelope import Caller
from functions.problems import Fault, faults_from, refuse_faults
from functions.scoring.decision_log import DecisionLog
from functions.scoring.loading import ModelLoader
from functions.scoring.records import Answered
from models.contract import CreditModel
from models.scorer import Decision
from models.serving import LoadedVersion, Variant
from models.shelf import find_model

MAX_ROWS = 1_000
MEMBERS_PER_FIELD = 4  # a row with more is not taken apart member by member
EXACT_INTEGERS = 2**53
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
    """What all contracts share: the catalogue, the models in memory, the decision log."""

    catalogue: Mapping[str, type[CreditModel]]
    loader: ModelLoader
    decision_log: DecisionLog | None

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
        self, model: str, rows: Sequence[object], paths: Sequence[str]
    ) -> list[CreditModel]:
        """Hold every row against the contract.

        Raises
        ------
        RefusedRequestError
            If any row has a fault: it lists the faults of all rows.
        """
        contract = find_model(self.catalogue, model)
        if not any(_is_too_wide(contract, row) for row in rows):
            try:
                return _list_of(contract).validate_python(rows)
            except ValidationError:
                pass  # each row again, to collect the faults of all
        checked = [self.check(model, *pair) for pair in zip(rows, paths, strict=True)]
        faults = [fault for row in checked if isinstance(row, list) for fault in row]
        refuse_faults(faults)
        return [row for row in checked if not isinstance(row, list)]

    async def decide(
        self,
        model: str,
        numbered: Sequence[tuple[int, CreditModel]],
        caller: Caller,
        *,
        with_reasons: bool = False,
    ) -> Answer:
        """Decide on checked applications, each with its place in the request.

        A decision is given only once it is recorded.
        Reasons come with what is not approved, and with everything if asked for.
        """
        serving = await self.loader.serving(model)
        answering = serving.answering(caller.applicant_id or caller.request_id)
        if len(numbered) <= ROWS_ON_THE_LOOP:
            return self._decide(answering, numbered, caller, with_reasons=with_reasons)
        deciding = partial(self._decide, with_reasons=with_reasons)
        return await run_in_threadpool(deciding, answering, numbered, caller)

    def _decide(
        self,
        answering: tuple[Variant, LoadedVersion],
        numbered: Sequence[tuple[int, CreditModel]],
        caller: Caller,
        *,
        with_reasons: bool,
    ) -> Answer:
        variant, loaded = answering
        applications = [application for _, application in numbered]
        scored = loaded.scorer.scored(applications, with_reasons=with_reasons)
        latency_ms = round(1000 * (time.perf_counter() - caller.began), 3)
        if self.decision_log and numbered:
            answered = Answered(variant, loaded, numbered, scored, latency_ms)
            self.decision_log.record(answered, caller)
        return Answer(variant, loaded, scored.decisions, latency_ms)


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


@cache
def _list_of(model: type[CreditModel]) -> TypeAdapter[list[CreditModel]]:
    return TypeAdapter(list[model])  # type: ignore[valid-type]  # a model is known when it runs


def rows_in(document: Mapping[str, object], name: str) -> tuple[list[object], list[str]]:
    """The rows under `name` and the path of each.

    Raises
    ------
    RefusedRequestError
        If they are missing, no list, none, or more than `MAX_ROWS`.
    """
    rows = document.get(name)
    if isinstance(rows, list) and 1 <= len(rows) <= MAX_ROWS:
        return rows, [f"{name}[{i}]" for i in range(len(rows))]
    refuse_faults([Fault(name, f"Input should be a list of 1 to {MAX_ROWS} items")])
    return [], []
