"""What can go wrong with a scoring request, and the HTTP status of each error."""

from collections.abc import Sequence
from http import HTTPStatus

from functions.web.problems import ErrorStatuses, TemporaryError
from models.errors import FeatureError, SuretyError, UnknownModelError


class NotReadyError(TemporaryError):
    """A model is not loaded yet, and why."""

    def __init__(self, model_name: str, cause: str, retry_after_seconds: int) -> None:
        super().__init__(f"model {model_name} is not ready: {cause}", retry_after_seconds)


class UnknownVersionError(SuretyError):
    """The requested version does not serve."""

    def __init__(self, model_name: str, serving: Sequence[str]) -> None:
        super().__init__(
            f"{model_name}: this version does not serve; these do: {', '.join(serving)}"
        )


class UnrecordedError(TemporaryError):
    """A decision could not be written to the decision log, so it was not returned."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, retry_after_seconds=10)


ERROR_STATUSES: ErrorStatuses = {
    UnknownModelError: HTTPStatus.NOT_FOUND,
    UnknownVersionError: HTTPStatus.NOT_FOUND,
    FeatureError: HTTPStatus.UNPROCESSABLE_ENTITY,
}
