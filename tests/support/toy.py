"""A small credit model with one of everything; also what `CREDIT_MODELS` names in tests."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from models.annotations import (
    Changeable,
    Column,
    Columns,
    Missing,
    Private,
    Protected,
    Reason,
    Risk,
    Special,
    Unit,
    derived,
)
from models.contract import CreditModel
from models.policy import Cutoffs
from models.score_scale import PointsToDoubleOdds


class Toy(CreditModel):
    """A small credit model with one of everything."""

    label: ClassVar = "is_default"
    label_definition: ClassVar = "made up"
    horizon: ClassVar = "12 months"
    scale: ClassVar = PointsToDoubleOdds()
    policy: ClassVar = Cutoffs(approve_below=0.2, decline_from=0.4)

    age: Annotated[int, Field(ge=18, le=100), Protected()]
    income: Annotated[
        float,
        Field(gt=0, le=1e6),
        Unit("currency a year"),
        Risk(-1),
        Reason("T1", "Income is {income:.0f}"),
    ]
    debt: Annotated[
        float,
        Field(ge=0, le=1e6),
        Risk(+1),
        Private(),
        Changeable(step=1_000),
        Reason("T2", "Debt is high"),
    ]
    home: Annotated[Literal["own", "rent"], Changeable(), Reason("T3", "Housing situation")]
    months_since_default: Annotated[
        int | None,
        Field(ge=-7, le=999),
        Special({-7: "There is no credit history"}),
        Risk(-1),
        Changeable(),
        Reason("T4", "The last default was {months_since_default:.0f} months ago"),
        Missing("It is not known when the last default was"),
    ] = None

    @derived(
        Risk(+1),
        Reason("T2", "Debt is {debt_to_income:.0%} of income"),
        Missing("Debt or income is not known"),
    )
    def debt_to_income(columns: Columns) -> Column:  # noqa: N805 -- becomes a Derived
        """Debt as a share of income."""
        return columns["debt"] / columns["income"]


def toy(**changes: object) -> Toy:
    """Build a valid toy application with some fields changed."""
    fields: dict[str, Any] = {"age": 40, "income": 50_000.0, "debt": 10_000.0, "home": "own"}
    return Toy.model_validate(fields | changes)
