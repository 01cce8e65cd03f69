"""Model versions in a store: publish once, find by content or name, read with a hash check."""

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


class RegistryDocument(BaseModel):
    """Base class of the JSON documents of the registry: closed and immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Version(RegistryDocument):
    """A published version: its name, and the size and sha256 of its bundle."""

    version: Annotated[str, Field(pattern=VERSION_PATTERN)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(gt=0)]

    @property
    def published(self) -> datetime:
        """Time of publication, from the name."""
        return time_from_version_name(self.version)


def time_from_version_name(name: str) -> datetime:
    """Return the time of publication that the name of a version contains."""
    return datetime.fromisoformat(name[:16])


def version_from_bundle(bundle: bytes, now: datetime) -> Version:
    """Return the version that publishing a bundle now would create."""
    digest = sha256_hex(bundle)
    name = f"{now:%Y%m%dT%H%M%SZ}-{digest[:12]}"
    return Version(version=name, sha256=digest, size=len(bundle))


def publish(
    store: Store, model_name: str, bundle: bytes, others: Mapping[str, bytes], now: datetime
) -> Version:
    """Write a new version: the other files first, the bundle last. Each is created only once.

    Raises
    ------
    ObjectExistsError
        If another run published different content under the same name.
    """
    version = version_from_bundle(bundle, now)
    folder = version_prefix(model_name, version.version)
    for name, data in others.items():
        _create(store, folder + name, data)
    _create(store, bundle_path(model_name, version.version), bundle)
    return version


def _create(store: Store, name: str, data: bytes) -> None:
    try:
        store.create(name, data)
    except ObjectExistsError:
        # Either the response to our own successful write was lost, or another run wrote the same.
        stored = find_object(store, name)
        if stored is None or stored.data != data:
            raise


def find_published(store: Store, model_name: str, bundle: bytes) -> Version | None:
    """Return the published version with exactly this content, or None."""
    digest = sha256_hex(bundle)
    for name in version_names(store, model_name):
        # Compare the bytes as well: a version that was damaged later has the name but not them.
        if name.endswith(f"-{digest[:12]}") and _find_bundle(store, model_name, name) == bundle:
            return Version(version=name, sha256=digest, size=len(bundle))
    return None


def _find_bundle(store: Store, model_name: str, version: str) -> bytes | None:
    stored = find_object(store, bundle_path(model_name, version))
    return stored.data if stored else None


def read_bundle(store: Reader, model_name: str, version: Version) -> bytes:
    """Read the bundle of a version and check its size and hash.

    Raises
    ------
    ModelRefusedError
        If the size or the hash differs from the published one.
    """
    data = store.read(bundle_path(model_name, version.version)).data
    if (len(data), sha256_hex(data)) != (version.size, version.sha256):
        message = f"{model_name} {version.version}: the bundle's size or sha256 is not as published"
        raise ModelRefusedError(message)
    return data


def read_by_name(store: Store, model_name: str, name: str) -> tuple[Version, bytes]:
    """Read a version by its name, and check that the bundle has the hash the name ends with.

    Raises
    ------
    RegistryError
        If the name does not have the form of a version name.
    ObjectMissingError
        If the version does not exist.
    ModelRefusedError
        If the bundle is not the one that was published.
    """
    if not re.fullmatch(VERSION_PATTERN, name):
        message = (
            f"{name!r} is not a version name; version names look like 20261121T014400Z-3f9ac2d01b7e"
        )
        raise RegistryError(message)
    data = store.read(bundle_path(model_name, name)).data
    digest = sha256_hex(data)
    if not name.endswith(digest[:12]):
        message = f"{model_name} {name}: the sha256 of its bundle begins with {digest[:12]}"
        raise ModelRefusedError(message)
    return Version(version=name, sha256=digest, size=len(data)), data


def version_names(store: Store, model_name: str) -> list[str]:
    """Return the names of all published versions of a model, oldest first."""
    prefix = versions_prefix(model_name)
    pattern = re.compile(rf"{re.escape(prefix)}([^/]+)/{re.escape(BUNDLE)}")
    matches = (pattern.fullmatch(name) for name in store.names(prefix))
    return sorted(m[1] for m in matches if m and re.fullmatch(VERSION_PATTERN, m[1]))


def find_object(store: Store, name: str) -> StoredObject | None:
    """Read an object, or return None if it does not exist."""
    try:
        return store.read(name)
    except ObjectMissingError:
        return None
