"""An S3 bucket as a model store: Amazon's, or any service that knows conditional writes."""

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
from models.stores.store import StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CLIENT = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    request_checksum_calculation="when_supported",
    response_checksum_validation="when_supported",
)
MISSING = {"NoSuchKey", "404"}
NOT_AS_EXPECTED = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


class S3Store:
    """Objects below a prefix of a bucket; a generation is an ETag.

    Credentials, region and endpoint are found as boto3 finds them; `AWS_ENDPOINT_URL_S3` names
    another service, such as Google's interoperability endpoint.
    """

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._opened: S3Client | None = None

    def read(self, name: str) -> StoredObject:
        """Read an object in one round trip; its checksum is verified where the service has one."""

        def fetch() -> StoredObject:
            with _translated(name):
                answer = self._client().get_object(Bucket=self._bucket, Key=self._prefix + name)
                return StoredObject(answer["Body"].read(), answer["ETag"])

        return within(name, fetch)

    def create(self, name: str, data: bytes) -> None:
        """Write an object with the precondition that there is none."""
        self._put(name, data, {"IfNoneMatch": "*"}, ObjectExistsError)

    def replace(self, name: str, data: bytes, generation: str) -> None:
        """Write an object with the precondition that it still has this ETag."""
        try:
            self._put(name, data, {"IfMatch": generation}, GenerationConflictError)
        except ObjectMissingError as error:
            raise GenerationConflictError(name) from error

    def remove(self, name: str) -> None:
        """Delete an object; one that is gone already is no error."""
        with _translated(name):
            self._client().delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def names(self, prefix: str) -> list[str]:
        """List a prefix."""

        def fetch() -> list[str]:
            with _translated(prefix):
                pages = self._client().get_paginator("list_objects_v2")
                found = pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix)
                keys = [item["Key"] for page in found for item in page.get("Contents", [])]
            return sorted(key.removeprefix(self._prefix) for key in keys)

        return within(prefix, fetch, LIST_SECONDS)

    def _put(
        self,
        name: str,
        data: bytes,
        condition: dict[str, str],
        unmet: Callable[[str], Exception],
    ) -> None:
        with _translated(name):
            try:
                self._client().put_object(
                    Bucket=self._bucket,
                    Key=self._prefix + name,
                    Body=data,
                    **condition,  # type: ignore[arg-type]  # IfMatch or IfNoneMatch
                )
            except ClientError as error:
                if _code(error) in NOT_AS_EXPECTED:
                    raise unmet(name) from error
                raise

    def _client(self) -> "S3Client":
        if self._opened is None:
            with _translated(self._bucket):
                self._opened = boto3.client("s3", config=CLIENT)
        return self._opened


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Say what went wrong in the store's own errors."""
    try:
        yield
    except ClientError as error:
        if _code(error) in MISSING:
            raise ObjectMissingError(name) from error
        message = f"S3: {_code(error)} at {name}"
        raise StoreUnavailableError(message) from error
    except (BotoCoreError, OSError, ValueError) as error:
        message = f"S3: {type(error).__name__} at {name}"
        raise StoreUnavailableError(message) from error
