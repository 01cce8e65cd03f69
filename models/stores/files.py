"""The `file://` store: a folder on one machine, safe for several processes at once."""

import contextlib
import errno
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
from models.stores.object_file import ObjectState
from models.stores.store import StoredObject

LOCK_NAME = ".lock"
NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class FileStore:
    """A store whose objects are files below a folder. A generation is the hash of the content."""

    generation_of_none = "0" * 64

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder).resolve()

    def read(self, name: str) -> StoredObject:
        """Read a file."""
        with _convert_errors():
            try:
                data = self._path_from_name(name).read_bytes()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
                raise ObjectMissingError(name) from error
        return StoredObject(data, _generation_from_data(data))

    def download(self, name: str) -> bytes:
        """Read a file that may be large."""
        return self.read(name).data

    def stat(self, name: str) -> ObjectState:
        """Look at a file: its generation is the hash of its content, which is read for it."""
        with _convert_errors():
            try:
                with self._path_from_name(name).open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                    return ObjectState(file.tell(), digest)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
                raise ObjectMissingError(name) from error

    def read_range(self, name: str, start: int, length: int, generation: str) -> bytes:  # noqa: ARG002 -- a file has one generation
        """Read some bytes of a file; nothing tells whether it changed since `stat`."""
        with _convert_errors():
            try:
                with self._path_from_name(name).open("rb") as file:
                    file.seek(start)
                    return file.read(length)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
                raise ObjectMissingError(name) from error

    def create(self, name: str, data: bytes) -> None:
        """Create a file as a hard link to a complete temporary file, which fails if it exists."""
        path = self._path_from_name(name)
        with _convert_errors(), _write_temporary(path, data) as finished:
            try:
                path.hardlink_to(finished)
                _sync(path.parent)
            except FileExistsError as error:
                raise ObjectExistsError(name) from error
            except OSError as error:
                if error.errno not in NO_HARD_LINKS:
                    raise
                message = (
                    f"the file system of {self._folder} has no hard links, which a store needs to "
                    "create an object once; use a folder on another one, or gs:// or s3://"
                )
                raise StoreUnavailableError(message) from error

    def replace(self, name: str, data: bytes, generation: str) -> None:
        """Replace a file by a complete temporary file while holding the lock of the store."""
        path = self._path_from_name(name)
        with _convert_errors():
            if not path.exists():
                raise GenerationConflictError(name)
            with _write_temporary(path, data) as finished, self._hold_lock():
                if self.read(name).generation != generation:
                    raise GenerationConflictError(name)
                finished.replace(path)
                _sync(path.parent)

    def remove(self, name: str) -> None:
        """Delete a file. Its folder stays, because another writer may be about to use it."""
        with _convert_errors():
            self._path_from_name(name).unlink(missing_ok=True)

    def names(self, prefix: str) -> list[str]:
        """List all files whose name begins with the prefix."""
        # Nothing outside the folder that the prefix names can begin with it.
        folder = (self._folder / prefix.rpartition("/")[0]).resolve()
        if not folder.is_relative_to(self._folder):
            return []
        files = (Path(top, name) for top, _, names in os.walk(folder) for name in names)
        relative = (path.relative_to(self._folder).as_posix() for path in files)
        return sorted(n for n in relative if n.startswith(prefix) and not _is_hidden(n))

    def _path_from_name(self, name: str) -> Path:
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder):
            raise ObjectMissingError(name)
        return path

    @contextlib.contextmanager
    def _hold_lock(self) -> Iterator[None]:
        with (self._folder / LOCK_NAME).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@contextlib.contextmanager
def _convert_errors() -> Iterator[None]:
    """Convert errors of the operating system to errors of the store."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailableError(str(error)) from error


@contextlib.contextmanager
def _write_temporary(path: Path, data: bytes) -> Iterator[Path]:
    """Yield a file beside `path` that has the data synced to disk. It is deleted afterwards."""
    # Not the tempfile module: only the owner could read its files, and a store is shared.
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
    """Sync a folder to disk, so that a new name in it survives a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _generation_from_data(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _is_hidden(name: str) -> bool:
    return name.rsplit("/", 1)[-1].startswith(".")
