"""A credit model with every kind of field that the bundled models lack: dates, orders, others."""

from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from models.annotations import (
    CalendarDate,
    Changeable,
    Column,
    Columns,
    FromColumn,
    Missing,
    Ordered,
    Other,
    Reason,
    Risk,
    derived,
)
from models.contract import CreditModel
from models.data_file import CsvDialect, DataFile
from models.policy import Cutoffs
from models.score_scale import PointsToDoubleOdds


class DatedLoan(CreditModel):
    """A loan with the dates of its application and of the first account."""

    label: ClassVar = "is_default"
    label_definition: ClassVar = "made up"
    horizon: ClassVar = "12 months"
    scale: ClassVar = PointsToDoubleOdds()
    policy: ClassVar = Cutoffs(approve_below=0.1, decline_from=0.6)
    data_file: ClassVar = DataFile(
        csv=CsvDialect(date="%d.%m.%Y"), date_column="applied", id_column="loan"
    )

    applied: CalendarDate
    first_account: CalendarDate | None = None
    grade: Annotated[
        Literal["A", "B", "C"], Ordered(), Risk(+1), Changeable(), Reason("D1", "The grade is low")
    ]
    purpose: Annotated[Literal["car", "house", "other"], Other("other"), Reason("D2", "Purpose")]
    amount: Annotated[
        float,
        Field(ge=0, le=1e6),
        FromColumn("Amount (cents)", factor=0.01),
        Risk(+1),
        Changeable(step=100),
        Reason("D3", "The amount is high"),
    ]

    @derived(
        Risk(-1),
        Reason("D4", "The first account is {months_on_file:.0f} months old"),
        Missing("There is no account yet"),
    )
    def months_on_file(columns: Columns) -> Column:  # noqa: N805 -- becomes a Derived
        """Months from the first account to the application."""
        return (columns["applied"] - columns["first_account"]) / 30.4375


def dated_rows(n: int, seed: int = 3) -> pd.DataFrame:
    """Rows as a file has them: German dates, amounts in cents, purposes that are not declared."""
    random = np.random.default_rng(seed)
    applied = np.datetime64("2024-01-01") + random.integers(0, 700, n)
    months = random.integers(1, 200, n)
    grade = random.choice(["A", "B", "C"], n)
    amount = random.integers(100, 50_000, n)
    logit = -1.5 - months / 80 + amount / 25_000 + (grade == "C") - (grade == "A")
    first = pd.Series(applied - (months * 30.4375).astype("timedelta64[D]"))
    return pd.DataFrame(
        {
            "loan": [f"L{i}" for i in range(n)],
            "applied": pd.Series(applied).dt.strftime("%d.%m.%Y"),
            "first_account": first.dt.strftime("%d.%m.%Y").where(random.random(n) < 0.9, ""),
            "grade": grade,
            "purpose": random.choice(["car", "house", "boat", "wedding"], n),
            "Amount (cents)": amount * 100,
            "is_default": random.binomial(1, 1 / (1 + np.exp(-logit))),
        }
    )
