"""What a call can end in; no message holds a credential or what an applicant said."""

from collections.abc import Sequence

from functions.client.responses import Fault
from models.errors import SuretyError

SHOWN_FAULTS = 3


class RefusedError(SuretyError):
    """The request is answered with a problem, and would be again: `faults` names every fault."""

    def __init__(self, status: int, title: str, detail: str, faults: Sequence[Fault] = ()) -> None:
        shown = [f"{fault.path}: {fault.message}" for fault in faults[:SHOWN_FAULTS]]
        if len(faults) > SHOWN_FAULTS:
            shown.append(f"and {len(faults) - SHOWN_FAULTS} more")
        super().__init__("; ".join([f"{status} {title}: {detail}", *shown]))
        self.status = status
        self.title = title
        self.detail = detail
        self.faults = list(faults)


class UnavailableError(SuretyError):
    """There is no answer now; the same request may get one later.

    `status` is None where nothing was answered at all. `retry_after_seconds` is what the server
    asked for last, if it did.
    """

    def __init__(
        self, detail: str, status: int | None = None, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.retry_after_seconds = retry_after_seconds


class UnreadableAnswerError(SuretyError):
    """What answered 200 is not the scoring function, or a later one than this client knows."""


class CredentialError(SuretyError):
    """There is no credential to send, or it is none that a header can hold."""
