import pytest

from models.errors import SuretyError
from models.lending.errors import (
    AmountError,
    LendingError,
    PostingError,
    RuleSetError,
    TermsError,
)


@pytest.mark.parametrize("kind", [AmountError, TermsError, PostingError, RuleSetError])
def test_an_error_names_its_field_and_the_rule(kind: type[LendingError]) -> None:
    error = kind(field="months", rule="must be 1 or more, got 0")
    assert isinstance(error, SuretyError)
    assert error.field == "months"
    assert str(error) == "months must be 1 or more, got 0"
