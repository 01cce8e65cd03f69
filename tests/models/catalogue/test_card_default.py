from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from models.catalogue.card_default import CardDefault
from models.features import columns_from_applications, features, matrix_from_columns

EXAMPLE: dict[str, Any] = CardDefault.model_json_schema()["examples"][0]


def test_utilization_is_the_latest_bill_as_a_share_of_the_limit() -> None:
    account = CardDefault.model_validate(EXAMPLE | {"limit_bal": 20_000, "bill_amt1": 3_913})
    columns = columns_from_applications(CardDefault, [account])
    assert columns["utilization"].tolist() == [pytest.approx(0.19565)]


@pytest.mark.parametrize("code", [-2, -1, 0])
def test_a_repayment_code_is_no_number_of_months(code: int) -> None:
    account = CardDefault.model_validate(EXAMPLE | {"pay_0": code})
    columns = columns_from_applications(CardDefault, [account])
    row = matrix_from_columns(CardDefault, columns)[0]
    encoded = {f.name: value for f, value in zip(features(CardDefault), row, strict=True)}
    assert np.isnan(encoded["pay_0"])
    assert [encoded[f"pay_0={other}"] for other in (-2, -1, 0)] == [
        float(other == code) for other in (-2, -1, 0)
    ]


@pytest.mark.parametrize("change", [{"sex": 3}, {"education": 1.0}, {"pay_0": 10}, {"age": 17}])
def test_what_the_data_set_does_not_define_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CardDefault.model_validate(EXAMPLE | change)
