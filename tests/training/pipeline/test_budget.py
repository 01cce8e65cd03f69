"""A day of 1,000,000 payments: seconds and memory of ingestion, checks and features together."""

import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.running import REPOSITORY
from tests.training.pipeline.conftest import ROWS

DAY = date(2026, 11, 28)
PAYMENTS, CUSTOMERS = 1_000_000, 200_000
MOST_SECONDS, MOST_KIB = 60, 2 * 2**20
SOURCES = """
[sources.drop]
kind = "files"
tables.payments.file = "payments_{day}.csv"
tables.customers.file = "customers_{day}.csv"
"""
ABSENT = ("accounts", "inquiries", "bureau_scores", "macro_indicators")


def drop(folder: Path) -> None:
    """Write both files of the day."""
    random = np.random.default_rng(1)
    names = np.array([f"C{number:06}" for number in range(CUSTOMERS)])
    customers = pd.DataFrame({**ROWS["customers"], "customer_id": names})
    customers.to_csv(folder / f"customers_{DAY}.csv", index=False)
    days = pd.to_timedelta(random.integers(0, 60, PAYMENTS), unit="D")
    payments = pd.DataFrame(
        {
            "payment_id": [f"P{number:07}" for number in range(PAYMENTS)],
            "account_id": "A1",
            "customer_id": names[random.integers(0, CUSTOMERS, PAYMENTS)],
            "due_date": (pd.Timestamp(DAY) - days).strftime("%Y-%m-%d"),
            "amount_due": random.uniform(5, 500, PAYMENTS).round(2),
            "paid_on": np.where(random.random(PAYMENTS) < 0.8, DAY.isoformat(), ""),
            "amount_paid": random.uniform(0, 500, PAYMENTS).round(2),
        }
    )
    payments.to_csv(folder / f"payments_{DAY}.csv", index=False)


@pytest.mark.environments
@pytest.mark.timing
def test_a_million_payments_take_a_minute_and_two_gibibytes(tmp_path: Path) -> None:
    drop(tmp_path)
    (tmp_path / "sources.toml").write_text(SOURCES)
    variables = {
        "LAKE_URI": (tmp_path / "lake").as_uri(),
        "WAREHOUSE_URL": f"duckdb:///{tmp_path / 'w.duckdb'}",
        "PIPELINE_SOURCES": str(tmp_path / "sources.toml"),
        "SOURCE_URL_DROP": tmp_path.as_uri(),
    }
    accepted = [text for table in ABSENT for text in ("--accept", f"{table}.arrived")]
    steps = (("ingest", "--source", "drop"), ("quality",), ("features", *accepted))
    began = time.monotonic()
    codes = [
        subprocess.run(
            [sys.executable, "-m", "training", *step, "--day", str(DAY)],
            cwd=REPOSITORY,
            env=variables,
            capture_output=True,
            check=False,
        ).returncode
        for step in steps
    ]
    seconds = time.monotonic() - began
    assert codes == [0, 2, 0]  # the other tables have not arrived
    assert seconds <= MOST_SECONDS
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= MOST_KIB
