"""The authenticated caller, and the errors where there is none."""

from dataclasses import dataclass

from functions.access.rate_limit import Rate
from functions.web.problems import TemporaryError
from models.errors import SuretyError


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller: its name, its scopes, and its own rate if it has one.

    A token also says roles, and which branches or which customer they are about; a key has no
    roles: its scopes are all that restricts it.
    """

    name: str
    scopes: frozenset[str]
    rate: Rate | None = None
    roles: frozenset[str] | None = None
    branches: tuple[int, ...] = ()
    customer_id: int | None = None


class UnauthenticatedError(SuretyError):
    """The credential does not identify a caller."""


class CannotAuthenticateError(TemporaryError):
    """Callers cannot be authenticated now."""
