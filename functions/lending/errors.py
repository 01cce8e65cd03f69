"""What can go wrong in the loan book, and the HTTP status of each error."""

from http import HTTPStatus

from functions.web.problems import ErrorStatuses, TemporaryError
from models.errors import DataError, DeclarationError, SuretyError
from models.lending.errors import AmountError, PostingError, RuleSetError, TermsError


class BookUnavailableError(TemporaryError):
    """The database does not answer, or lacks a migration."""


class ScoringUnavailableError(TemporaryError):
    """The scoring function does not answer a question of which nothing is recorded."""

    def __init__(self, message: str) -> None:
        super().__init__(message, 5)


class BusyError(TemporaryError):
    """Another request holds what this one needs; it may be sent again."""

    def __init__(self, *, connections: bool = False) -> None:
        what = "all connections are in use" if connections else "the same loan or customer is busy"
        super().__init__(f"{what}: send the request again", 1)


class UnknownOutcomeError(TemporaryError):
    """The connection was lost while the change was being committed."""

    def __init__(self) -> None:
        message = (
            "the connection to the database was lost during the commit: look whether the change "
            "was made before sending it again, or send an Idempotency-Key"
        )
        super().__init__(message, 5)


class NotInBookError(SuretyError):
    """There is no such row, or the caller may not see it: both answer alike."""

    def __init__(self, what: str) -> None:
        super().__init__(f"there is no such {what}")


class NoUserError(SuretyError):
    """A role cannot be granted: the database has no such user."""

    def __init__(self, user: str) -> None:
        super().__init__(f"the database has no user {user}: make it first, or correct its name")


class TransitionError(SuretyError):
    """The action does not fit the state of what it acts on."""


class VersionError(SuretyError):
    """`If-Match` names another version than the present one."""

    def __init__(self, present: int) -> None:
        super().__init__(f'the present version is "{present}": read it again, and send its ETag')


class MissingVersionError(SuretyError):
    """The route requires `If-Match`."""

    def __init__(self) -> None:
        super().__init__("send If-Match with the ETag that was read")


class MissingKeyError(SuretyError):
    """The route moves money and requires an idempotency key."""

    def __init__(self) -> None:
        super().__init__(
            "send Idempotency-Key: one key for one intention, the same whenever it is sent again"
        )


class KeyReusedError(SuretyError):
    """The idempotency key stands for another request."""

    def __init__(self) -> None:
        super().__init__(
            "this Idempotency-Key was sent with another request: use a new key for a new intention"
        )


class NotAllowedError(SuretyError):
    """The caller's role may not do this to these rows, whatever its scopes."""

    def __init__(self) -> None:
        super().__init__("the role of this credential may not change this")


class WebhookAddressError(SuretyError):
    """The address of a webhook is not one that messages are sent to."""


class SecondPersonError(SuretyError):
    """The action needs a second person."""


ERROR_STATUSES: ErrorStatuses = {
    MissingKeyError: HTTPStatus.BAD_REQUEST,
    KeyReusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    BusyError: HTTPStatus.CONFLICT,
    NotInBookError: HTTPStatus.NOT_FOUND,
    TransitionError: HTTPStatus.CONFLICT,
    NotAllowedError: HTTPStatus.FORBIDDEN,
    SecondPersonError: HTTPStatus.FORBIDDEN,
    VersionError: HTTPStatus.PRECONDITION_FAILED,
    MissingVersionError: HTTPStatus.PRECONDITION_REQUIRED,
    PostingError: HTTPStatus.CONFLICT,
    AmountError: HTTPStatus.UNPROCESSABLE_ENTITY,
    TermsError: HTTPStatus.UNPROCESSABLE_ENTITY,
    RuleSetError: HTTPStatus.CONFLICT,
    WebhookAddressError: HTTPStatus.UNPROCESSABLE_ENTITY,
    DataError: HTTPStatus.UNPROCESSABLE_ENTITY,
    # The deployment lacks what the route needs, such as WEBHOOK_KEYS.
    DeclarationError: HTTPStatus.CONFLICT,
}
