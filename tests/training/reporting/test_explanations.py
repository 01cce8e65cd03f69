from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from models.contract import characteristics
from models.features import columns_from_fields
from tests.training.reporting.conftest import Report
from training.reading.applications import applications_from_fields
from training.reporting.explanations import (
    count_reasons,
    draw_sample,
    measure_sensitivity,
    trace_partial_dependence,
)
from training.run import Trained


@pytest.fixture(scope="module")
def dependence(report: Report) -> Mapping[str, Any]:
    lines = report.document["explanations"]["partial_dependence"]
    return {one["field"]: one for one in lines}


def test_partial_dependence_follows_documented_signs(dependence: Mapping[str, Any]) -> None:
    signed = [one for one in dependence.values() if one["sign"]]
    assert signed
    for one in signed:
        steps = np.diff(one["probabilities"]) * one["sign"]
        assert (steps >= -1e-9).all(), one["field"]


def test_levels_and_special_codes_and_absent_values_have_points(
    dependence: Mapping[str, Any],
) -> None:
    assert dependence["home"]["values"] == ["own", "rent"]
    assert not dependence["home"]["is_number"]
    assert set(dependence["months_since_default"]["special"]) == {"code -7", "absent"}


def test_a_moved_field_moves_what_is_derived_from_it(trained: Trained) -> None:
    sample = draw_sample(trained.scorer, trained.test.columns, seed=1)
    doubled = sample.score({"debt": sample.fields["debt"] * 2})
    assert (doubled >= sample.score({})).all()
    by_ratio_alone = sample.score({"debt_to_income": sample.fields["debt_to_income"] * 2})
    assert not np.allclose(doubled, by_ratio_alone)


def test_a_value_that_cannot_be_derived_from_is_still_tried(trained: Trained) -> None:
    sample = draw_sample(trained.scorer, trained.test.columns, seed=1)
    probabilities = sample.score({"income": np.zeros(len(sample))})
    assert np.isfinite(probabilities).all()


def test_sensitivity_moves_by_a_step_or_a_tenth_of_the_spread(trained: Trained) -> None:
    sample = draw_sample(trained.scorer, trained.test.columns, seed=1)
    columns = columns_from_fields(trained.model, trained.data.rows.columns)
    names = {c.name: 1.0 for c in characteristics(trained.model) if not c.protected}
    lines = {one.field: one for one in measure_sensitivity(sample, columns, names)}
    assert lines["debt"].step == max(
        1_000.0, 0.1 * float(np.subtract(*np.quantile(columns["debt"], (0.75, 0.25))))
    )
    assert lines["debt"].points_up < 0 < lines["debt"].points_down
    assert "home" not in lines
    assert all(0 <= line.decisions_changed <= 1 for line in lines.values())


def test_only_important_fields_are_traced(trained: Trained) -> None:
    sample = draw_sample(trained.scorer, trained.test.columns, seed=1)
    columns = columns_from_fields(trained.model, trained.data.rows.columns)
    traced = trace_partial_dependence(sample, columns, {"debt": 0.4, "home": 0.1, "income": 0.0})
    assert [one.field for one in traced] == ["debt", "home"]


def test_reasons_are_counted_over_those_that_are_not_approved(trained: Trained) -> None:
    cutoff = trained.scorer.policy.approve_below
    applications = applications_from_fields(trained.model, trained.test.columns)
    refused = [
        application
        for application, p in zip(applications, trained.probabilities, strict=True)
        if p >= cutoff
    ]
    figures = count_reasons(trained.scorer, trained.test.columns, trained.probabilities, 1)
    decisions = trained.scorer.decide(refused)
    first = [d.reasons[0].code for d in decisions if d.reasons]
    assert figures.rows == len(refused)
    assert {f.code: f.first for f in figures.frequencies if f.first} == {
        code: first.count(code) for code in set(first)
    }
    assert {f.code for f in figures.frequencies} == {"T1", "T2", "T3", "T4"}
    assert figures.without_reason == sum(not d.reasons for d in decisions)


def test_where_everybody_is_approved_there_are_no_reasons(trained: Trained) -> None:
    figures = count_reasons(
        trained.scorer, trained.test.columns, np.full(len(trained.test.labels), 0.01), 1
    )
    assert (figures.rows, figures.mean_reasons) == (0, 0.0)
