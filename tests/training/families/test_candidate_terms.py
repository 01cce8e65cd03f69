import numpy as np
import pytest

from models.estimators.formula import Curve, Line, Steps
from models.features import Feature
from training.families.candidate_terms import (
    BEND,
    ENTRY,
    Option,
    generate_pairs,
    generate_singles,
)

AGES = np.arange(11.0)  # 0 to 10, the median is 5
AGE = Feature("age", "age")


def singles(feature: Feature, column: np.ndarray) -> list[Option]:
    return list(generate_singles([feature], column[:, None]))


def test_the_first_shape_of_a_number_is_a_line_over_its_range() -> None:
    first = singles(AGE, AGES)[0]
    assert first.shapes == (Line(feature="age", start=0, end=10, missing=0.5),)
    assert first.values.tolist() == pytest.approx([i / 10 for i in range(11)])
    assert first.required_gain == ENTRY


def test_a_line_has_to_gain_more_for_each_end_that_is_chosen() -> None:
    charges = {
        (shape.start, shape.end): option.required_gain - ENTRY
        for option in singles(AGE, AGES)
        for shape in option.shapes
        if isinstance(shape, Line)
    }
    assert charges[0.0, 5.0] == charges[5.0, 10.0] == BEND
    assert charges[2.5, 7.5] == 2 * BEND


def test_shapes_of_a_signed_feature_rise_with_its_risk() -> None:
    safer_as_it_rises = Feature("age", "age", sign=-1)
    for option in singles(safer_as_it_rises, AGES):
        assert option.is_signed
        assert (np.diff(option.values) <= 0).all()
    assert not any(option.is_signed for option in singles(AGE, AGES))


def test_only_numbers_that_are_never_negative_have_curves() -> None:
    assert any(isinstance(o.shapes[0], Curve) for o in singles(AGE, AGES))
    assert not any(isinstance(o.shapes[0], Curve) for o in singles(AGE, AGES - 1))


def test_one_of_many_levels_has_to_gain_more() -> None:
    levels = [Feature(f"home={i}", "home", float(i)) for i in range(4)]
    options = list(generate_singles(levels, np.eye(4)))
    assert [o.required_gain for o in options] == [pytest.approx(ENTRY + 2 * np.log(4))] * 4


def test_a_feature_that_never_varies_has_no_shape() -> None:
    assert singles(AGE, np.full(11, 3.0)) == []
    assert singles(AGE, np.full(11, np.nan)) == []


def test_a_missing_value_counts_as_the_median() -> None:
    [option, *_] = singles(AGE, np.append(AGES, np.nan))
    assert option.values[-1] == option.values[5]


def test_a_term_is_the_same_on_other_rows() -> None:
    option = singles(AGE, AGES)[0]
    other = option.evaluate(np.array([[9.0, 2.5], [9.0, 99.0]]), ["debt", "age"])
    assert other.values.tolist() == [0.25, 1.0]
    assert (other.shapes, other.required_gain) == (option.shapes, option.required_gain)


def test_pairs_are_of_two_characteristics_and_multiply_their_shapes() -> None:
    debt = singles(Feature("debt", "debt"), 10 - AGES)
    age = singles(AGE, AGES)
    special = singles(Feature("age=-7", "age", -7.0), (AGES == 3).astype(float))
    pairs = generate_pairs([age[0], debt[0], special[0]], [*age, *debt, *special])
    names = {tuple(feature.name for feature in pair.features) for pair in pairs}
    assert names == {("age", "debt"), ("debt", "age=-7")}
    [pair] = [p for p in pairs if p.features[0].name == "age"]
    assert pair.values.tolist() == (age[0].values * debt[0].values).tolist()
    assert pair.required_gain == ENTRY


def test_the_simplest_line_of_a_heavy_tail_leaves_the_tail_out() -> None:
    heavy = np.append(np.arange(1_000.0), [1e9, 1e12])
    [shape] = singles(AGE, heavy)[0].shapes
    assert isinstance(shape, Line)
    assert (shape.start, shape.end) == pytest.approx((10, 991), abs=2)


def test_lines_bend_at_rare_values_of_a_count() -> None:
    rare = np.array([0.0] * 990 + [1.0] * 6 + [2.0] * 3 + [3.0])
    ends = {(s.start, s.end) for o in singles(AGE, rare) for s in o.shapes if isinstance(s, Line)}
    assert {(0.0, 1.0), (0.0, 2.0), (1.0, 2.0)} <= ends


def test_steps_rise_with_the_rank_and_a_missing_value_has_that_of_the_median() -> None:
    feature = Feature("age", "age", sign=-1)
    values = np.append(2.0 ** np.arange(40), np.nan)
    [steps] = [o for o in singles(feature, values) if isinstance(o.shapes[0], Steps)]
    assert (np.diff(steps.values[:-1]) <= 0).all()
    assert steps.values[0] == pytest.approx(0.975, abs=0.02)
    assert steps.values[-1] == pytest.approx(0.5, abs=0.03)
    assert steps.required_gain == ENTRY + BEND


def test_numbers_beyond_those_of_a_formula_have_shapes_all_the_same() -> None:
    huge = np.append(np.arange(20.0), [1e38, 1e38])
    for option in singles(AGE, huge):
        assert np.isfinite(option.values).all()
