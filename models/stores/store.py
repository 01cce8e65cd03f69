"""The interface of a model store, and how a URI names one."""

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote, urlsplit

from models.errors import DeclarationError


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Bytes of an object and the generation they were read at (opaque; compare only)."""

    data: bytes
    generation: str


class Store(Protocol):
    """Objects by name. Each write is one atomic step: it happens whole or not at all."""

    def read(self, name: str) -> StoredObject:
        """Read an object.

        Raises
        ------
        ObjectMissingError
            If there is none of this name.
        StoreUnavailableError
            If the store cannot be reached or refuses.
        """

    def create(self, name: str, data: bytes) -> None:
        """Write an object that must not exist yet, else ObjectExistsError."""

    def replace(self, name: str, data: bytes, generation: str) -> None:
        """Write over an object still at this generation, else GenerationConflictError."""

    def names(self, prefix: str) -> list[str]:
        """Names of all objects that begin with the prefix, sorted."""


def open_store(uri: str) -> Store:
    """Open the store of a URI: `file:///path` or `gs://bucket/prefix`.

    The client library of a scheme is imported only when the scheme is used.

    Raises
    ------
    DeclarationError
        If the URI is not of a known form.
    """
    parts = urlsplit(uri)
    if parts.scheme == "file" and not parts.netloc and parts.path:
        from models.stores.files import FileStore  # noqa: PLC0415 -- only for its scheme

        return FileStore(unquote(parts.path))
    if parts.scheme == "gs" and parts.netloc:
        from models.stores.google import GoogleStore  # noqa: PLC0415 -- costs 115 ms to import

        return GoogleStore(parts.netloc, parts.path.strip("/"))
    message = f"a store is file:///path or gs://bucket/prefix, not {uri!r}"
    raise DeclarationError(message)
