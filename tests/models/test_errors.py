from copy import copy
from datetime import UTC, datetime

import pytest

from models.errors import (
    FeatureError,
    GenerationConflictError,
    ObjectExistsError,
    ObjectMissingError,
    PointerMovedError,
    ProbabilityError,
    RegistryError,
    StoreError,
    SuretyError,
    UnknownModelError,
)

MOVED = datetime(2026, 11, 21, 1, 44, tzinfo=UTC)


def test_an_error_of_another_process_arrives_as_what_it_is() -> None:
    error = UnknownModelError("boats", ("customer",))
    arrived = copy(error)  # asks the error what makes it again, as a worker process does
    assert type(arrived) is UnknownModelError
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            ProbabilityError(1.5),
            SuretyError,
            "probability of default must be strictly between 0 and 1, got 1.5",
        ),
        (FeatureError("x"), SuretyError, "x cannot be computed: its inputs are out of proportion"),
        (
            UnknownModelError("c", ("a", "b")),
            SuretyError,
            "no credit model of this name; the catalogue has a, b",
        ),
        (
            PointerMovedError("toy", "V", "ann", MOVED),
            RegistryError,
            "ann moved the pointer of toy first, at 2026-11-21 01:44:00 UTC; its champion is V",
        ),
        (ObjectMissingError("a"), StoreError, "no object a in the store"),
        (ObjectExistsError("a"), StoreError, "object a exists already"),
        (GenerationConflictError("a"), StoreError, "object a was changed by someone else"),
    ],
)
def test_an_error_names_its_object_and_what_is_wrong(
    error: SuretyError, kind: type[SuretyError], message: str
) -> None:
    assert isinstance(error, kind)
    assert str(error) == message
