"""An object of a store as a file that can be read in any place, without downloading all of it."""

import io
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ObjectState:
    """The size of an object in bytes, and its generation."""

    size: int
    generation: str


class RangeStore(Protocol):
    """A store of which parts of an object can be read."""

    def stat(self, name: str) -> ObjectState:
        """Look at an object without reading it. Errors are those of `read`."""

    def read_range(self, name: str, start: int, length: int, generation: str) -> bytes:
        """Read some bytes of one generation of an object.

        Raises
        ------
        ObjectMissingError
            If the object has no such generation any more.
        StoreUnavailableError
            If the store cannot be reached or refuses access.
        """


class ObjectFile(io.RawIOBase):
    """One generation of an object as a seekable binary file. Each read is one request."""

    def __init__(self, store: RangeStore, name: str, state: ObjectState) -> None:
        super().__init__()
        self._store = store
        self._name = name
        self._state = state
        self._position = 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be read in any place."""
        return True

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to another position."""
        starts = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._state.size}
        self._position = max(0, starts[whence] + offset)
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, or all that follow."""
        left = max(0, self._state.size - self._position)
        length = left if size < 0 else min(size, left)
        if not length:
            return b""
        state = self._state
        data = self._store.read_range(self._name, self._position, length, state.generation)
        self._position += len(data)
        return data

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any writable buffer
        """Read into a buffer; return how many bytes."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
