from dataclasses import replace

import numpy as np
import pytest

from models.metrics import auc
from training.families.search import SearchResult
from training.reporting.performance import compare_parts, describe_candidate, find_out_of_fold
from training.run import Trained


def test_a_figure_stands_beside_that_of_training_and_folds(trained: Trained) -> None:
    figures = {one.name: one for one in compare_parts(trained)}
    assert list(figures) == list(trained.manifest.metrics)
    folds = trained.fitted.result.out_of_fold.folds
    out_of_fold = find_out_of_fold(trained)
    labels = trained.part.labels
    aucs = [auc(labels[folds == k], out_of_fold[folds == k]) for k in range(5)]
    assert figures["auc"].folds == pytest.approx(np.mean(aucs))
    assert figures["auc"].deviation == pytest.approx(np.std(aucs, ddof=1))
    assert figures["auc"].gap == pytest.approx(figures["auc"].train - figures["auc"].test)
    assert figures["auc"].test == trained.manifest.metrics["auc"].value


def test_a_candidate_has_the_means_and_deviations_of_its_folds(trained: Trained) -> None:
    result = trained.fitted.result
    candidate = describe_candidate(result, is_selected=True)
    assert candidate.auc == pytest.approx(np.mean([fold.auc for fold in result.folds]))
    assert (candidate.family, candidate.search, candidate.parameters) == ("logistic", None, {})
    assert len(candidate.folds) == 5


def test_what_a_search_brings_is_described(trained: Trained) -> None:
    searched = SearchResult(
        trials=30,
        pruned=4,
        seconds=12.5,
        ended_by="trials",
        parameters={"depth": 3},
        log_loss=0.4,
        default_log_loss=0.41,
    )
    result = trained.fitted.result
    tuned = replace(
        result, candidate=result.candidate.with_parameters({"regularisation": 3}), search=searched
    )
    candidate = describe_candidate(tuned, is_selected=False)
    assert candidate.search is searched
    assert candidate.parameters == {"regularisation": 3}


def test_one_fold_has_no_deviation(trained: Trained) -> None:
    single = replace(trained.fitted.result, folds=trained.fitted.result.folds[:1])
    assert describe_candidate(single, is_selected=False).auc_deviation == 0
