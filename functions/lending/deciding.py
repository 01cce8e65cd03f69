"""Deciding an application: external checks first, then the model; or the cause why neither did.

Nothing here runs inside a transaction: whoever is asked may be slow. What a check answered is
stored before the model is asked, so that a process that is killed in between asks nobody twice.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from functions.lending.actions.applications import ModelDecision, NoDecision
from functions.lending.actions.check_rows import add_answers, read_subject
from functions.lending.actions.scoring_rows import ScoringQuestion
from functions.lending.checks.adapter import CheckAdapter, CheckAnswer
from functions.lending.checks.settings import ExternalCheck
from functions.lending.scoring import Scoring
from functions.lending.storage.database import Database
from functions.lending.storage.transaction import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """Asks everybody who must be asked about an application."""

    database: Database
    scoring: Scoring
    checks: tuple[ExternalCheck, ...]
    now: Callable[[], datetime]
    threads: Executor
    adapter: CheckAdapter = field(default_factory=CheckAdapter)

    async def ask(self, question: ScoringQuestion, principal: str) -> ModelDecision | NoDecision:
        """Return a decision, or the cause why there is none. No answer is ever made up."""
        if self.checks:
            answers = await self._check(question.application_id, question.key, principal)
            unresolved = [answer for answer in answers if not answer.is_answered]
            if unresolved:
                return no_decision(unresolved)
            question = replace(question, row=question.row | self._filled(answers))
            answer = await self.scoring.ask(question)
            if isinstance(answer, ModelDecision):
                answer = replace(answer, policy=self._tripped(answers))
        else:
            answer = await self.scoring.ask(question)
        return NoDecision(answer) if isinstance(answer, str) else answer

    async def close(self) -> None:
        """Close the connections to everybody who was asked."""
        await self.adapter.close()
        await self.scoring.close()

    async def _check(self, application_id: UUID, key: str, principal: str) -> list[CheckAnswer]:
        """Return the answer of each check, asking those without a valid one."""
        job = Job(database=self.database, principal=principal, now=self.now)
        run = asyncio.get_running_loop().run_in_executor
        subject = await run(self.threads, job.run, partial(read_subject, application_id))
        now = self.now()
        answers = {c.name: subject.valid_answer(c.declaration, now) for c in self.checks}
        silent = [check for check in self.checks if answers[check.name] is None]
        new = await asyncio.gather(
            *(
                self.adapter.ask(
                    check,
                    {"application_id": key, **subject.facts_for(check.declaration.sends)},
                    subject.question_key(check.name, key),
                )
                for check in silent
            )
        )
        if new:
            await run(self.threads, job.run, partial(add_answers, application_id, new))
        answers |= {answer.name: answer for answer in new}
        return [answer for answer in answers.values() if answer]

    def _filled(self, answers: Sequence[CheckAnswer]) -> dict[str, Any]:
        """Return the model's optional fields that answers fill; a null one stays out."""
        filled = {}
        for check, answer in zip(self.checks, answers, strict=True):
            for member in check.declaration.members:
                value = answer.members.get(member.name)
                if member.fills and value is not None:
                    filled[member.fills] = value
        return filled

    def _tripped(self, answers: Sequence[CheckAnswer]) -> list[dict[str, str]]:
        """Return the rules of policy that answers trip."""
        return [
            {"check": check.name, "code": rule.code, "outcome": rule.outcome, "text": rule.text}
            for check, answer in zip(self.checks, answers, strict=True)
            for member in check.declaration.members
            for rule in member.rules
            if rule.is_tripped(answer.members.get(member.name))
        ]


def no_decision(unresolved: Sequence[CheckAnswer]) -> NoDecision:
    """Return the cause that names every check without a usable answer."""
    parts = ", ".join(f"{answer.name} ({answer.detail})" for answer in unresolved)
    names = tuple(answer.name for answer in unresolved)
    return NoDecision(f"external checks have not answered: {parts}", names)
