"""A model whose contract pydantic cannot build, for the test of `CREDIT_MODELS`."""

from typing import Annotated, ClassVar

from pydantic import Field

from models.annotations import Reason
from models.contract import CreditModel
from models.policy import Cutoffs
from models.score_scale import PointsToDoubleOdds


class Unbuildable(CreditModel):
    """A model with a bound that is none."""

    label: ClassVar = "is_default"
    label_definition: ClassVar = "made up"
    horizon: ClassVar = "12 months"
    scale: ClassVar = PointsToDoubleOdds()
    policy: ClassVar = Cutoffs(approve_below=0.2, decline_from=0.4)

    age: Annotated[int, Field(ge="x"), Reason("T1", "Age")]
