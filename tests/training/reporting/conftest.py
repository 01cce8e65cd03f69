"""One small trained model, and its report, for the tests of all sections."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from models.registry.pointer import Author
from tests.support.monitored import toy_rows
from tests.support.toy import Toy
from training.gates import ChampionScores, judge_alone
from training.reading.options import DataOptions
from training.report import ReportedRun, build_report_files
from training.run import Trained, TrainingJob, train

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass(frozen=True)
class Report:
    """A trained model, its reported_run, and the two files of its report."""

    trained: Trained
    reported_run: ReportedRun
    document: dict[str, Any]
    page: str


def judgement_on(trained: Trained, who: str = "tester") -> ReportedRun:
    """A reported_run beside a champion that ranks a little worse."""
    noise = np.random.default_rng(3).normal(0, 0.05, len(trained.probabilities))
    return ReportedRun(
        outcome="promoted",
        gates=judge_alone(trained.evaluation),
        version="20261121T000000Z-0123456789ab",
        author=Author(who=who, when=NOW),
        champion="20261101T000000Z-ba9876543210",
        champion_scores=ChampionScores.of_all(np.clip(trained.probabilities + noise, 0.001, 0.999)),
    )


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    toy_rows(2_000).to_parquet(path)
    job = TrainingJob(
        model=Toy,
        data=DataOptions(values={"data": str(path)}),
        seed=1,
        threads=1,
        max_refused_share=0.01,
        families=("logistic",),
    )
    return train(job)


@pytest.fixture(scope="session")
def report(trained: Trained) -> Report:
    reported_run = judgement_on(trained)
    files = build_report_files(trained, reported_run)
    document = json.loads(files["report.json"])
    return Report(trained, reported_run, document, files["report.html"].decode())
