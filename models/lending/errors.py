"""Errors of the loan book's arithmetic: each names a field, the rule it breaks and the remedy."""

from models.errors import SuretyError


class LendingError(SuretyError):
    """A value or a posting that the loan book's arithmetic refuses."""

    def __init__(self, *, field: str, rule: str) -> None:
        super().__init__(f"{field} {rule}")
        self.field = field


class AmountError(LendingError):
    """A number is not an amount of money, a rate or a count within its bounds."""


class TermsError(LendingError):
    """The terms of a loan or of a product cannot be kept."""


class PostingError(LendingError):
    """A fact does not fit the other facts of its loan. Nothing was derived."""


class RuleSetError(LendingError):
    """A rule set is declared incorrectly: gaps, wrong order, or a missing member."""
