"""The history of a pointer: one record of each move, written before the pointer moves.

A bucket has no transaction over two objects, so a process can end between the two writes. A record
is therefore written first, and is a move only if the pointer took it up: the pointer's nonce names
the record of its last move, and each record names the one before it. A record that no pointer took
up belongs to no move. So no move is without a record, and no record invents a move.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, ValidationError

from models.errors import ObjectExistsError, StoreUnavailableError
from models.registry.store_paths import move_path
from models.registry.versions import RegistryDocument, Version, find_object
from models.stores.store import Store

Action = Literal["promote", "roll_back", "challenge", "retire"]


class MoveRecord(RegistryDocument):
    """One move: what the pointer names after it, who moved it, when and why.

    `after` is the nonce of the pointer that it replaced, or None if there was none. `failed` has
    the gates that the champion had failed when it was promoted by hand.
    """

    format: Literal[1] = 1
    model: str
    action: Action
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
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MoveHistory:
    """The moves of a pointer, newest first, and how many before them have no record."""

    moves: tuple[MoveRecord, ...]
    unrecorded: int


def write_move(store: Store, record: MoveRecord) -> None:
    """Create the record of a move that is about to be made.

    Raises
    ------
    StoreUnavailableError
        If the record is not in the store. Then the pointer must not be moved.
    """
    name = move_path(record.model, record.sequence, record.nonce)
    try:
        store.create(name, record.model_dump_json(indent=1).encode())
    except ObjectExistsError:
        pass  # the nonce is ours alone: the response to our own write was lost
    except StoreUnavailableError:
        if find_object(store, name) is None:
            raise


def read_history(store: Store, model_name: str, sequence: int, nonce: str) -> MoveHistory:
    """Read the moves that led to a pointer with this sequence and nonce."""
    moves: list[MoveRecord] = []
    following: str | None = nonce
    while sequence and following:
        record = _find_move(store, model_name, sequence, following)
        if record is None:
            break
        moves.append(record)
        sequence, following = sequence - 1, record.after
    return MoveHistory(tuple(moves), sequence)


def _find_move(store: Store, model_name: str, sequence: int, nonce: str) -> MoveRecord | None:
    stored = find_object(store, move_path(model_name, sequence, nonce))
    if stored is None:
        return None
    try:
        record = MoveRecord.model_validate_json(stored.data)
    except ValidationError:
        return None
    identity = (record.model, record.sequence, record.nonce)
    return record if identity == (model_name, sequence, nonce) else None
