"""Errors of a call; no message holds a credential or personal data."""

from collections.abc import Sequence

from .responses import Fault

SHOWN_FAULTS = 3


class ClientError(Exception):
    """Root of all errors this package raises on purpose."""


class RefusedError(ClientError):
    """The request is invalid and would be again: `faults` lists every fault."""

    def __init__(self, status: int, title: str, detail: str, faults: Sequence[Fault] = ()) -> None:
        parts = [f"{fault.path}: {fault.message}" for fault in faults[:SHOWN_FAULTS]]
        if len(faults) > SHOWN_FAULTS:
            parts.append(f"and {len(faults) - SHOWN_FAULTS} more")
        super().__init__("; ".join([f"{status} {title}: {detail}", *parts]))
        self.status = status
        self.title = title
        self.detail = detail
        self.faults = list(faults)


class UnavailableError(ClientError):
    """There is no response now; the same request may get one later.

    `status` is None where there was no response at all. `retry_after_seconds` is the server's last
    `Retry-After`, if it sent one.
    """

    def __init__(
        self, detail: str, status: int | None = None, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.retry_after_seconds = retry_after_seconds


class UnreadableResponseError(ClientError):
    """A 200 that is not the scoring function's, or that of a later version than this client's."""


class CredentialError(ClientError):
    """There is no credential to send, or a header cannot hold it."""
