from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.pipeline import Pipeline
from xgboost import XGBClassifier

from models.annotations import Column
from models.estimators.families import Additive, Trees
from models.estimators.formula import Curve, Formula, Line, Steps, Term, Value
from models.features import columns_from_applications, features, matrix_from_columns
from models.scorer import Scorer
from tests.support.monitored import toy_rows
from tests.support.toy import Toy, toy
from training.reading.row_validation import check_rows
from training.reporting.model_contents import describe_contents, describe_parameters
from training.run import Trained

NAMES = tuple(f.name for f in features(Toy))


def steps(feature: str, edges: tuple[float, ...], values: tuple[float, ...]) -> Term:
    shape = Steps(feature=feature, edges=edges, values=values, missing=0.4)
    return Term(weight=-1.0, shapes=(shape,))


def indicator(feature: str, weight: float) -> Term:
    return Term(weight=weight, shapes=(Value(feature=feature, missing=0.0),))


SCORECARD = Formula(
    features=NAMES,
    intercept=-2.0,
    terms=(
        steps("income", (30_000.0, 60_000.0), (-1.0, 0.0, 1.0)),
        steps("months_since_default", (12.0,), (-0.5, 0.5)),
        indicator("months_since_default=-7", 0.3),
        indicator("home=own", -0.2),
        indicator("home=rent", 0.6),
    ),
)


def described(trained: Trained, estimator: Any) -> dict[str, Any]:  # noqa: ANN401 -- any family
    scorer: Scorer = replace(trained.scorer, estimator=estimator)
    return describe_contents(scorer, trained.part)


def points_by_attribute(trained: Trained) -> dict[tuple[str, str], dict[str, Any]]:
    contents = described(trained, Additive("scorecard", SCORECARD))
    return {(line["feature"], line["attribute"]): line for line in contents["points"]}


def test_a_points_table_has_every_attribute_once(trained: Trained) -> None:
    assert list(points_by_attribute(trained)) == [
        ("income", "below 30,000"),
        ("income", "30,000 to 60,000"),
        ("income", "from 60,000"),
        ("home", "own"),
        ("home", "rent"),
        ("months_since_default", "below 12"),
        ("months_since_default", "from 12"),
        ("months_since_default", "-7"),
        ("months_since_default", "missing"),
    ]


def test_points_are_the_difference_of_the_score_to_the_baseline_applicant(
    trained: Trained,
) -> None:
    scorer = replace(trained.scorer, estimator=Additive("scorecard", SCORECARD))
    typical = dict(scorer.baseline) | {"age": 40}
    applications = [toy(**(typical | {"home": home})) for home in ("own", "rent")]
    own, rent = (decision.credit_score for decision in scorer.decide(applications))
    [base] = scorer.decide([toy(**typical)])
    lines = points_by_attribute(trained)
    assert lines["home", "own"]["points"] == pytest.approx(own - base.credit_score)
    assert lines["home", "rent"]["points"] == pytest.approx(rent - base.credit_score)
    assert lines["home", "rent"]["log_odds"] - lines["home", "own"]["log_odds"] == pytest.approx(
        0.8
    )


def test_the_attributes_of_a_field_count_every_training_row_once(trained: Trained) -> None:
    lines = points_by_attribute(trained)
    for field in ("income", "home", "months_since_default"):
        rows = sum(line["rows"] for (name, _), line in lines.items() if name == field)
        assert rows == len(trained.part.labels)


def test_a_special_code_has_what_its_bin_and_its_indicator_add(trained: Trained) -> None:
    lines = points_by_attribute(trained)
    assert lines["months_since_default", "-7"]["log_odds"] == pytest.approx(-0.4 + 0.3)


def test_a_shape_has_both_sides_of_each_step(trained: Trained) -> None:
    contents = described(trained, Additive("scorecard", SCORECARD))
    income = next(shape for shape in contents["shapes"] if shape["feature"] == "income")
    at = dict(zip(income["values"], income["log_odds"], strict=True))
    assert at[30_000.0] == 0.0
    assert at[float(np.nextafter(30_000.0, 0.0))] == 1.0
    assert income["missing"] is None


def test_terms_are_described_in_words_and_the_widest_comes_first(trained: Trained) -> None:
    pair = (
        Line(feature="debt", start=0.0, end=50_000.0, missing=0.5),
        Curve(feature="income", unit=100.0, start=0.0, end=90_000.0, missing=0.5),
    )
    terms = (indicator("home=own", -0.01), Term(weight=2.0, shapes=pair))
    formula = Formula(features=NAMES, intercept=-1.0, terms=terms)
    contents = described(trained, Additive("additive", formula))
    first, second = contents["coefficients"]
    assert first["features"] == ("debt", "income")
    words = (
        "debt as a line (0 at 0, 1 at 50,000, absent: 0.5) times income as a log curve of unit 100"
    )
    assert first["description"].startswith(words)
    assert second["description"] == "home=own"
    assert first["spread"] > second["spread"]
    assert (contents["points"], contents["form"], contents["intercept"]) == ([], "formula", -1.0)


def matrix_and_labels() -> tuple[Any, Column]:
    frame = toy_rows(500)
    rows = check_rows(Toy, frame, 0.0).applications
    matrix = matrix_from_columns(Toy, columns_from_applications(Toy, rows))
    return matrix, frame["is_default"].to_numpy()


def test_trees_are_counted(trained: Trained) -> None:
    classifier = XGBClassifier(n_estimators=7, max_depth=2, n_jobs=1).fit(*matrix_and_labels())
    estimator = Trees("xgboost", bytes(classifier.get_booster().save_raw("ubj")))
    shape = described(trained, estimator)["trees"]
    table = classifier.get_booster().trees_to_dataframe()
    assert (shape["trees"], shape["depth"], shape["nodes"]) == (7, 2, len(table))
    assert shape["leaves"] == (table["Feature"] == "Leaf").sum()
    assert sum(shape["splits"].values()) == shape["nodes"] - shape["leaves"]
    assert list(shape["splits"].values()) == sorted(shape["splits"].values(), reverse=True)


def test_hyper_parameters_are_plain_and_name_no_threads() -> None:
    pipeline = Pipeline([("classify", XGBClassifier(n_estimators=7, n_jobs=2, max_depth=3))])
    assert describe_parameters(pipeline) == {
        "enable_categorical": False,
        "max_depth": 3,
        "n_estimators": 7,
    } | {"objective": "binary:logistic"}


def test_what_has_no_parameters_is_described_by_none(trained: Trained) -> None:
    assert describe_parameters(object()) == {}

    class Other:
        """An estimator of a form that is neither a formula nor trees."""

    assert described(trained, Other())["form"] == "other"
