from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pytest

from models.catalogue.application import Application
from models.catalogue.customer import Customer
from training.reporting.explanations import Sample
from training.reporting.macro_sensitivity import measure_macro_sensitivity

Columns = Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class SixAndTwelve:
    """A model whose log-odds grow by 6 a unit of interest and by 12 a unit of unemployment."""

    model: type[Any] = Customer


class ByHand(Sample):
    """Rows of that model, scored by its formula."""

    def score(self, changes: Columns) -> Any:  # noqa: ANN401 -- as the class above
        fields = {**self.fields, **changes}
        log_odds = -3 + 6 * fields["interest_rate"] + 12 * fields["unemployment_rate"]
        return 1 / (1 + np.exp(-log_odds))


def test_a_point_is_a_hundredth_of_the_slope() -> None:
    fields = {
        "interest_rate": np.array([0.05, 0.06, 1.0]),  # the last one cannot move up
        "unemployment_rate": np.array([0.04, 0.08, 0.05]),
    }
    sample = ByHand(cast("Any", SixAndTwelve()), fields)
    rate, unemployment = measure_macro_sensitivity(sample)
    assert (rate.field, rate.rows) == ("interest_rate", 2)
    assert rate.log_odds_a_point == pytest.approx(0.06)
    assert (unemployment.field, unemployment.rows) == ("unemployment_rate", 3)
    assert unemployment.most == pytest.approx(0.12)


def test_a_model_of_applicants_alone_has_none() -> None:
    sample = ByHand(cast("Any", SixAndTwelve(model=Application)), {})
    assert measure_macro_sensitivity(sample) == ()
