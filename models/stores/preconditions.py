"""Proof that a store keeps its word: objects are created once, and replaced only as they were read.

The registry relies on that, and a service may ignore it without an error.
"""

from models.errors import (
    DeclarationError,
    GenerationConflictError,
    ObjectExistsError,
    ObjectMissingError,
)
from models.stores.store import OpenedStore

PROBE = (
    "champions/probe"  # where training may replace objects; never a pointer, which ends in .json
)


def prove_preconditions(store: OpenedStore) -> None:
    """Try what must fail, on an object that is nobody else's.

    Raises
    ------
    DeclarationError
        If the store creates an object twice, or replaces one that it does not have.
    StoreUnavailableError
        If it cannot be reached.
    """
    try:
        store.create(PROBE, b"probe")
        store.create(PROBE, b"second probe")
    except ObjectExistsError:
        pass
    else:
        raise DeclarationError(
            _describe("creates an object that exists (it ignores If-None-Match)")
        )
    try:
        store.replace(PROBE, b"third probe", store.generation_of_none)
    except (GenerationConflictError, ObjectMissingError):
        return
    raise DeclarationError(_describe("replaces an object that has changed (it ignores If-Match)"))


def _describe(fault: str) -> str:
    return f"this store {fault}: of two promotions at once, both would win; use another service"
