"""A prediction, declared once: types that responses, decision records and the warehouse share.

JSON schemas, the client's classes, the outputs of the Open Inference Protocol and the columns of
the decision log's table all derive from these declarations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, NotRequired

from pydantic import Field
from pydantic_core import to_json
from typing_extensions import TypedDict

from models.features import Matrix
from models.policy import DecisionName, RiskLevel
from models.registry.serving import LoadedVersion, Variant
from models.scorer import Decision
from models.table import Table


class Outcome(TypedDict):
    """What is decided about one application."""

    probability_of_default: Annotated[
        float, Field(gt=0, lt=1, description="Calibrated probability of default, in (0, 1).")
    ]
    credit_score: Annotated[int, Field(description="Scorecard points: more points, less risk.")]
    risk_level: Annotated[RiskLevel, Field(description="low, medium or high.")]
    decision: Annotated[DecisionName, Field(description="approve, refer or decline.")]


class PredictionReason(TypedDict):
    """Why an applicant scored no better."""

    code: Annotated[str, Field(description="Stable code, from the model's catalogue file.")]
    text: Annotated[str, Field(description="A sentence for the applicant.")]
    points: Annotated[float, Field(description="Points it takes from the score, below 0.")]


class Prediction(Outcome):
    """One application's outcome, and the model version that made it."""

    model: Annotated[str, Field(description="Name of the credit model.")]
    model_version: Annotated[str, Field(description="Version that made the prediction.")]
    variant: Annotated[Variant, Field(description="champion or challenger.")]
    family: Annotated[str, Field(description="Family of the estimator, such as xgboost.")]
    rating: NotRequired[
        Annotated[str, Field(description="Rating, where the model declares bands.")]
    ]
    reasons: NotRequired[
        Annotated[
            list[PredictionReason],
            Field(
                max_length=4, description="On request, and whenever the decision is not approve."
            ),
        ]
    ]


@dataclass(frozen=True, slots=True)
class ScoredRequest:
    """The applications of one request, decided by one model version.

    Attributes
    ----------
    positions
        Index of each application in the request, from 0.
    matrix
        Features the version read, shape `(n, p)`.
    features_of
        Day of the snapshot that the features are from; None where the request had them.
    latency_ms
        Milliseconds from the request's arrival to its decisions.
    """

    variant: Variant
    loaded: LoadedVersion
    table: Table
    positions: Sequence[int]
    decisions: list[Decision]
    matrix: Matrix
    latency_ms: float
    features_of: date | None = None

    def predictions(self) -> list[Prediction]:
        """Render every decision, in order."""
        return [self.predict(decision) for decision in self.decisions]

    def write_predictions(self) -> str:
        """Write every decision as JSON, as `to_json` writes `predictions`."""
        if not self.decisions:
            return "[]"
        probabilities = to_json([d.probability_of_default for d in self.decisions]).decode()
        plain = self.predict(self.decisions[0]._replace(rating=None, reasons=None))
        shared = to_json(plain).decode().partition(',"model":')[2]
        rows = zip(self.decisions, probabilities[1:-1].split(","), strict=True)
        texts = [
            f'{{"probability_of_default":{probability},"credit_score":{round(d.credit_score)},'
            f'"risk_level":"{d.risk_level}","decision":"{d.decision}","model":{shared}'
            if d.rating is None and d.reasons is None
            else to_json(self.predict(d)).decode()
            for d, probability in rows
        ]
        return f"[{','.join(texts)}]"

    def predict(self, decision: Decision) -> Prediction:
        """Render a decision of this version; the score is rounded here, once, half to even."""
        prediction: Prediction = {
            "probability_of_default": decision.probability_of_default,
            "credit_score": round(decision.credit_score),
            "risk_level": decision.risk_level,
            "decision": decision.decision,
            "model": self.loaded.manifest.model,
            "model_version": self.loaded.version,
            "variant": self.variant,
            "family": self.loaded.manifest.family,
        }
        if decision.rating is not None:
            prediction["rating"] = decision.rating
        if decision.reasons is not None:
            prediction["reasons"] = [
                {"code": r.code, "text": r.text, "points": round(r.points, 1) + 0.0}
                for r in decision.reasons
            ]
        return prediction
