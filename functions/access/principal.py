"""Who asks, once that is known, and the refusals where it is not."""

from dataclasses import dataclass

from functions.access.rate_limit import Rate
from models.errors import SuretyError


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller that is known: its name, what it may do, its own rate if it has one."""

    name: str
    scopes: frozenset[str]
    rate: Rate | None = None


class UnauthenticatedError(SuretyError):
    """It is not known who asks."""
