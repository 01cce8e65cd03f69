import numpy as np

from models.estimators.families import Additive, Trees
from models.features import columns_from_applications, matrix_from_columns
from models.scorer import Scorer, probabilities_from_log_odds
from tests.models.conftest import BASELINE, CALIBRATION, POLICY, build_toy_trees, logistic
from tests.support.toy import Toy, toy
from training.gate_evidence import JudgedRows, count_steps, gather_evidence
from training.reading.applications import fields_from_applications

__all__ = ["logistic"]


def test_the_work_of_one_row_is_counted(logistic: Additive) -> None:
    trees = build_toy_trees()
    assert count_steps(logistic) == 8  # terms of one shape each
    assert count_steps(trees) == 30 * 3  # trees of depth 3


def test_a_form_that_is_no_tree_of_numbers_is_not_counted() -> None:
    class Other(Trees):
        def to_bytes(self) -> bytes:
            return b"{}"

    assert count_steps(Other("xgboost", build_toy_trees().to_bytes())) is None


def judged_rows(scorer: Scorer, incomes: np.ndarray) -> JudgedRows:
    rows = [toy(income=float(income), age=30 + i % 40) for i, income in enumerate(incomes)]
    matrix = matrix_from_columns(Toy, columns_from_applications(Toy, rows))
    probabilities = probabilities_from_log_odds(scorer.log_odds_from_matrix(matrix))
    labels = (np.arange(len(rows)) % 5 == 0).astype(np.int64)
    return JudgedRows(fields_from_applications(Toy, rows), matrix, labels, probabilities)


def test_evidence_is_of_both_parts(logistic: Additive) -> None:
    scorer = Scorer.from_catalogue(Toy, logistic, CALIBRATION, BASELINE, POLICY)
    random = np.random.default_rng(3)
    train = judged_rows(scorer, random.uniform(20_000, 80_000, 600))
    richer = judged_rows(scorer, random.uniform(60_000, 120_000, 200))
    evidence = gather_evidence(scorer, train, richer, seed=1)
    assert evidence.stability.psi > evidence.stability.bound
    assert evidence.strengths[0].auc < 0.6
    assert {group.characteristic for group in evidence.groups} == {"age"}
    assert (evidence.steps, evidence.repetition.shared) == (8, None)
