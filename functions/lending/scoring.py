"""The scoring function, asked over HTTP: a decision, or the cause why there is none."""

from collections.abc import Sequence
from math import prod
from typing import Any

from functions.client.clients import AsyncSurety
from functions.client.credentials import Credential, google_id_token
from functions.client.errors import (
    ClientError,
    CredentialError,
    RefusedError,
    UnavailableError,
)
from functions.client.responses import Explanations
from functions.lending.actions.applications import ModelDecision
from functions.lending.actions.scoring_rows import ScoredTerms, ScoringQuestion
from functions.lending.errors import ScoringUnavailableError

NOT_CONFIGURED = "no scoring function is configured: set SCORING_URL"
DECIMALS = 6


class Scoring:
    """Asks one scoring function about one credit model; without a URL it has no answer."""

    def __init__(self, url: str | None, model: str, key: str | None, timeout: float) -> None:
        self._url, self._model, self._key, self._timeout = url, model, key, timeout
        self._client: AsyncSurety | None = None

    async def ask(self, question: ScoringQuestion) -> ModelDecision | str:
        """Return the model's decision, or a cause in words. No score is ever made up."""
        if self._url is None:
            return NOT_CONFIGURED
        try:
            answer = await self._connected(self._url).explain(
                [question.row],
                model=self._model,
                applicant_id=f"customer {question.customer_id}",
                idempotency_key=question.key,
            )
        except RefusedError as error:
            faults = "; ".join(f"{fault.path}: {fault.message}" for fault in error.faults[:3])
            return f"the model {self._model} refused the application: {faults or error.title}"
        except UnavailableError:
            return "the scoring function does not answer"
        except CredentialError:
            return "the scoring function did not accept our credential"
        except ClientError:
            return "the scoring function's answer cannot be read"
        return decision_from_answer(answer, question.row)

    async def ask_about_terms(
        self, question: ScoringQuestion, grid: dict[str, Sequence[object]]
    ) -> list[ScoredTerms]:
        """Return what the model would decide in each cell of a grid; nothing is recorded.

        Raises
        ------
        ScoringUnavailableError
            If there is no answer.
        """
        if self._url is None:
            raise ScoringUnavailableError(NOT_CONFIGURED)
        try:
            answer = await self._connected(self._url).whatif(
                question.row,
                grid,
                model=self._model,
                applicant_id=f"customer {question.customer_id}",
            )
        except ClientError as error:
            message = "the scoring function does not answer"
            raise ScoringUnavailableError(message) from error
        cells = answer.whatif
        columns = (cells.probability_of_default, cells.credit_score, cells.decision)
        if {len(column) for column in columns} != {prod(map(len, grid.values()))}:
            message = "the scoring function's answer cannot be read"
            raise ScoringUnavailableError(message)
        return [
            ScoredTerms(probability, score, decision == "approve")
            for probability, score, decision in zip(*columns, strict=True)
        ]

    async def close(self) -> None:
        """Close the connections."""
        if self._client:
            await self._client.close()

    def _connected(self, url: str) -> AsyncSurety:
        if self._client is None:
            credential: Credential = self._key
            if self._key == "iam":
                credential = google_id_token(url)
            self._client = AsyncSurety(url, credential=credential, timeout=self._timeout)
        return self._client


def decision_from_answer(answer: Explanations, row: dict[str, Any]) -> ModelDecision:
    """Return the answer as it is recorded: contributors sorted by size, above 0 towards risk."""
    [prediction], [explanation] = answer.predictions, answer.explanations
    largest_first = sorted(explanation.contributions, key=lambda c: -abs(c.log_odds))
    return ModelDecision(
        decision=prediction.decision,
        model=prediction.model,
        model_version=prediction.model_version,
        probability_of_default=prediction.probability_of_default,
        credit_score=prediction.credit_score,
        risk_level=prediction.risk_level,
        reasons=[reason.model_dump() for reason in prediction.reasons or ()],
        contributors=[
            {"feature": c.characteristic, "impact": round(c.log_odds, DECIMALS)}
            for c in largest_first
        ],
        inputs=row,
    )
