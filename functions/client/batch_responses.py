"""Types of the responses, written by `make client` from docs/openapi-batch.json."""

from typing import Literal

from pydantic import AwareDatetime

from .response import Response


class BatchState(Response):
    """
    A batch, and how far it is.
    """

    id: str
    status: Literal["queued", "running", "succeeded", "checked", "failed", "cancelled"]
    model: str
    model_version: str | None
    input: str
    reasons: Literal["none", "adverse", "all"]
    dry_run: bool
    created_at: AwareDatetime
    rows: int | None
    rows_done: int | None
    scored: int | None
    faulty: int | None
    decisions: dict[str, int] | None
    detail: str | None
