"""What can go wrong, in words of the domain; statuses and exit codes are mapped elsewhere."""

from datetime import datetime


class SuretyError(Exception):
    """Root of all errors this project raises on purpose."""


class DeclarationError(SuretyError):
    """A credit model, or a setting that names one, is declared in a way that cannot work."""


class ProbabilityError(SuretyError):
    """A number that must be a probability strictly between 0 and 1 is not."""

    def __init__(self, probability: float) -> None:
        super().__init__(
            f"probability of default must be strictly between 0 and 1, got {probability}"
        )


class FeatureError(SuretyError):
    """An application within its contract's bounds makes a derived number infinite."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} cannot be computed: its inputs are out of proportion")


class DataError(SuretyError):
    """Training data cannot be used: unreadable, incomplete, or too much of it refused."""


class UnknownModelError(SuretyError):
    """No credit model of this name is in the catalogue."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no credit model of this name; the catalogue has {', '.join(known)}")
        self.name = name


class ModelRefusedError(SuretyError):
    """A bundle must not be served: wrong hash, foreign contract, failing golden rows."""


class RegistryError(SuretyError):
    """A version or pointer is not in a state that allows what was asked."""


class PointerMovedError(RegistryError):
    """Someone else moved a model's pointer first; what was asked did not happen."""

    def __init__(self, model: str, champion: str, who: str, when: datetime) -> None:
        super().__init__(
            f"{who} moved the pointer of {model} first, at {when:%Y-%m-%d %H:%M:%S} UTC; "
            f"its champion is {champion}"
        )


class StoreError(SuretyError):
    """The model store did not do what was asked."""


class ObjectMissingError(StoreError):
    """The store has no object of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no object {name} in the store")


class ObjectExistsError(StoreError):
    """An object that may only be created once exists already."""

    def __init__(self, name: str) -> None:
        super().__init__(f"object {name} exists already")


class GenerationConflictError(StoreError):
    """The object changed since it was read, so it was not replaced."""

    def __init__(self, name: str) -> None:
        super().__init__(f"object {name} was changed by someone else")


class StoreUnavailableError(StoreError):
    """The store could not be reached, or refused access."""
