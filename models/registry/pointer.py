"""The pointer: which version is champion, which came before it, which challenges it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, ValidationError

from models.errors import (
    GenerationConflictError,
    ModelRefusedError,
    ObjectExistsError,
    PointerMovedError,
    RegistryError,
    StoreError,
    StoreUnavailableError,
)
from models.registry.store_paths import bundle_path, pointer_path, version_prefix, versions_prefix
from models.registry.versions import Record, Version, find_object, version_names
from models.stores.store import Reader, Store, StoredObject

MOST_ATTEMPTS = 3


class Challenger(Record):
    """A version that answers a share of requests, to be compared with the champion."""

    version: Version
    share: Annotated[float, Field(gt=0, lt=1)]


class Pointer(Record):
    """Content of `champions/<model>.json`. The sequence only rises."""

    format: Literal[1] = 1
    model: str
    champion: Version
    previous: Version | None
    challenger: Challenger | None = None
    sequence: Annotated[int, Field(ge=1)]
    nonce: str
    who: str
    when: AwareDatetime

    def versions(self) -> tuple[Version, ...]:
        """Every version the pointer names: none of them may be pruned."""
        named = (self.champion, self.previous, self.challenger and self.challenger.version)
        return tuple(version for version in named if version)


@dataclass(frozen=True, slots=True)
class Author:
    """Who moves a pointer, and when (UTC)."""

    who: str
    when: datetime


@dataclass(frozen=True, slots=True)
class Move:
    """What a pointer shall name next; a challenger that becomes champion challenges no more."""

    champion: Version
    previous: Version | None
    challenger: Challenger | None


def promote(store: Store, model: str, version: Version, author: Author) -> Pointer:
    """Make a version the champion; the one it replaces is remembered for `roll_back`."""
    return _move(store, model, partial(_promoted, version), author)


def promote_over(
    store: Store, model: str, version: Version, champion: Version | None, author: Author
) -> Pointer:
    """Promote a version that was judged against a champion, or when there was none.

    Raises
    ------
    PointerMovedError
        If another is champion by now: against that one it was not judged.
    """

    def change(last: Pointer | None) -> Move:
        if last and last.champion != champion:
            raise PointerMovedError(model, last.champion.version, last.who, last.when)
        return _promoted(version, last)

    return _move(store, model, change, author)


def _promoted(version: Version, last: Pointer | None) -> Move:
    if last is None:
        return Move(version, None, None)
    previous = last.previous if last.champion == version else last.champion
    return Move(version, previous, last.challenger)


def roll_back(store: Store, model: str, author: Author) -> Pointer:
    """Make the previous champion the champion again."""

    def change(last: Pointer | None) -> Move:
        if last is None or last.previous is None:
            message = f"{model} has no previous champion to roll back to"
            raise RegistryError(message)
        return Move(last.previous, last.champion, last.challenger)

    return _move(store, model, change, author)


def challenge(store: Store, model: str, challenger: Challenger, author: Author) -> Pointer:
    """Let a version answer a share of requests beside the champion."""

    def change(last: Pointer | None) -> Move:
        if last is None:
            message = f"{model} has no champion to challenge"
            raise RegistryError(message)
        if challenger.version == last.champion:
            message = f"{challenger.version.version} is the champion itself"
            raise RegistryError(message)
        return Move(last.champion, last.previous, challenger)

    return _move(store, model, change, author)


def retire(store: Store, model: str, author: Author) -> Pointer:
    """Take the challenger away."""

    def change(last: Pointer | None) -> Move:
        if last is None or last.challenger is None:
            message = f"{model} has no challenger to retire"
            raise RegistryError(message)
        return Move(last.champion, last.previous, None)

    return _move(store, model, change, author)


def _move(
    store: Store, model: str, change: Callable[[Pointer | None], Move], author: Author
) -> Pointer:
    """Move a pointer in one compare-and-swap.

    Raises
    ------
    PointerMovedError
        If someone else moved it between our read and our write.
    """
    expected: str | None = None
    for attempt in range(MOST_ATTEMPTS):
        before = find_object(store, pointer_path(model))
        last = _pointer_from(before, model) if before else None
        if last and attempt and last.nonce != expected:
            # A rival's write became visible only now: it won, and is not written over.
            raise PointerMovedError(model, last.champion.version, last.who, last.when)
        expected = last.nonce if last else None
        move = change(last)
        pointer = Pointer(
            model=model,
            champion=move.champion,
            previous=move.previous,
            challenger=None if _is_champion(move) else move.challenger,
            sequence=last.sequence + 1 if last else 1,
            nonce=uuid.uuid4().hex,
            who=author.who,
            when=author.when,
        )
        try:
            _write_pointer(store, pointer, before)
        except (GenerationConflictError, ObjectExistsError, StoreUnavailableError) as error:
            if _happened(store, pointer, last, error):
                return pointer
            if attempt == MOST_ATTEMPTS - 1:
                raise
        else:
            return pointer
    raise AssertionError  # the last attempt returned or raised


def _is_champion(move: Move) -> bool:
    """The challenger is the version that becomes champion."""
    return move.challenger is not None and move.challenger.version == move.champion


def _happened(store: Store, ours: Pointer, last: Pointer | None, error: StoreError) -> bool:
    """Whether our write happened although it failed; if nothing moved, it may be tried again.

    Raises
    ------
    PointerMovedError
        If someone else's did.
    """
    now = _pointer_after(store, ours.model, error)
    if now and now.nonce == ours.nonce:
        return True  # the reply was lost, or a retry of the client's met its own success
    if isinstance(error, StoreUnavailableError):
        raise error  # nobody knows whether it may still arrive: it is not ours to claim
    if now and (last is None or now.nonce != last.nonce):
        raise PointerMovedError(ours.model, now.champion.version, now.who, now.when) from error
    return False


def _write_pointer(store: Store, pointer: Pointer, before: StoredObject | None) -> None:
    name, data = pointer_path(pointer.model), pointer.model_dump_json(indent=1).encode()
    if before:
        store.replace(name, data, before.generation)
    else:
        store.create(name, data)


def _pointer_after(store: Store, model: str, error: StoreError) -> Pointer | None:
    """The pointer as it is after a write failed; that error again if it cannot be read."""
    for _ in range(MOST_ATTEMPTS):
        try:
            found = find_object(store, pointer_path(model))
        except StoreUnavailableError:
            continue
        return _pointer_from(found, model) if found else None
    raise error


def read_pointer(store: Reader, model: str) -> Pointer:
    """Read what a model's pointer names.

    Raises
    ------
    ObjectMissingError
        If the model has no champion yet.
    """
    return _pointer_from(store.read(pointer_path(model)), model)


def find_pointer(store: Store, model: str) -> Pointer | None:
    """Read what a model's pointer names; None if it has no champion yet."""
    found = find_object(store, pointer_path(model))
    return _pointer_from(found, model) if found else None


def prune(store: Store, model: str, keep: int) -> list[str]:
    """Remove all but the newest versions, and none that the pointer names; say which."""
    removed = []
    everything = store.names(versions_prefix(model))
    for version in version_names(store, model)[: -keep or None]:
        # Read again for each: it may have been promoted meanwhile.
        pointer = find_object(store, pointer_path(model))
        if pointer and version in {v.version for v in _pointer_from(pointer, model).versions()}:
            continue
        folder = version_prefix(model, version)
        # The bundle first: without it, what is left is no version.
        store.remove(bundle_path(model, version))
        for name in everything:
            if name.startswith(folder) and name != bundle_path(model, version):
                store.remove(name)
        removed.append(version)
    return removed


def _pointer_from(stored: StoredObject, model: str) -> Pointer:
    try:
        pointer = Pointer.model_validate_json(stored.data)
    except ValidationError as error:
        message = f"champions/{model}.json: not a pointer ({error.error_count()} faults)"
        raise ModelRefusedError(message) from error
    if pointer.model != model:
        message = f"champions/{model}.json: it points at {pointer.model}"
        raise ModelRefusedError(message)
    return pointer
