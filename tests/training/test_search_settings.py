import math
import shlex
from pathlib import Path

import pytest

from models.errors import DataError
from training.search_settings import (
    BUDGETS,
    QUICK_SEARCH,
    SearchSettings,
    parse_parameters,
    plan_search,
)


def test_a_quick_run_searches_nothing() -> None:
    assert plan_search(QUICK_SEARCH).trials == 0
    assert QUICK_SEARCH.to_words() == []


def test_a_budget_bounds_trials_and_seconds() -> None:
    plan = plan_search(SearchSettings(budget="standard"))
    assert (plan.trials, plan.seconds) == (30, BUDGETS["standard"].seconds)
    assert not plan.is_nested
    assert plan_search(SearchSettings(budget="thorough")).is_nested


def test_counted_trials_are_bounded_by_no_clock() -> None:
    plan = plan_search(SearchSettings(budget="standard", trials=12))
    assert (plan.trials, plan.seconds) == (12, math.inf)


def test_a_run_is_repeated_with_the_parameters_it_ended_with_and_without_a_search() -> None:
    settings = SearchSettings(budget="standard", journal=Path("journal"))
    again = settings.without_search({"lightgbm": {"num_leaves": 8}, "logistic": {}})
    assert shlex.join(again.to_words()) == (
        """--budget standard --trials 0 --parameters '{"lightgbm": {"num_leaves": 8}}'"""
    )
    assert plan_search(again).trials == 0
    assert QUICK_SEARCH.without_search({"logistic": {}}) == QUICK_SEARCH


def test_words_name_everything_that_was_set() -> None:
    settings = SearchSettings(budget="thorough", trials=3, journal=Path("a b"))
    assert settings.to_words() == [
        *("--budget", "thorough", "--trials", "3"),
        *("--journal", "a b"),
    ]


def test_a_journal_without_a_search_is_refused() -> None:
    with pytest.raises(DataError, match="--journal keeps the trials of a search, and this run has"):
        plan_search(SearchSettings(journal=Path("journal")))


def test_given_parameters_are_read_and_checked() -> None:
    parameters = parse_parameters('{"xgboost": {"max_depth": 3}}')
    assert parameters == {"xgboost": {"max_depth": 3}}
    with pytest.raises(DataError, match="xgboost max_depth must be a whole number from 2 to 5"):
        plan_search(SearchSettings(parameters={"xgboost": {"max_depth": 30}}))


@pytest.mark.parametrize("text", ["{", "[]", '{"xgboost": 3}'])
def test_parameters_that_are_no_object_of_families_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="--parameters must be"):
        parse_parameters(text)
