"""The sweep: ask again about applications that no model has decided."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, exists, select

from functions.lending.actions.applications import (
    ModelDecision,
    NoDecision,
    note_no_answer,
    record_decision,
)
from functions.lending.actions.scoring_rows import ScoringQuestion, question
from functions.lending.deciding import Decider
from functions.lending.storage import tables
from functions.lending.storage.database import WHOLE_BOOK, Database
from functions.lending.storage.transaction import Job, Transaction

PRINCIPAL = "sweep"
MOST_APPLICATIONS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Asks about every undecided application once, the oldest first."""

    database: Database
    decider: Decider
    now: Callable[[], datetime]

    async def decide(self) -> dict[str, Any]:
        """Return how many were asked about, how many were decided, which checks are silent."""
        job = Job(database=self.database, principal=PRINCIPAL, now=self.now)
        names = self.database.read(WHOLE_BOOK, _undecided)
        decided = 0
        silent: Counter[str] = Counter()
        for name in names:
            asked_about = job.run(partial(_question, name))
            if asked_about is None:
                continue
            answer = await self.decider.ask(asked_about, PRINCIPAL)
            job.run(partial(_record, name, answer))
            if isinstance(answer, NoDecision):
                silent.update(answer.checks)
            else:
                decided += 1
        return {"undecided": len(names), "decided": decided, "unresolved_checks": dict(silent)}


def _question(name: UUID, transaction: Transaction) -> ScoringQuestion | None:
    return question(transaction, name)


def _record(name: UUID, answer: ModelDecision | NoDecision, transaction: Transaction) -> None:
    if isinstance(answer, NoDecision):
        note_no_answer(transaction, name, answer.cause)
    else:
        record_decision(transaction, name, answer)


def _undecided(connection: Connection) -> list[UUID]:
    applications, decisions = tables.applications, tables.decisions
    decided = exists().where(decisions.c.application_id == applications.c.id)
    query = (
        select(applications.c.id)
        .where(applications.c.status == "pending", ~decided)
        .order_by(applications.c.id)
        .limit(MOST_APPLICATIONS)
    )
    return list(connection.execute(query).scalars())
