"""The `gs://` store: a Google Cloud Storage bucket."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core.exceptions import (
    GoogleAPICallError,
    NotFound,
    PreconditionFailed,
    RetryError,
)
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage import Blob, Bucket, Client
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.retry import DEFAULT_RETRY
from requests.exceptions import RequestException

from models.errors import (
    GenerationConflictError,
    ObjectExistsError,
    ObjectMissingError,
    StoreUnavailableError,
)
from models.stores.deadline import LIST_SECONDS, READ_SECONDS, within
from models.stores.object_file import ObjectState
from models.stores.store import StoredObject

# By default the library waits 101 s for a store that is down. A request cannot wait so long.
RETRY = DEFAULT_RETRY.with_timeout(READ_SECONDS)
TIMEOUT_SECONDS = (1.0, 2.0)  # to connect; between two reads


class GoogleStore:
    """A store whose objects lie below a prefix of a bucket.

    A generation is that of Cloud Storage. google-auth finds the credentials.
    `STORAGE_EMULATOR_HOST` sets the address of a test server.
    """

    generation_of_none = "1"  # they are times in microseconds

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket_name = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._opened: Bucket | None = None

    def read(self, name: str) -> StoredObject:
        """Read an object in one round trip, and verify its checksum."""

        def fetch() -> StoredObject:
            blob = self._open_blob(name)
            with _convert_errors(name, is_write=False):
                data: bytes = blob.download_as_bytes(retry=RETRY, timeout=TIMEOUT_SECONDS)
            return StoredObject(data, str(blob.generation))

        return within(name, fetch)

    def download(self, name: str) -> bytes:
        """Read an object that may be large: what is limited is the silence between two packets."""
        blob = self._open_blob(name)
        with _convert_errors(name, is_write=False):
            data: bytes = blob.download_as_bytes(retry=RETRY, timeout=TIMEOUT_SECONDS)
            return data

    def stat(self, name: str) -> ObjectState:
        """Look at an object in one round trip."""

        def fetch() -> ObjectState:
            blob = self._open_blob(name)
            with _convert_errors(name, is_write=False):
                blob.reload(retry=RETRY, timeout=TIMEOUT_SECONDS)
            return ObjectState(int(blob.size or 0), str(blob.generation))

        return within(name, fetch)

    def read_range(self, name: str, start: int, length: int, generation: str) -> bytes:
        """Read some bytes of one generation of an object."""
        blob = self._open_bucket().blob(self._prefix + name, generation=int(generation))
        with _convert_errors(name, is_write=False):
            data: bytes = blob.download_as_bytes(
                start=start, end=start + length - 1, retry=RETRY, timeout=TIMEOUT_SECONDS
            )
            return data

    def create(self, name: str, data: bytes) -> None:
        """Write an object with the precondition that it does not exist."""
        try:
            self._upload(name, data, generation=0)
        except PreconditionFailed as error:
            raise ObjectExistsError(name) from error

    def replace(self, name: str, data: bytes, generation: str) -> None:
        """Write an object with the precondition that it still has this generation."""
        try:
            self._upload(name, data, generation=int(generation))
        except PreconditionFailed as error:
            raise GenerationConflictError(name) from error

    def remove(self, name: str) -> None:
        """Delete an object. It is not an error if the object does not exist."""
        with contextlib.suppress(ObjectMissingError), _convert_errors(name):
            self._open_blob(name).delete(retry=RETRY, timeout=TIMEOUT_SECONDS)

    def names(self, prefix: str) -> list[str]:
        """List the objects whose name begins with the prefix."""

        def fetch() -> list[str]:
            with _convert_errors(prefix, is_write=False):
                blobs = self._open_bucket().list_blobs(
                    prefix=self._prefix + prefix, retry=RETRY, timeout=TIMEOUT_SECONDS
                )
                return sorted(blob.name.removeprefix(self._prefix) for blob in blobs)

        return within(prefix, fetch, LIST_SECONDS)

    def _upload(self, name: str, data: bytes, generation: int) -> None:
        with _convert_errors(name):
            self._open_blob(name).upload_from_string(
                data,
                content_type="application/octet-stream",
                if_generation_match=generation,
                retry=RETRY,
                timeout=TIMEOUT_SECONDS,
            )

    def _open_blob(self, name: str) -> Blob:
        return self._open_bucket().blob(self._prefix + name)

    def _open_bucket(self) -> Bucket:
        if self._opened is None:
            with _convert_errors(self._bucket_name):
                self._opened = Client().bucket(self._bucket_name)
        return self._opened


@contextmanager
def _convert_errors(name: str, *, is_write: bool = True) -> Iterator[None]:
    """Convert errors of the client to errors of the store; a write may fail its precondition."""
    try:
        yield
    except PreconditionFailed as error:
        if is_write:
            raise
        message = f"Cloud Storage: {type(error).__name__} at {name}"  # a read has none
        raise StoreUnavailableError(message) from error
    except NotFound as error:
        if "bucket does not exist" in str(error):
            message = "Cloud Storage: there is no such bucket"
            raise StoreUnavailableError(message) from error
        raise ObjectMissingError(name) from error
    except (
        GoogleAPICallError,
        GoogleAuthError,
        RetryError,
        RequestException,
        DataCorruption,
        OSError,
    ) as error:
        message = f"Cloud Storage: {type(error).__name__} at {name}"
        raise StoreUnavailableError(message) from error
