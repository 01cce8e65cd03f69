"""What can go wrong with a training request, and the HTTP status of each error."""

from datetime import datetime
from http import HTTPStatus

from functions.web.problems import ErrorStatuses, TemporaryError
from models.errors import (
    DataError,
    ModelRefusedError,
    PointerMovedError,
    RegistryError,
    SequenceError,
    SuretyError,
    UnknownModelError,
)


class TrainingInProgressError(SuretyError):
    """A training run of this model is in progress, so no other was started."""

    def __init__(self, model_name: str, since: datetime) -> None:
        super().__init__(
            f"a training run of {model_name} has been in progress since {since.isoformat()}"
        )


class JobMissingError(SuretyError):
    """The platform has no training job for this model."""

    def __init__(self, model_name: str) -> None:
        super().__init__(f"there is no training job for {model_name}")


class TrainingUnavailableError(TemporaryError):
    """Training jobs cannot be read or started now."""


class StoreOutOfReachError(TemporaryError):
    """The model store cannot be read or written now."""


ERROR_STATUSES: ErrorStatuses = {
    UnknownModelError: HTTPStatus.NOT_FOUND,
    JobMissingError: HTTPStatus.NOT_FOUND,
    TrainingInProgressError: HTTPStatus.CONFLICT,
    SequenceError: HTTPStatus.PRECONDITION_FAILED,
    PointerMovedError: HTTPStatus.PRECONDITION_FAILED,
    RegistryError: HTTPStatus.CONFLICT,
    ModelRefusedError: HTTPStatus.CONFLICT,
    DataError: HTTPStatus.CONFLICT,
}
