from typing import Annotated, Literal

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from models.annotations import (
    Annotation,
    Changeable,
    Codes,
    Identifier,
    Missing,
    Private,
    Protected,
    Reason,
    Risk,
    Special,
    Unit,
    derived,
)

REASON = Reason("R1", "Debt is high")


@pytest.mark.parametrize(
    ("annotation", "attributes"),
    [
        (Unit("years"), {"unit": "years"}),
        (Risk(-1), {"sign": -1}),
        (Protected(), {"protected": True}),
        (Private(), {"private": True}),
        (Identifier(), {"identifier": True, "protected": True}),
        (Changeable(), {"changeable": True, "step": None}),
        (Changeable(step=0.5), {"changeable": True, "step": 0.5}),
        (Special({-1: "Unknown"}), {"special": {-1: "Unknown"}}),
        (REASON, {"reason": REASON}),
        (Missing("Not known"), {"missing": "Not known"}),
        (Codes(), {}),
        (Annotation(), {}),
    ],
)
def test_an_annotation_sets_its_attributes(
    annotation: Annotation, attributes: dict[str, object]
) -> None:
    assert annotation.attributes() == attributes


@pytest.mark.parametrize("value", [1.0, True, 2.0, False, "1", 3])
def test_codes_accept_their_integers_and_nothing_that_equals_them(value: object) -> None:
    level = TypeAdapter(Annotated[Literal[1, 2], Codes()])
    assert level.validate_python(1) == 1
    with pytest.raises(ValidationError):
        level.validate_python(value)


def test_a_derived_characteristic_has_its_function_and_its_annotations() -> None:
    doubled = derived(Unit("cm"), Risk(1))(lambda columns: 2 * columns["height"])
    assert doubled.compute({"height": np.array([1.0, 3.0])}).tolist() == [2.0, 6.0]
    assert doubled.annotations == (Unit("cm"), Risk(1))
