"""A folder as a model store, for one machine; safe between its processes."""

import contextlib
import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from models.errors import (
    GenerationConflictError,
    ObjectExistsError,
    ObjectMissingError,
    StoreUnavailableError,
)
from models.stores.store import StoredObject

LOCK_NAME = ".lock"


class FileStore:
    """Objects are files below a folder. A generation is the hash of the content."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder).resolve()

    def read(self, name: str) -> StoredObject:
        """Read a file."""
        with _translated():
            try:
                data = self._path(name).read_bytes()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
                raise ObjectMissingError(name) from error
        return StoredObject(data, _generation(data))

    def create(self, name: str, data: bytes) -> None:
        """Write a new file: a link from a finished temporary one, which fails if it exists."""
        path = self._path(name)
        with _translated(), _temporary(path, data) as finished:
            try:
                path.hardlink_to(finished)
                _sync(path.parent)
            except FileExistsError as error:
                raise ObjectExistsError(name) from error

    def replace(self, name: str, data: bytes, generation: str) -> None:
        """Swap a file for a finished temporary one while holding the store's lock."""
        path = self._path(name)
        with _translated():
            if not path.exists():
                raise GenerationConflictError(name)
            with _temporary(path, data) as finished, self._locked():
                if self.read(name).generation != generation:
                    raise GenerationConflictError(name)
                finished.replace(path)
                _sync(path.parent)

    def remove(self, name: str) -> None:
        """Delete a file; its folder stays, where another writer may be about to use it."""
        with _translated():
            self._path(name).unlink(missing_ok=True)

    def names(self, prefix: str) -> list[str]:
        """All files whose name begins with the prefix."""
        files = (Path(top, file) for top, _, found in os.walk(self._folder) for file in found)
        names = (path.relative_to(self._folder).as_posix() for path in files)
        return sorted(n for n in names if n.startswith(prefix) and not _is_hidden(n))

    def _path(self, name: str) -> Path:
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder):
            raise ObjectMissingError(name)
        return path

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._folder / LOCK_NAME).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Say what the system refuses in the store's own words."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailableError(str(error)) from error


@contextlib.contextmanager
def _temporary(path: Path, data: bytes) -> Iterator[Path]:
    """Yield a file beside `path` with the data safely on disk; it is gone afterwards."""
    # Not tempfile's: those are readable by their writer alone, and a store is shared.
    temporary = path.with_name(f".{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Make a new name in a folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _generation(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _is_hidden(name: str) -> bool:
    return name.rsplit("/", 1)[-1].startswith(".")
