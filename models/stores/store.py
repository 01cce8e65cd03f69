"""The interface of a model store: named objects with conditional writes."""

from dataclasses import dataclass
from typing import Protocol

from models.stores.object_file import RangeStore


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The bytes of an object and its generation. A generation is opaque: only compare it."""

    data: bytes
    generation: str


class Reader(Protocol):
    """A store that can be read."""

    def read(self, name: str) -> StoredObject:
        """Read an object.

        Raises
        ------
        ObjectMissingError
            If there is no object of this name.
        StoreUnavailableError
            If the store cannot be reached or refuses access.
        """


class Store(Reader, Protocol):
    """A store that can be read and written. Every write is atomic."""

    def create(self, name: str, data: bytes) -> None:
        """Write a new object, or raise ObjectExistsError."""

    def replace(self, name: str, data: bytes, generation: str) -> None:
        """Overwrite an object that still has this generation, or raise GenerationConflictError."""

    def remove(self, name: str) -> None:
        """Delete an object. It is not an error if the object does not exist."""

    def names(self, prefix: str) -> list[str]:
        """Return the names of all objects that begin with the prefix, sorted."""


class OpenedStore(Store, RangeStore, Protocol):
    """A store as `open_store` opens it.

    `generation_of_none` has the form of a generation, and no object ever has it.
    """

    generation_of_none: str

    def download(self, name: str) -> bytes:
        """Read an object that may be large and take long; otherwise as `read`."""
