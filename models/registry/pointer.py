"""The pointer of a model: its champion, previous champion and challenger, and how to move it."""

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
    SequenceError,
    StoreError,
    StoreUnavailableError,
)
from models.registry.moves import Action, MoveRecord, write_move
from models.registry.store_paths import bundle_path, pointer_path, version_prefix, versions_prefix
from models.registry.versions import RegistryDocument, Version, find_object, version_names
from models.stores.store import Reader, Store, StoredObject

MOST_ATTEMPTS = 3


class Challenger(RegistryDocument):
    """A version that scores a share of requests, so that it can be compared with the champion."""

    version: Version
    share: Annotated[float, Field(gt=0, lt=1)]


class Pointer(RegistryDocument):
    """The content of `champions/<model>.json`. Every move increases the sequence."""

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
        """Return every version the pointer refers to. Pruning keeps all of them."""
        roles = (self.champion, self.previous, self.challenger and self.challenger.version)
        return tuple(version for version in roles if version)


@dataclass(frozen=True, slots=True)
class Author:
    """The author of a move, its time (UTC), its reason, and who else agreed to it.

    `failed` has the gates that a version had failed when it is promoted by hand.
    """

    who: str
    when: datetime
    reason: str | None = None
    approved_by: str | None = None
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """The versions a pointer refers to after a move. A challenger made champion is dropped."""

    champion: Version
    previous: Version | None
    challenger: Challenger | None


@dataclass(frozen=True, slots=True)
class _Step:
    """How a pointer changes, and the sequence it must have before, if that matters."""

    action: Action
    change: Callable[[Pointer | None], Move]
    expected: int | None = None

    def apply(self, model_name: str, last: Pointer | None) -> Move:
        actual = last.sequence if last else 0
        if self.expected not in (None, actual):
            raise SequenceError(model_name, actual)
        return self.change(last)


def promote(
    store: Store, model_name: str, version: Version, author: Author, expected: int | None = None
) -> Pointer:
    """Make a version the champion. The champion it replaces is kept for `roll_back`.

    Raises
    ------
    SequenceError
        If `expected` is given, and the pointer has another sequence. No pointer counts as 0.
    """
    step = _Step("promote", partial(_promote_version, version), expected)
    return _move(store, model_name, step, author)


def promote_over(
    store: Store, model_name: str, version: Version, champion: Version | None, author: Author
) -> Pointer:
    """Promote a version that was compared with `champion`, or with none.

    Raises
    ------
    PointerMovedError
        If the champion has changed since, because the version was not compared with the new one.
    """

    def change(last: Pointer | None) -> Move:
        if last and last.champion != champion:
            raise PointerMovedError(model_name, last.champion.version, last.who, last.when)
        return _promote_version(version, last)

    return _move(store, model_name, _Step("promote", change), author)


def _promote_version(version: Version, last: Pointer | None) -> Move:
    if last is None:
        return Move(version, None, None)
    previous = last.previous if last.champion == version else last.champion
    return Move(version, previous, last.challenger)


def previous_champion(model_name: str, pointer: Pointer | None) -> Version:
    """Return the champion that a rollback restores.

    Raises
    ------
    RegistryError
        If there is none.
    """
    if pointer is None or pointer.previous is None:
        message = f"{model_name} has no previous champion to roll back to"
        raise RegistryError(message)
    return pointer.previous


def roll_back(
    store: Store, model_name: str, version: Version, author: Author, expected: int | None = None
) -> Pointer:
    """Make the previous champion, which is this version, the champion again.

    Raises
    ------
    RegistryError
        If another version is the previous champion. So a second rollback does not undo the first.
    SequenceError
        If `expected` is given, and the pointer has another sequence.
    """

    def change(last: Pointer | None) -> Move:
        previous = previous_champion(model_name, last)
        if last is None or previous != version:
            message = (
                f"{version.version} is not the previous champion of {model_name}, "
                f"but {previous.version} is"
            )
            raise RegistryError(message)
        return Move(previous, last.champion, last.challenger)

    return _move(store, model_name, _Step("roll_back", change, expected), author)


def challenge(store: Store, model_name: str, challenger: Challenger, author: Author) -> Pointer:
    """Let a version score a share of requests beside the champion."""

    def change(last: Pointer | None) -> Move:
        if last is None:
            message = f"{model_name} has no champion to challenge; promote a version first"
            raise RegistryError(message)
        if challenger.version == last.champion:
            message = f"{challenger.version.version} is the champion; name another version"
            raise RegistryError(message)
        return Move(last.champion, last.previous, challenger)

    return _move(store, model_name, _Step("challenge", change), author)


def retire(store: Store, model_name: str, author: Author, expected: int | None = None) -> Pointer:
    """Remove the challenger.

    Raises
    ------
    SequenceError
        If `expected` is given, and the pointer has another sequence.
    """

    def change(last: Pointer | None) -> Move:
        if last is None or last.challenger is None:
            message = f"{model_name} has no challenger to retire"
            raise RegistryError(message)
        return Move(last.champion, last.previous, None)

    return _move(store, model_name, _Step("retire", change, expected), author)


def _move(store: Store, model_name: str, step: _Step, author: Author) -> Pointer:
    """Record a move, and move the pointer in one compare-and-swap.

    Raises
    ------
    PointerMovedError
        If someone else moved the pointer between our read and our write.
    """
    expected: str | None = None
    for attempt in range(MOST_ATTEMPTS):
        before = find_object(store, pointer_path(model_name))
        last = _pointer_from_object(before, model_name) if before else None
        if last and attempt and last.nonce != expected:
            # Another write became visible only now. It came first and must not be overwritten.
            raise PointerMovedError(model_name, last.champion.version, last.who, last.when)
        expected = last.nonce if last else None
        move = step.apply(model_name, last)
        pointer = Pointer(
            model=model_name,
            champion=move.champion,
            previous=move.previous,
            challenger=None if _is_champion(move) else move.challenger,
            sequence=last.sequence + 1 if last else 1,
            nonce=uuid.uuid4().hex,
            who=author.who,
            when=author.when,
        )
        write_move(store, _record(pointer, last, step.action, author))
        try:
            _write_pointer(store, pointer, before)
        except (GenerationConflictError, ObjectExistsError, StoreUnavailableError) as error:
            if _is_written(store, pointer, last, error):
                return pointer
            if attempt == MOST_ATTEMPTS - 1:
                raise
        else:
            return pointer
    raise AssertionError  # the last attempt returned or raised


def _record(pointer: Pointer, last: Pointer | None, action: Action, author: Author) -> MoveRecord:
    return MoveRecord(
        model=pointer.model,
        action=action,
        sequence=pointer.sequence,
        nonce=pointer.nonce,
        after=last.nonce if last else None,
        champion=pointer.champion,
        previous=pointer.previous,
        challenger=pointer.challenger.version if pointer.challenger else None,
        who=author.who,
        when=author.when,
        reason=author.reason,
        approved_by=author.approved_by,
        failed=author.failed,
    )


def _is_champion(move: Move) -> bool:
    """Return whether the challenger is the version that becomes champion."""
    return move.challenger is not None and move.challenger.version == move.champion


def _is_written(store: Store, ours: Pointer, last: Pointer | None, error: StoreError) -> bool:
    """Return whether our write succeeded although it reported an error.

    False means that the pointer did not move, so the write can be tried again.

    Raises
    ------
    PointerMovedError
        If someone else moved the pointer.
    """
    now = _read_after_failure(store, ours.model, error)
    if now and now.nonce == ours.nonce:
        return True  # the response was lost, or the client retried a write that had succeeded
    if isinstance(error, StoreUnavailableError):
        raise error  # the write may still arrive, so neither success nor failure can be claimed
    if now and (last is None or now.nonce != last.nonce):
        raise PointerMovedError(ours.model, now.champion.version, now.who, now.when) from error
    return False


def _write_pointer(store: Store, pointer: Pointer, before: StoredObject | None) -> None:
    name, data = pointer_path(pointer.model), pointer.model_dump_json(indent=1).encode()
    if before:
        store.replace(name, data, before.generation)
    else:
        store.create(name, data)


def _read_after_failure(store: Store, model_name: str, error: StoreError) -> Pointer | None:
    """Read the pointer after a write failed. If it cannot be read, raise the error of the write."""
    for _ in range(MOST_ATTEMPTS):
        try:
            return find_pointer(store, model_name)
        except StoreUnavailableError:
            continue
    raise error


def read_pointer(store: Reader, model_name: str) -> Pointer:
    """Read the pointer of a model.

    Raises
    ------
    ObjectMissingError
        If the model has no champion yet.
    """
    return _pointer_from_object(store.read(pointer_path(model_name)), model_name)


def find_pointer(store: Store, model_name: str) -> Pointer | None:
    """Read the pointer of a model, or return None if the model has no champion yet."""
    stored = find_object(store, pointer_path(model_name))
    return _pointer_from_object(stored, model_name) if stored else None


def prune(store: Store, model_name: str, keep: int) -> list[str]:
    """Delete all but the `keep` newest versions and return the names of the deleted ones.

    Versions that the pointer refers to are always kept.
    """
    removed = []
    object_names = store.names(versions_prefix(model_name))
    for version in version_names(store, model_name)[: -keep or None]:
        # Read the pointer again for each version, which may have been promoted in the meantime.
        pointer = find_pointer(store, model_name)
        if pointer and version in {v.version for v in pointer.versions()}:
            continue
        prefix, bundle = version_prefix(model_name, version), bundle_path(model_name, version)
        # Remove the bundle first: the remaining objects no longer count as a version.
        store.remove(bundle)
        for name in object_names:
            if name.startswith(prefix) and name != bundle:
                store.remove(name)
        removed.append(version)
    return removed


def _pointer_from_object(stored: StoredObject, model_name: str) -> Pointer:
    try:
        pointer = Pointer.model_validate_json(stored.data)
    except ValidationError as error:
        message = f"champions/{model_name}.json: not a pointer ({error.error_count()} faults)"
        raise ModelRefusedError(message) from error
    if pointer.model != model_name:
        message = f"champions/{model_name}.json: it is the pointer of {pointer.model}"
        raise ModelRefusedError(message)
    return pointer
