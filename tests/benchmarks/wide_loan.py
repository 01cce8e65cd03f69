"""A credit model of fifty numbers, and rows of it in as many Parquet files as it takes."""

from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from models.annotations import Reason, Risk
from models.contract import CreditModel
from models.policy import Cutoffs
from models.score_scale import PointsToDoubleOdds

AMOUNTS, COUNTS = 40, 10
SIGNED = 10  # of the amounts, which raise the risk
FILE_ROWS, GROUP_ROWS = 500_000, 125_000
HIGHEST_AMOUNT, HIGHEST_COUNT = 1e9, 50


def _annotate() -> dict[str, Any]:
    """Return the fields: amounts, of which some have a sign, and counts."""
    amounts = [f"amount_{i:02}" for i in range(AMOUNTS)]
    fields: dict[str, Any] = {}
    for i, name in enumerate(amounts):
        about: tuple[Any, ...] = (
            Field(ge=0, le=HIGHEST_AMOUNT),
            Reason(f"A{i:02}", f"The amount {i} is {{{name}:.0f}}"),
            *((Risk(+1),) if i < SIGNED else ()),
        )
        fields[name] = Annotated[(float, *about)]
    for i in range(COUNTS):
        name = f"count_{i}"
        reason = Reason(f"C{i}", f"The count {i} is {{{name}:.0f}}")
        fields[name] = Annotated[int, Field(ge=0, le=HIGHEST_COUNT), reason]
    return fields


class WideLoan(CreditModel):
    """A made-up loan of fifty numbers, forty of which say nothing."""

    label: ClassVar = "is_default"
    label_definition: ClassVar = "made up"
    horizon: ClassVar = "12 months"
    scale: ClassVar = PointsToDoubleOdds()
    policy: ClassVar = Cutoffs(approve_below=0.1, decline_from=0.6)

    __annotations__.update(_annotate())


def write_rows(folder: Path, rows: int, seed: int) -> None:
    """Write rows as pandas writes them, 500,000 in a file."""
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, rows, FILE_ROWS):
        frame = make_rows(min(FILE_ROWS, rows - start), seed + start)
        path = folder / f"part-{start // FILE_ROWS:04}.parquet"
        frame.to_parquet(path, index=False, row_group_size=GROUP_ROWS)


def make_rows(rows: int, seed: int) -> pd.DataFrame:
    """Make rows, about an eighth of them defaults."""
    random = np.random.default_rng(seed)
    normal = random.standard_normal((AMOUNTS, rows), dtype=np.float32)
    columns: dict[str, NDArray[Any]] = {
        f"amount_{i:02}": np.round(np.exp(8 + normal[i].astype(np.float64)), 2)
        for i in range(AMOUNTS)
    }
    for i in range(COUNTS):
        columns[f"count_{i}"] = np.minimum(random.poisson(3, rows), HIGHEST_COUNT)
    log_odds = -2.5 + 0.4 * normal[: SIGNED // 2].sum(axis=0) + 0.2 * (columns["count_0"] - 3)
    columns["is_default"] = random.binomial(1, 1 / (1 + np.exp(-log_odds)))
    return pd.DataFrame(columns)
