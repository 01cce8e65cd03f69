"""Requests to the retraining function that read and move the pointer of a model.

A move names the sequence that its caller saw, so that it undoes no other move.
"""

import json

from .endpoints import Call
from .retrain_responses import PointerMoved, PointerState


def pointer(model_name: str) -> Call[PointerState]:
    """Request champion, previous champion and challenger, and the moves so far."""
    return Call(method="GET", path=f"/v1/models/{model_name}/pointer", response=PointerState)


def promote(
    model_name: str, version: str, sequence: int, reason: str | None = None
) -> Call[PointerMoved]:
    """Request that a version become the champion; a refused version needs a reason."""
    return _move(model_name, "promote", sequence, {"version": version, "reason": reason})


def roll_back(
    model_name: str, previous: str, sequence: int, reason: str | None = None
) -> Call[PointerMoved]:
    """Request that the previous champion be the champion again."""
    return _move(model_name, "rollback", sequence, {"version": previous, "reason": reason})


def _move(
    model_name: str, verb: str, sequence: int, members: dict[str, str | None]
) -> Call[PointerMoved]:
    body = {name: value for name, value in members.items() if value}
    return Call(
        method="POST",
        path=f"/v1/models/{model_name}:{verb}",
        response=PointerMoved,
        headers={"Content-Type": "application/json", "If-Match": f'"{sequence}"'},
        body=json.dumps(body).encode(),
    )
