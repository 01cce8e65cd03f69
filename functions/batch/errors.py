"""What can go wrong with a batch, and the HTTP status of each error."""

from http import HTTPStatus

from functions.web.problems import ErrorStatuses, TemporaryError
from models.errors import (
    DataError,
    DeclarationError,
    FeatureError,
    ModelRefusedError,
    ObjectMissingError,
    StoreUnavailableError,
    SuretyError,
    UnknownModelError,
)


class UnknownBatchError(SuretyError):
    """There is no such batch, or the caller may not see it: both answer alike."""

    def __init__(self) -> None:
        super().__init__("there is no such batch")


class BatchStateError(SuretyError):
    """The batch is not in a state that allows what was asked."""


class JobUnavailableError(TemporaryError):
    """The platform cannot start the job of a large file now."""


ERROR_STATUSES: ErrorStatuses = {
    UnknownBatchError: HTTPStatus.NOT_FOUND,
    UnknownModelError: HTTPStatus.NOT_FOUND,
    ObjectMissingError: HTTPStatus.NOT_FOUND,
    BatchStateError: HTTPStatus.CONFLICT,
    DataError: HTTPStatus.UNPROCESSABLE_ENTITY,
    DeclarationError: HTTPStatus.UNPROCESSABLE_ENTITY,
    FeatureError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ModelRefusedError: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}
