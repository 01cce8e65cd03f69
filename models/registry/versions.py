"""Versions in a store: written once, found by content or name, read with every byte checked."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from models.errors import (
    ModelRefusedError,
    ObjectExistsError,
    ObjectMissingError,
    RegistryError,
)
from models.registry.bundle import sha256_hex
from models.registry.store_paths import BUNDLE, bundle_path, version_prefix, versions_prefix
from models.stores.store import Reader, Store, StoredObject

VERSION_PATTERN = r"^\d{8}T\d{6}Z-[0-9a-f]{12}$"


class Record(BaseModel):
    """A document of the registry: closed and immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Version(Record):
    """A published version: its name, and what its bundle must weigh and hash to."""

    version: Annotated[str, Field(pattern=VERSION_PATTERN)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(gt=0)]

    @property
    def published(self) -> datetime:
        """When it was published, as its name says."""
        return time_from_version_name(self.version)


def time_from_version_name(name: str) -> datetime:
    """When a version was published, as its name says."""
    return datetime.fromisoformat(name[:16])


def publish(
    store: Store, model: str, bundle: bytes, others: Mapping[str, bytes], now: datetime
) -> Version:
    """Write a new version: other files first, the bundle last, each created once.

    Raises
    ------
    ObjectExistsError
        If another run published something else under the same name.
    """
    digest = sha256_hex(bundle)
    version = Version(
        version=f"{now:%Y%m%dT%H%M%SZ}-{digest[:12]}", sha256=digest, size=len(bundle)
    )
    folder = version_prefix(model, version.version)
    for name, data in others.items():
        _create(store, folder + name, data)
    _create(store, bundle_path(model, version.version), bundle)
    return version


def _create(store: Store, name: str, data: bytes) -> None:
    try:
        store.create(name, data)
    except ObjectExistsError:
        # The reply to an own success was lost, or another run found the same at the same time.
        found = find_object(store, name)
        if found is None or found.data != data:
            raise


def find_published(store: Store, model: str, bundle: bytes) -> Version | None:
    """The version with exactly this content, if one was published before."""
    digest = sha256_hex(bundle)
    for name in version_names(store, model):
        # One whose bytes were damaged since is not this version any more.
        if name.endswith(f"-{digest[:12]}") and _bundle_of(store, model, name) == bundle:
            return Version(version=name, sha256=digest, size=len(bundle))
    return None


def _bundle_of(store: Store, model: str, version: str) -> bytes | None:
    found = find_object(store, bundle_path(model, version))
    return found.data if found else None


def read_bundle(store: Reader, model: str, version: Version) -> bytes:
    """Bytes of a version's bundle, of the size and hash that were published.

    Raises
    ------
    ModelRefusedError
        If they are of another size or hash.
    """
    data = store.read(bundle_path(model, version.version)).data
    if (len(data), sha256_hex(data)) != (version.size, version.sha256):
        message = f"{model} {version.version}: the bundle's size or sha256 is not as published"
        raise ModelRefusedError(message)
    return data


def read_by_name(store: Store, model: str, name: str) -> tuple[Version, bytes]:
    """The published version of this name and its bundle, which must hash to what the name says.

    Raises
    ------
    RegistryError
        If the name is no version's.
    ObjectMissingError
        If there is no such version.
    ModelRefusedError
        If its bundle is not the one that was published.
    """
    if not re.fullmatch(VERSION_PATTERN, name):
        message = f"{name!r} is no version: those look like 20261121T014400Z-3f9ac2d01b7e"
        raise RegistryError(message)
    data = store.read(bundle_path(model, name)).data
    digest = sha256_hex(data)
    if not name.endswith(digest[:12]):
        message = f"{model} {name}: its bundle hashes to {digest[:12]}"
        raise ModelRefusedError(message)
    return Version(version=name, sha256=digest, size=len(data)), data


def version_names(store: Store, model: str) -> list[str]:
    """Names of all published versions of a model, oldest first."""
    pattern = re.compile(rf"{re.escape(versions_prefix(model))}([^/]+)/{re.escape(BUNDLE)}")
    matches = (pattern.fullmatch(name) for name in store.names(versions_prefix(model)))
    return sorted(m[1] for m in matches if m and re.fullmatch(VERSION_PATTERN, m[1]))


def find_object(store: Store, name: str) -> StoredObject | None:
    """Read an object that need not be there."""
    try:
        return store.read(name)
    except ObjectMissingError:
        return None
