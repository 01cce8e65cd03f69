"""Types of the responses, written by `make client` from docs/openapi.json."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from .response import Response


class PredictionReason(Response):
    """
    Why an applicant scored no better.
    """

    code: Annotated[str, Field(description="Stable code, from the model's catalogue file.")]
    text: Annotated[str, Field(description="A sentence for the applicant.")]
    points: Annotated[float, Field(description="Points it takes from the score, below 0.")]


class Standing(Response):
    """
    Log-odds of default before calibration, and the unrounded score they correspond to.
    """

    log_odds: float
    credit_score: float


class Contribution(Response):
    """
    What one characteristic adds to the base.

    More risk means `log_odds` above 0 and `points` below 0. `reference` is the value of the
    baseline applicant.
    """

    characteristic: str
    value: str | int | float | None
    reference: str | int | float | None
    log_odds: float
    points: float


class Cells(Response):
    """
    Outcomes cell by cell, the last field varying fastest.
    """

    fields: list[str]
    values: Annotated[list[list[str | int | float | None]], Field(description="Of each field.")]
    probability_of_default: list[float]
    credit_score: list[int]
    decision: list[Literal["approve", "refer", "decline"]]


class Change(Response):
    """
    The present and the proposed value of one field.
    """

    field: str
    present: str | int | float
    proposed: str | int | float


class SearchedField(Response):
    """
    A changeable field and the values that were considered.
    """

    field: str
    levels: list[str | int | float] | None = None
    lowest: int | float | None = None
    highest: int | float | None = None
    step: float | None = None


class Estimate(Response):
    """
    A metric with its 95 % confidence interval.
    """

    value: float
    low: float
    high: float


class ServingChallenger(Response):
    """
    A version that answers a share of requests.
    """

    version: str
    share: float


class MonitoredStatus(Response):
    """
    The last monitored day of a version, and the signals that fired on it.
    """

    day: Annotated[date, Field(description="The monitored day, in UTC.")]
    status: Annotated[Literal["OK", "DEGRADED"], Field(description="DEGRADED if a signal fired.")]
    version: Annotated[str, Field(description="The version that was monitored.")]
    signals: Annotated[list[str], Field(description="What fired: the figure and its subject.")]


class Fault(Response):
    """
    One thing wrong with a request: where, and the rule it breaks.
    """

    path: str
    message: str


class ModelWithSchema(Response):
    """
    A credit model, with the JSON schema of one row.
    """

    name: str
    ready: bool
    contract: str
    version: str | None = None
    since: str | None = None
    family: str | None = None
    metrics: dict[str, Estimate] | None = None
    challenger: ServingChallenger | None = None
    problem: str | None = None
    monitoring: MonitoredStatus | None = None
    input_schema: dict[str, Any]


class ListedVersion(Response):
    """
    A published version and its status.
    """

    version: str
    published: str
    status: Literal["champion", "challenger", "previous", "published"]


class Cutoffs(Response):
    """
    Approve below `approve_below`, decline from `decline_from`, refer in between.
    """

    approve_below: float
    decline_from: float


class Prediction(Response):
    """
    One application's outcome, and the model version that made it.
    """

    probability_of_default: Annotated[
        float, Field(description="Calibrated probability of default, in (0, 1).", gt=0.0, lt=1.0)
    ]
    credit_score: Annotated[int, Field(description="Scorecard points: more points, less risk.")]
    risk_level: Annotated[
        Literal["low", "medium", "high"], Field(description="low, medium or high.")
    ]
    decision: Annotated[
        Literal["approve", "refer", "decline"], Field(description="approve, refer or decline.")
    ]
    model: Annotated[str, Field(description="Name of the credit model.")]
    model_version: Annotated[str, Field(description="Version that made the prediction.")]
    variant: Annotated[
        Literal["champion", "challenger"], Field(description="champion or challenger.")
    ]
    family: Annotated[str, Field(description="Family of the estimator, such as xgboost.")]
    rating: Annotated[str | None, Field(description="Rating, where the model declares bands.")] = (
        None
    )
    reasons: Annotated[
        list[PredictionReason] | None,
        Field(description="On request, and whenever the decision is not approve.", max_length=4),
    ] = None


class DrawnExplanation(Response):
    """
    An explanation, and its picture as SVG where one was requested.
    """

    base_of: Literal["reference", "training_mean"]
    base: Standing
    total: Standing
    contributions: list[Contribution]
    picture: str | None = None


class WhatIf(Response):
    """
    The prediction of the application as it stands, and of every cell of the grid.
    """

    predictions: list[Prediction]
    whatif: Cells


class RecourseResult(Response):
    """
    The smallest change that is approved; `changes` only where one was found.
    """

    outcome: Literal["approved_already", "found", "none_exists"]
    detail: str
    changes: list[Change] | None = None
    distance: Annotated[
        float | None,
        Field(description="Sum of changes in interquartile ranges; a level counts as 1."),
    ] = None
    prediction: Annotated[Prediction | None, Field(description="With these changes.")] = None


class Model(Response):
    """
    A credit model of the service, and what serves it; `problem` says why a load failed.
    """

    name: str
    ready: bool
    contract: str
    version: str | None = None
    since: str | None = None
    family: str | None = None
    metrics: dict[str, Estimate] | None = None
    challenger: ServingChallenger | None = None
    problem: str | None = None
    monitoring: MonitoredStatus | None = None


class Problem(Response):
    """
    A problem document of RFC 9457, with every fault of the request.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault]


class VersionList(Response):
    """
    Published versions of a model, newest first.
    """

    model: str
    champion: str | None
    versions: list[ListedVersion]


class VersionInfo(Response):
    """
    One version in detail, from its manifest.
    """

    version: str
    published: str
    status: Literal["champion", "challenger", "previous", "published"]
    model: str
    sha256: str
    size: int
    family: str
    contract: str
    label_definition: str
    horizon: str
    features: list[str]
    policy: Cutoffs
    metrics: dict[str, Estimate]


class Predictions(Response):
    """
    One prediction for each instance, in order.
    """

    predictions: list[Prediction]


class Explanations(Response):
    """
    Predictions, all with reasons, and an explanation of each.
    """

    predictions: list[Prediction]
    explanations: list[DrawnExplanation]


class Recourses(Response):
    """
    Predictions, what would get each approved, and what was considered.
    """

    predictions: list[Prediction]
    recourses: list[RecourseResult]
    searched: list[SearchedField]


class Models(Response):
    """
    The names of all credit models, which is all that the protocol knows, and what we add.
    """

    models: list[str]
    details: list[Model]
