import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.lending.errors import RuleSetError
from models.lending.provision_arrays import ExposureArrays, provision_arrays
from models.lending.provision_rules import RBI_PROVISIONS_2025
from models.lending.provisions import ClassifiedExposure, provision
from tests.support.counts import counts
from tests.support.risk_book import random_exposures

NAMES = RBI_PROVISIONS_2025.asset_classes


def columns(exposures: list[ClassifiedExposure]) -> ExposureArrays:
    return ExposureArrays(
        asset_class=np.array([NAMES.index(e.asset_class) for e in exposures]),
        class_names=NAMES,
        outstanding=np.array([int(e.outstanding * 100) for e in exposures]),
        realisable_security=np.array([int(e.realisable_security * 100) for e in exposures]),
        is_unsecured=np.array([e.is_unsecured for e in exposures]),
    )


@pytest.mark.soak
@settings(max_examples=counts().books, deadline=None)
@given(st.lists(random_exposures(), min_size=1, max_size=5))
def test_columns_have_the_provision_of_each_loan(exposures: list[ClassifiedExposure]) -> None:
    result = provision_arrays(columns(exposures), RBI_PROVISIONS_2025)
    exact = [provision(exposure, RBI_PROVISIONS_2025) for exposure in exposures]
    assert result.amount.tolist() == [int(p.amount * 100) for p in exact]
    assert result.covered.tolist() == [int(p.covered * 100) for p in exact]


def test_a_class_without_a_rate_is_refused() -> None:
    empty = np.array([], dtype=np.int64)
    exposures = ExposureArrays(
        asset_class=empty,
        class_names=["doubtful"],
        outstanding=empty,
        realisable_security=empty,
        is_unsecured=empty.astype(np.bool_),
    )
    with pytest.raises(RuleSetError, match="none for doubtful"):
        provision_arrays(exposures, RBI_PROVISIONS_2025)
