"""A Google Cloud Storage bucket as a model store."""

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
from models.stores.store import StoredObject

# The library's defaults wait 101 s for a store that is down; a request cannot.
RETRY = DEFAULT_RETRY.with_timeout(READ_SECONDS)
TIMEOUT_SECONDS = (1.0, 2.0)  # to connect, between two reads


class GoogleStore:
    """Objects below a prefix of a bucket; a generation is Cloud Storage's own.

    Credentials are found as google-auth finds them; `STORAGE_EMULATOR_HOST` names a test server.
    """

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket_name = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._opened: Bucket | None = None

    def read(self, name: str) -> StoredObject:
        """Read an object in one round trip; its checksum is verified."""

        def fetch() -> StoredObject:
            blob = self._blob(name)
            with _translated(name):
                data: bytes = blob.download_as_bytes(retry=RETRY, timeout=TIMEOUT_SECONDS)
            return StoredObject(data, str(blob.generation))

        return within(name, fetch)

    def create(self, name: str, data: bytes) -> None:
        """Write an object with the precondition that there is none."""
        try:
            self._upload(name, data, generation=0)
        except PreconditionFailed as error:
            raise ObjectExistsError(name) from error

    def replace(self, name: str, data: bytes, generation: str) -> None:
        """Write an object with the precondition that it is still at this generation."""
        try:
            self._upload(name, data, generation=int(generation))
        except PreconditionFailed as error:
            raise GenerationConflictError(name) from error

    def remove(self, name: str) -> None:
        """Delete an object; one that is gone already is no error."""
        with contextlib.suppress(ObjectMissingError), _translated(name):
            self._blob(name).delete(retry=RETRY, timeout=TIMEOUT_SECONDS)

    def names(self, prefix: str) -> list[str]:
        """List a prefix."""

        def fetch() -> list[str]:
            with _translated(prefix):
                blobs = self._bucket().list_blobs(
                    prefix=self._prefix + prefix, retry=RETRY, timeout=TIMEOUT_SECONDS
                )
                return sorted(blob.name.removeprefix(self._prefix) for blob in blobs)

        return within(prefix, fetch, LIST_SECONDS)

    def _upload(self, name: str, data: bytes, generation: int) -> None:
        with _translated(name):
            self._blob(name).upload_from_string(
                data,
                content_type="application/octet-stream",
                if_generation_match=generation,
                retry=RETRY,
                timeout=TIMEOUT_SECONDS,
            )

    def _blob(self, name: str) -> Blob:
        return self._bucket().blob(self._prefix + name)

    def _bucket(self) -> Bucket:
        if self._opened is None:
            with _translated(self._bucket_name):
                self._opened = Client().bucket(self._bucket_name)
        return self._opened


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Say what went wrong in the store's own errors; preconditions are the caller's."""
    try:
        yield
    except PreconditionFailed:
        raise
    except NotFound as error:
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
