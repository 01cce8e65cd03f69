"""Types of the responses, written by `make client` from docs/openapi-retrain.json."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from .response import Response


class Version(Response):
    """
    A published version: its name, and the size and sha256 of its bundle.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    version: Annotated[str, Field(pattern="^\\d{8}T\\d{6}Z-[0-9a-f]{12}$")]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    size: Annotated[int, Field(gt=0)]


class PointerMoved(Response):
    """
    The result of a move, or of a proposal, which moves nothing.
    """

    status: Literal["promoted", "rolled back", "waiting for a second person"]
    model: str
    version: str
    sequence: int
    who: str


class MoveRecord(Response):
    """
    One move: what the pointer names after it, who moved it, when and why.

    `after` is the nonce of the pointer that it replaced, or None if there was none. `failed` has
    the gates that the champion had failed when it was promoted by hand.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    format: Literal[1] = 1
    model: str
    action: Literal["promote", "roll_back", "challenge", "retire"]
    sequence: Annotated[int, Field(ge=1)]
    nonce: str
    after: str | None
    champion: Version
    previous: Version | None
    challenger: Version | None
    who: str
    when: AwareDatetime
    reason: str | None = None
    approved_by: str | None = None
    failed: list[str] | None = []


class PointerState(Response):
    """
    The pointer of a model, and its moves, newest first; 0 and None if it has no champion.
    """

    model: str
    sequence: int
    champion: str | None
    previous: str | None
    challenger: str | None
    moves: list[MoveRecord]
    unrecorded: int
