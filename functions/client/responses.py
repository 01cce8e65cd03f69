"""What the scoring function answers, as typed values; members a later server adds are left out."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from models.policy import DecisionName, RiskLevel

Value = str | int | float


class Answer(BaseModel):
    """What all answers share; an error about one does not show it."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Reason(Answer):
    """Why an applicant scored no better: a stable code, a sentence, points below 0."""

    code: str
    text: str
    points: float


class Prediction(Answer):
    """One application's probability, score and decision, and the version that made them.

    `reasons` is None for an approval that was not asked for them; `rating` where a model has none.
    """

    probability_of_default: float
    credit_score: int
    risk_level: RiskLevel
    decision: DecisionName
    model: str
    model_version: str
    variant: Literal["champion", "challenger"]
    family: str
    rating: str | None = None
    reasons: list[Reason] | None = None


class Predictions(Answer):
    """One prediction for each application, in their order."""

    predictions: list[Prediction]


class Standing(Answer):
    """Log-odds of default before calibration, and the unrounded score they mean."""

    log_odds: float
    credit_score: float


class Contribution(Answer):
    """What one characteristic adds to the base; `log_odds` above 0 and `points` below are risk."""

    characteristic: str
    value: Value | None
    reference: Value | None
    log_odds: float
    points: float


class Explanation(Answer):
    """From the base to the total: contributions of every scored characteristic, strongest first."""

    base_of: Literal["reference", "training_mean"]
    base: Standing
    total: Standing
    contributions: list[Contribution]
    picture: str | None = None


class Explanations(Predictions):
    """Predictions, all with reasons, and an explanation of each."""

    explanations: list[Explanation]


class Cells(Answer):
    """Cell by cell, the last field varying fastest."""

    fields: list[str]
    values: list[list[Value | None]]
    probability_of_default: list[float]
    credit_score: list[int]
    decision: list[DecisionName]


class WhatIf(Predictions):
    """The prediction of the application as it stands, and of every cell of the grid."""

    whatif: Cells


class Change(Answer):
    """A field, its value, and the one that is proposed."""

    field: str
    present: Value
    proposed: Value


class Recourse(Answer):
    """The smallest change that is approved; `changes` only where one was found."""

    outcome: Literal["approved_already", "found", "none_exists"]
    detail: str
    changes: list[Change] = []
    distance: float | None = None
    prediction: Prediction | None = None


class Searched(Answer):
    """What was considered for a field: its levels, or from the lowest to the highest in steps."""

    field: str
    levels: list[Value] | None = None
    lowest: float | None = None
    highest: float | None = None
    step: float | None = None


class Recourses(Predictions):
    """Predictions, what would get each approved, and what was considered."""

    recourses: list[Recourse]
    searched: list[Searched]


class Figure(Answer):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


class Challenger(Answer):
    """A version that answers a share of requests."""

    version: str
    share: float


class Model(Answer):
    """A credit model of the service; without `version`, `problem` may say why none is loaded."""

    name: str
    ready: bool
    contract: str
    version: str | None = None
    since: str | None = None
    family: str | None = None
    metrics: dict[str, Figure] = {}
    challenger: Challenger | None = None
    problem: str | None = None


class Models(Answer):
    """All credit models of the service."""

    models: list[Model]


class Fault(Answer):
    """One thing wrong with a request: where, and the rule it breaks."""

    path: str
    message: str


class Problem(Answer):
    """A problem document of RFC 9457."""

    title: str
    detail: str
    errors: list[Fault] = []
