"""The `s3://` store: Amazon S3, or any compatible service with conditional writes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from models.errors import (
    GenerationConflictError,
    ObjectExistsError,
    ObjectMissingError,
    StoreUnavailableError,
)
from models.stores.deadline import LIST_SECONDS, within
from models.stores.object_file import ObjectState
from models.stores.store import StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CLIENT = Config(
    connect_timeout=1,
    read_timeout=2,
    # Checksums are as AWS_REQUEST_CHECKSUM_CALCULATION says: some services refuse today's default.
    retries={"mode": "standard", "total_max_attempts": 3},
)
MISSING = {"NoSuchKey", "404"}
NOT_AS_EXPECTED = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


class S3Store:
    """A store whose objects lie below a prefix of a bucket. A generation is an ETag.

    boto3 finds credentials, region and endpoint. `AWS_ENDPOINT_URL_S3` sets another service, such
    as Google's interoperability endpoint.
    """

    generation_of_none = f'"{"0" * 32}"'

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._opened: S3Client | None = None

    def read(self, name: str) -> StoredObject:
        """Read an object in one round trip, and verify its checksum if the service has one."""

        def fetch() -> StoredObject:
            with _convert_errors(name):
                response = self._open_client().get_object(
                    Bucket=self._bucket, Key=self._prefix + name
                )
                return StoredObject(response["Body"].read(), response["ETag"])

        return within(name, fetch)

    def download(self, name: str) -> bytes:
        """Read an object that may be large: what is limited is the silence between two packets."""
        with _convert_errors(name):
            response = self._open_client().get_object(Bucket=self._bucket, Key=self._prefix + name)
            data: bytes = response["Body"].read()
            return data

    def stat(self, name: str) -> ObjectState:
        """Look at an object in one round trip."""

        def fetch() -> ObjectState:
            with _convert_errors(name):
                head = self._open_client().head_object(Bucket=self._bucket, Key=self._prefix + name)
                return ObjectState(head["ContentLength"], head["ETag"])

        return within(name, fetch)

    def read_range(self, name: str, start: int, length: int, generation: str) -> bytes:
        """Read some bytes of an object that still has this ETag."""
        with _convert_errors(name):
            try:
                response = self._open_client().get_object(
                    Bucket=self._bucket,
                    Key=self._prefix + name,
                    Range=f"bytes={start}-{start + length - 1}",
                    IfMatch=generation,
                )
                data: bytes = response["Body"].read()
            except ClientError as error:
                if _code_from_error(error) in NOT_AS_EXPECTED:
                    raise ObjectMissingError(name) from error
                raise
            return data

    def create(self, name: str, data: bytes) -> None:
        """Write an object with the precondition that it does not exist."""
        self._put(name, data, {"IfNoneMatch": "*"}, ObjectExistsError)

    def replace(self, name: str, data: bytes, generation: str) -> None:
        """Write an object with the precondition that it still has this ETag."""
        try:
            self._put(name, data, {"IfMatch": generation}, GenerationConflictError)
        except ObjectMissingError as error:
            raise GenerationConflictError(name) from error

    def remove(self, name: str) -> None:
        """Delete an object. It is not an error if the object does not exist."""
        with _convert_errors(name):
            self._open_client().delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def names(self, prefix: str) -> list[str]:
        """List the objects whose name begins with the prefix."""

        def fetch() -> list[str]:
            with _convert_errors(prefix):
                paginator = self._open_client().get_paginator("list_objects_v2")
                pages = paginator.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix)
                keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
            return sorted(key.removeprefix(self._prefix) for key in keys)

        return within(prefix, fetch, LIST_SECONDS)

    def _put(
        self,
        name: str,
        data: bytes,
        condition: dict[str, str],
        precondition_error: Callable[[str], Exception],
    ) -> None:
        with _convert_errors(name):
            try:
                self._open_client().put_object(
                    Bucket=self._bucket,
                    Key=self._prefix + name,
                    Body=data,
                    **condition,  # type: ignore[arg-type]  # IfMatch or IfNoneMatch
                )
            except ClientError as error:
                if _code_from_error(error) in NOT_AS_EXPECTED:
                    raise precondition_error(name) from error
                raise

    def _open_client(self) -> "S3Client":
        if self._opened is None:
            with _convert_errors(self._bucket):
                self._opened = boto3.client("s3", config=CLIENT)
        return self._opened


def _code_from_error(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def _convert_errors(name: str) -> Iterator[None]:
    """Convert errors of the client to errors of the store."""
    try:
        yield
    except ClientError as error:
        if _code_from_error(error) in MISSING:
            raise ObjectMissingError(name) from error
        message = f"S3: {_code_from_error(error)} at {name}"
        raise StoreUnavailableError(message) from error
    except (BotoCoreError, OSError, ValueError) as error:
        message = f"S3: {type(error).__name__} at {name}"
        raise StoreUnavailableError(message) from error
