"""What a lender assumes of the future, in a TOML file: futures, their weights, its sensitivity."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from functions.web.problems import faults_from_validation
from models.errors import DataError
from models.lending.outlooks import OutlookRules, WeightedScenario
from models.lending.stress import MOST_POINTS, MOST_SENSITIVITY, MacroSensitivity, StressScenario

Points = Annotated[Decimal, Field(ge=-MOST_POINTS, le=MOST_POINTS, allow_inf_nan=False)]
LogOdds = Annotated[Decimal, Field(ge=0, le=MOST_SENSITIVITY, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1, max_length=200)]


class Assumptions(NamedTuple):
    """The futures of a report, and what a point of an input does to the odds of default."""

    outlooks: OutlookRules
    sensitivity: MacroSensitivity


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Sensitivity(_Part):
    interest_rate: LogOdds
    unemployment_rate: LogOdds
    model: Text
    model_version: Text


class _Future(_Part):
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    weight: Annotated[Decimal, Field(gt=0, le=1, allow_inf_nan=False)]
    interest_rate_points: Points = Decimal(0)
    unemployment_rate_points: Points = Decimal(0)
    loss_given_default_points: Points = Decimal(0)


class _File(_Part):
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    version: Annotated[int, Field(ge=1)]
    note: Text
    sensitivity: _Sensitivity
    future: Annotated[list[_Future], Field(min_length=1, max_length=10)]

    @model_validator(mode="after")
    def require_one_whole(self) -> "_File":
        """Refuse weights that do not sum to 1, and a name given twice."""
        total = sum(future.weight for future in self.future)
        if total != 1:
            message = f"the weights of the futures must sum to 1, and sum to {total}"
            raise ValueError(message)
        if len({future.name for future in self.future}) < len(self.future):
            message = "each future needs a name of its own"
            raise ValueError(message)
        return self


def read_assumptions(path: Path) -> Assumptions:
    """Read a file of assumptions.

    Raises
    ------
    DataError
        If it cannot be read, or breaks a rule: every fault by its path.
    """
    try:
        file = _File.model_validate(tomllib.loads(path.read_text()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"{path} cannot be read: {error}"
        raise DataError(message) from error
    except ValidationError as error:
        faults = "; ".join(f"{f.path}: {f.message}" for f in faults_from_validation(error))
        message = f"{path}: {faults}"
        raise DataError(message) from None
    scenarios = tuple(
        WeightedScenario(
            weight=future.weight,
            scenario=StressScenario(**future.model_dump(exclude={"weight"})),
        )
        for future in file.future
    )
    return Assumptions(
        OutlookRules(name=file.name, version=file.version, note=file.note, scenarios=scenarios),
        MacroSensitivity(**file.sensitivity.model_dump()),
    )
