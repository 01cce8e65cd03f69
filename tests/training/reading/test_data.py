from datetime import date
from pathlib import Path

import pytest

from models.errors import DataError
from tests.support.dated_loan import DatedLoan, dated_rows
from training.reading.data import DataRequest, read_data
from training.reading.options import DataOptions


def test_dates_in_the_future_are_refused(tmp_path: Path) -> None:
    dated_rows(300).to_csv(tmp_path / "rows.csv", index=False)
    options = DataOptions(values={"data": str(tmp_path / "rows.csv")})
    request = DataRequest(options=options, seed=1, today=date(2025, 12, 1))
    assert len(read_data(DatedLoan, request).rows.labels) == 300
    early = DataRequest(options=options, seed=1, today=date(2024, 12, 1))
    with pytest.raises(DataError, match=r"dates up to 2025-11-\d\d, which is in the future"):
        read_data(DatedLoan, early)
