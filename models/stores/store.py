"""The interface of a model store."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Bytes of an object and the generation they were read at (opaque; compare only)."""

    data: bytes
    generation: str


class Reader(Protocol):
    """Objects by name, to be read."""

    def read(self, name: str) -> StoredObject:
        """Read an object.

        Raises
        ------
        ObjectMissingError
            If there is none of this name.
        StoreUnavailableError
            If the store cannot be reached or refuses.
        """


class Store(Reader, Protocol):
    """Objects by name. Each write is one atomic step: it happens whole or not at all."""

    def create(self, name: str, data: bytes) -> None:
        """Write an object that must not exist yet, else ObjectExistsError."""

    def replace(self, name: str, data: bytes, generation: str) -> None:
        """Write over an object still at this generation, else GenerationConflictError."""

    def remove(self, name: str) -> None:
        """Delete an object; one that is gone already is no error."""

    def names(self, prefix: str) -> list[str]:
        """Names of all objects that begin with the prefix, sorted."""
