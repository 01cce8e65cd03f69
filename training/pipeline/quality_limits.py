"""The limits of data quality, declared in one TOML file: for all tables, and for single ones."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.errors import DeclarationError
from training.pipeline.source_table import columns_from_table
from training.pipeline.tables import TABLES

Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=0, le=3_660)]


class TableLimits(BaseModel):
    """The limits of one table.

    - `window_days` is how often rows come: their number over so many days is compared with the
      mean of the `windows` windows before, and must be within `fewest` and `most` times it. A mean
      below `fewest_rows` is not judged.
    - `max_silent_days` bounds the days since the last row came.
    - `newest` names the date column, if there is one, whose latest value may be at most
      `max_age_days` before the day it came: a clock that is off, or an old file, is seen by it.
    - `max_refused_share` bounds the rows that the contract refuses.
    - `max_null_shift` bounds how far the share of absent values of a column may be from the mean of
      the last `history_days` days, if there are at least `fewest_rows` rows.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    window_days: Annotated[int, Field(ge=1, le=366)] = 1
    windows: Annotated[int, Field(ge=1, le=52)] = 4
    fewest: Annotated[float, Field(ge=0, le=1)] = 0.5
    most: Annotated[float, Field(ge=1)] = 2.0
    max_silent_days: Days = 1
    newest: str = ""
    max_age_days: Days = 0
    max_refused_share: Share = 0.01
    max_null_shift: Share = 0.2
    history_days: Days = 90
    fewest_rows: Annotated[int, Field(ge=1)] = 50


class QualityLimits(BaseModel):
    """The limits of every table: what `tables` declares of it, and `defaults` otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    defaults: Mapping[str, Any] = {}
    tables: Mapping[str, Mapping[str, Any]] = {}

    @model_validator(mode="after")
    def _require_tables(self) -> Self:
        unknown = sorted(set(self.tables) - set(TABLES))
        if unknown:
            message = f"no contract is declared for {', '.join(unknown)}"
            raise ValueError(message)
        for name in TABLES:
            newest = self.find(name).newest
            dates = [c.name for c in columns_from_table(TABLES[name]) if c.sql_type == "DATE"]
            if newest and newest not in dates:
                message = f"tables.{name}.newest: {newest} is none of {', '.join(dates)}"
                raise ValueError(message)
        return self

    def find(self, table: str) -> TableLimits:
        """Return the limits of a table."""
        return TableLimits.model_validate({**self.defaults, **self.tables.get(table, {})})


def read_quality_limits(path: Path) -> QualityLimits:
    """Read the declaration of the limits.

    Raises
    ------
    DeclarationError
        If the file cannot be read, is no TOML, or declares something wrong. All faults are named.
    """
    try:
        return QualityLimits.model_validate(tomllib.loads(path.read_text()))
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        message = f"PIPELINE_QUALITY: {path} cannot be read: {error}"
        raise DeclarationError(message) from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}".removeprefix(": ")
            for detail in error.errors()
        )
        message = f"PIPELINE_QUALITY: {path}: {faults}"
        raise DeclarationError(message) from error
