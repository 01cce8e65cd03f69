"""Domain errors. Other modules map them to HTTP statuses and exit codes."""

import re
from datetime import datetime
from typing import Any

PYTHON_DATE = re.compile(r"datetime\.date\((\d+), (\d+), (\d+)\)")


def plain_rule(message: str) -> str:
    """Return a rule as pydantic words it, with dates as callers write them."""
    if "datetime.date(" not in message:
        return message
    return PYTHON_DATE.sub(lambda m: f"{m[1]}-{int(m[2]):02}-{int(m[3]):02}", message)


class SuretyError(Exception):
    """Base class of every error that this project raises deliberately.

    One that a worker process raises arrives as what it is, whatever its class is made from.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what makes it again: its message and its fields."""
        return _error_again, (type(self), self.args), self.__dict__


def _error_again(kind: type[SuretyError], arguments: tuple[Any, ...]) -> SuretyError:
    error = kind.__new__(kind)
    error.args = arguments
    return error


class DeclarationError(SuretyError):
    """A credit model, or a setting that names one, is declared incorrectly."""


class ProbabilityError(SuretyError):
    """A number is not a probability strictly between 0 and 1."""

    def __init__(self, probability: float) -> None:
        super().__init__(
            f"probability of default must be strictly between 0 and 1, got {probability}"
        )


class FeatureError(SuretyError):
    """A derived number is infinite although each field is within its bounds."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} cannot be computed: its inputs are out of proportion")


class DataError(SuretyError):
    """Training data cannot be used: it is unreadable, incomplete, or has too many refused rows."""


class UnknownModelError(SuretyError):
    """The catalogue has no credit model of this name."""

    def __init__(self, name: str, catalogue_names: tuple[str, ...]) -> None:
        super().__init__(
            f"no credit model of this name; the catalogue has {', '.join(catalogue_names)}"
        )
        self.name = name


class ModelRefusedError(SuretyError):
    """A bundle must not be served: wrong hash, other contract or failing golden rows."""


class LibraryMissingError(SuretyError):
    """A library that this machine lacks is needed."""


class RegistryError(SuretyError):
    """The state of a version or pointer does not allow the operation."""


class ApprovalError(RegistryError):
    """A promotion by hand lacks a reason or the approval of a second person.

    `member` is what lacks: `reason` or `approved_by`.
    """

    def __init__(self, message: str, member: str) -> None:
        super().__init__(message)
        self.member = member


class PointerMovedError(RegistryError):
    """Someone else moved the pointer of a model first. The operation had no effect."""

    def __init__(self, model_name: str, champion: str, who: str, when: datetime) -> None:
        super().__init__(
            f"{who} moved the pointer of {model_name} first, at {when:%Y-%m-%d %H:%M:%S} UTC; "
            f"its champion is {champion}"
        )


class SequenceError(RegistryError):
    """The pointer of a model is not where the caller saw it. The operation had no effect."""

    def __init__(self, model_name: str, actual: int) -> None:
        super().__init__(
            f"the pointer of {model_name} has the sequence {actual}; look at it again first"
        )


class MirrorError(SuretyError):
    """The mirror of the registry cannot be written. The registry itself is as it should be."""


class ClusterError(SuretyError):
    """A cluster that a training run needs cannot be reached, or one of its workers failed."""


class StoreError(SuretyError):
    """An operation of the model store failed."""


class ObjectMissingError(StoreError):
    """The store has no object of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no object {name} in the store")


class ObjectExistsError(StoreError):
    """An object exists already and can be created only once."""

    def __init__(self, name: str) -> None:
        super().__init__(f"object {name} exists already")


class GenerationConflictError(StoreError):
    """The object changed after it was read, so it was not replaced."""

    def __init__(self, name: str) -> None:
        super().__init__(f"object {name} was changed by someone else")


class StoreUnavailableError(StoreError):
    """The store cannot be reached, or it refused access."""
