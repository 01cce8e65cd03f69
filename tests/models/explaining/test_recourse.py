"""Recourse is what trying every joint change would find."""

import time
import tracemalloc
from collections.abc import Sequence
from itertools import combinations, product
from typing import Annotated, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field
from xgboost import XGBClassifier

from models.annotations import Changeable, Column, Columns, Reason, Risk, derived
from models.contract import CreditModel, characteristics
from models.discovery import credit_models
from models.estimators.families import Additive, Trees, estimator_from_bytes
from models.estimators.formula import Formula, Term, Value
from models.explaining.recourse import Recourse, smallest_change, smallest_change_among
from models.explaining.recourse_grid import (
    MOST_FIELDS,
    Choice,
    Spread,
    Spreads,
    choices_from_columns,
    search_limits,
)
from models.features import (
    Matrix,
    columns_from_applications,
    columns_from_fields,
    features,
    matrix_from_columns,
)
from models.policy import Cutoffs
from models.reasons import Baseline
from models.registry.serving import LoadedVersion, load_champion
from models.score_scale import PointsToDoubleOdds
from models.scorer import Scorer, probabilities_from_log_odds
from models.stores.uri import open_store
from tests.models.conftest import BASELINE, CALIBRATION, POLICY, SPREADS
from tests.support.running import TrainedStore
from tests.support.toy import Toy, toy
from training.reading.row_validation import check_rows
from training.reading.sources import read_source

NOT_APPROVED = 200
VALUES = 8  # of each field, in the search and in the trial of every joint change alike
P95_SECONDS = 0.1  # of processor time: a search that grew with another power would take seconds

TOYS = st.builds(
    toy,
    income=st.floats(8_000, 60_000),
    debt=st.floats(0, 60_000),
    home=st.sampled_from(["own", "rent"]),
    months_since_default=st.sampled_from([None, -7, 3, 20, 50, 90]),
)


def thinned(choices: Sequence[Choice]) -> list[Choice]:
    """The present value and at most `VALUES` others, evenly from the nearest to the farthest."""
    thinned_choices = []
    for c in choices:
        count = min(VALUES, len(c.column) - 1)
        value_indices = [0, *np.linspace(1, len(c.column) - 1, count).round().astype(int).tolist()]
        thinned_choices.append(
            Choice(c.characteristic, c.column[value_indices], c.distances[value_indices])
        )
    return thinned_choices


def by_trial(
    scorer: Scorer, choices: Sequence[Choice], application: CreditModel
) -> tuple[int, float] | None:
    """Number of fields and distance of the smallest change, by scoring every joint change."""
    columns = columns_from_applications(scorer.model, [application])
    scored = [name for name in scorer.model.model_fields if name in columns]
    for fields in range(min(MOST_FIELDS, len(choices)) + 1):
        best = []
        for chosen in combinations(choices, fields):
            value_indices = [range(1, len(c.column)) for c in chosen]
            tried = np.array(list(product(*value_indices)), dtype=int)
            changed = {name: np.repeat(columns[name], len(tried)) for name in scored}
            distance = np.zeros(len(tried))
            for i, c in enumerate(chosen):
                changed[c.characteristic.name] = c.column[tried[:, i]]
                distance += c.distances[tried[:, i]]
            matrix = matrix_from_columns(scorer.model, columns_from_fields(scorer.model, changed))
            probabilities = probabilities_from_log_odds(scorer.log_odds_from_matrix(matrix))
            best += distance[probabilities < scorer.policy.approve_below].tolist()
        if best:
            return fields, min(best)
    return None


def assert_smallest(
    recourse: Recourse | None, expected: tuple[int, float] | None, application: CreditModel
) -> None:
    assert (recourse is None) is (expected is None), application
    if recourse is None or expected is None:
        return
    assert len(recourse.changes) == expected[0]
    assert recourse.distance == pytest.approx(expected[1])


def assert_sound(scorer: Scorer, recourse: Recourse, application: CreditModel) -> None:
    """It is approved, follows the contract, and moved what it says and may, and nothing else."""
    before, after = application.model_dump(), recourse.application.model_dump()
    assert scorer.decide([recourse.application])[0].decision == "approve"
    assert scorer.model.model_validate(after) == recourse.application
    moved = {name for name in before if before[name] != after[name]}
    assert moved == {change.field for change in recourse.changes}
    assert moved <= {c.name for c in characteristics(scorer.model) if c.changeable}
    for change in recourse.changes:
        assert (before[change.field], after[change.field]) == (change.present, change.proposed)


@pytest.fixture(scope="session")
def monotone_trees() -> Trees:
    """Trees over the toy model that keep to its documented signs."""
    random = np.random.default_rng(4)
    rows = [
        toy(
            income=float(random.uniform(5_000, 60_000)),
            debt=float(random.uniform(0, 60_000)),
            home=str(random.choice(["own", "rent"])),
            months_since_default=int(random.integers(0, 100)),
        )
        for _ in range(600)
    ]
    matrix = matrix_from_columns(Toy, columns_from_applications(Toy, rows))
    risk = np.array([r.debt / r.income - r.months_since_default / 50 for r in rows])  # type: ignore[operator]
    labels = (risk + random.normal(size=600) > 0).astype(int)
    fitted = XGBClassifier(
        n_estimators=40,
        max_depth=3,
        n_jobs=1,
        monotone_constraints=tuple(f.sign for f in features(Toy)),
    ).fit(matrix, labels)
    estimator = estimator_from_bytes("xgboost", bytes(fitted.get_booster().save_raw("ubj")))
    assert isinstance(estimator, Trees)
    return estimator


@pytest.fixture(scope="session", params=["formula", "trees"])
def toy_scorer(request: pytest.FixtureRequest, logistic: Additive, monotone_trees: Trees) -> Scorer:
    estimator = logistic if request.param == "formula" else monotone_trees
    return Scorer.from_catalogue(Toy, estimator, CALIBRATION, BASELINE, POLICY)


@settings(deadline=None)  # the machine may be busy
@given(application=TOYS)
def test_of_a_toy_application_the_whole_grid_holds_nothing_smaller(
    toy_scorer: Scorer, application: Toy
) -> None:
    choices = choices_from_columns(Toy, SPREADS, columns_from_applications(Toy, [application]))
    recourse = smallest_change(toy_scorer, SPREADS, application)
    assert_smallest(recourse, by_trial(toy_scorer, choices, application), application)
    if recourse:
        assert_sound(toy_scorer, recourse, application)


class Bent(CreditModel):
    """A model whose derived number has no direction, whatever its field is declared to have."""

    label: ClassVar = "is_default"
    label_definition: ClassVar = "made up"
    horizon: ClassVar = "12 months"
    scale: ClassVar = PointsToDoubleOdds()
    policy: ClassVar = Cutoffs(approve_below=0.2, decline_from=0.4)

    height: Annotated[int, Field(ge=0, le=100), Risk(+1), Changeable(), Reason("B1", "Height")]
    width: Annotated[int, Field(ge=0, le=100), Risk(+1), Changeable(), Reason("B2", "Width")]

    @derived(Reason("B3", "Distance"))
    def distance(columns: Columns) -> Column:  # noqa: N805 -- becomes a Derived
        """How far height is from a value that width decides."""
        return np.abs(columns["height"] - 40 - columns["width"] / 4)


@settings(deadline=None)  # the machine may be busy
@given(height=st.integers(0, 100), width=st.integers(0, 100))
def test_a_direction_that_a_derived_number_breaks_is_not_relied_on(height: int, width: int) -> None:
    weights = {"height": 0.001, "width": 0.05, "distance": 1.0}
    terms = tuple(
        Term(weight=weight, shapes=(Value(feature=name, missing=0.0),))
        for name, weight in weights.items()
    )
    formula = Formula(features=tuple(weights), intercept=-4.0, terms=terms)
    baseline: Baseline = {"height": 40, "width": 0}
    scorer = Scorer.from_catalogue(
        Bent, Additive("logistic", formula), CALIBRATION, baseline, Bent.policy
    )
    spread = Spread(lowest=0, highest=100, interquartile_range=10)
    application = Bent(height=height, width=width)
    columns = columns_from_applications(Bent, [application])
    choices = choices_from_columns(Bent, {"height": spread, "width": spread}, columns)
    recourse = smallest_change_among(scorer, choices, application)
    assert_smallest(recourse, by_trial(scorer, choices, application), application)


class Fine(CreditModel):
    """Fields on grids of 100,001 values, without a direction, or with one that does not hold.

    A search of all joint changes would score 10 to the 15th.
    """

    label: ClassVar = "is_default"
    label_definition: ClassVar = "made up"
    horizon: ClassVar = "12 months"
    scale: ClassVar = PointsToDoubleOdds()
    policy: ClassVar = Cutoffs(approve_below=0.2, decline_from=0.4)

    height: Annotated[float, Field(ge=0, le=100), Changeable(0.001), Reason("F1", "Height")]
    width: Annotated[float, Field(ge=0, le=100), Changeable(0.001), Reason("F2", "Width")]
    depth: Annotated[float, Field(ge=0, le=100), Risk(+1), Changeable(0.001), Reason("F3", "Depth")]

    @derived(Reason("F4", "Distance"))
    def distance(columns: Columns) -> Column:  # noqa: N805 -- becomes a Derived
        """How far depth is from the middle."""
        return np.abs(columns["depth"] - 50)


@pytest.mark.parametrize("approve_below", [0.2, 1e-9], ids=["found", "none exists"])
def test_a_search_on_fine_grids_is_bounded_in_work_and_memory(
    approve_below: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = {"height": 0.05, "width": 0.04, "depth": 0.01, "distance": 0.05}
    terms = tuple(
        Term(weight=weight, shapes=(Value(feature=name, missing=0.0),))
        for name, weight in weights.items()
    )
    estimator = Additive("logistic", Formula(features=tuple(weights), intercept=-7.0, terms=terms))
    baseline: Baseline = {"height": 50, "width": 50, "depth": 50}
    policy = Cutoffs(approve_below=approve_below, decline_from=0.4)
    scorer = Scorer.from_catalogue(Fine, estimator, CALIBRATION, baseline, policy)
    spread = Spread(lowest=0, highest=100, interquartile_range=10)
    spreads = dict.fromkeys(("height", "width", "depth"), spread)
    scored = 0
    original = Scorer.log_odds_from_matrix

    def count(self: Scorer, matrix: Matrix) -> Column:
        nonlocal scored
        scored += len(matrix)
        return original(self, matrix)

    monkeypatch.setattr(Scorer, "log_odds_from_matrix", count)
    tracemalloc.start()
    recourse = smallest_change(scorer, spreads, Fine(height=99.0, width=99.0, depth=90.0))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (recourse is None) is (approve_below < 0.2)
    if recourse:
        assert scorer.decide([recourse.application])[0].decision == "approve"
    limits = search_limits(Fine)
    assert scored <= (1 + limits.values) ** 3 + 10_000
    assert peak < 50e6


def test_what_is_approved_already_needs_no_change(logistic: Additive) -> None:
    scorer = Scorer.from_catalogue(Toy, logistic, CALIBRATION, BASELINE, POLICY)
    recourse = smallest_change(scorer, SPREADS, toy(debt=0.0))
    assert recourse is not None
    assert (recourse.changes, recourse.distance) == ((), 0.0)


def test_where_nothing_may_move_there_is_no_recourse(logistic: Additive) -> None:
    scorer = Scorer.from_catalogue(Toy, logistic, CALIBRATION, BASELINE, POLICY)
    spreads: Spreads = {"debt": Spread(lowest=9e5, highest=9e5, interquartile_range=1.0)}
    application = toy(income=10_000.0, debt=50_000.0)
    assert scorer.decide([application])[0].decision == "decline"
    assert smallest_change(scorer, spreads, application) is None


@pytest.fixture(scope="module", params=["application", "card_default", "german_credit"])
def trained(request: pytest.FixtureRequest, trained_store: TrainedStore) -> LoadedVersion:
    return load_champion(open_store(trained_store.uri), credit_models()[request.param])


@pytest.fixture(scope="module")
def refused(trained: LoadedVersion) -> list[CreditModel]:
    model = trained.scorer.model
    rows = check_rows(model, read_source(model, None, seed=3).frame, max_refused_share=0)
    candidates = rows.applications[:4_000]
    decisions = trained.scorer.decide_without_reasons(candidates)
    applications = [
        a for a, d in zip(candidates, decisions, strict=True) if d.decision != "approve"
    ]
    assert len(applications) >= NOT_APPROVED
    return applications[:NOT_APPROVED]


def test_of_a_trained_model_recourse_equals_trying_every_joint_change(
    trained: LoadedVersion, refused: list[CreditModel]
) -> None:
    scorer = trained.scorer
    outcomes = set()
    for application in refused:
        columns = columns_from_applications(scorer.model, [application])
        choices = thinned(choices_from_columns(scorer.model, trained.manifest.spreads, columns))
        recourse = smallest_change_among(scorer, choices, application)
        assert_smallest(recourse, by_trial(scorer, choices, application), application)
        outcomes.add(len(recourse.changes) if recourse else None)
    assert outcomes >= {None, 1, 2}


def test_of_a_trained_model_recourse_is_sound_and_fast(
    trained: LoadedVersion, refused: list[CreditModel]
) -> None:
    seconds = []
    for application in refused:
        began = time.thread_time()
        recourse = smallest_change(trained.scorer, trained.manifest.spreads, application)
        seconds.append(time.thread_time() - began)
        if recourse:
            assert_sound(trained.scorer, recourse, application)
    assert np.quantile(seconds, 0.95) < P95_SECONDS
