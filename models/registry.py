"""Versions and champions in a store: publish, promote, and read with every byte checked.

versions/<model>/<version>/bundle.zip    a version exists when this does
versions/<model>/<version>/...           written before it, for people and monitoring
champions/<model>.json                   the pointer: the only object that is ever replaced
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.bundle import Manifest, bundle_from_bytes, scorer_from_bundle, sha256_hex
from models.contract import CreditModel, name_of
from models.errors import (
    GenerationConflictError,
    ModelRefusedError,
    ObjectExistsError,
    ObjectMissingError,
)
from models.scorer import Scorer
from models.stores.store import Store, StoredObject

VERSION_PATTERN = r"^\d{8}T\d{6}Z-[0-9a-f]{12}$"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Version(_Record):
    """A published version: its name, and what its bundle must weigh and hash to."""

    version: Annotated[str, Field(pattern=VERSION_PATTERN)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(gt=0)]


class Pointer(_Record):
    """Content of `champions/<model>.json`. The sequence only rises."""

    format: Literal[1] = 1
    model: str
    champion: Version
    previous: Version | None
    sequence: Annotated[int, Field(ge=1)]
    nonce: str
    who: str
    when: datetime


@dataclass(frozen=True, slots=True)
class Champion:
    """A loaded and checked champion, and since when (UTC) it is one."""

    version: str
    since: datetime
    manifest: Manifest
    scorer: Scorer


@dataclass(frozen=True, slots=True)
class Author:
    """Who moves a pointer, and when (UTC)."""

    who: str
    when: datetime


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
    folder = _folder(model, version.version)
    for name, data in others.items():
        _create(store, folder + name, data)
    _create(store, folder + "bundle.zip", bundle)
    return version


def _create(store: Store, name: str, data: bytes) -> None:
    try:
        store.create(name, data)
    except ObjectExistsError:
        # The reply to an own success was lost, or another run found the same at the same time.
        if store.read(name).data != data:
            raise


def find_published(store: Store, model: str, bundle: bytes) -> Version | None:
    """The version with exactly this content, if one was published before."""
    digest = sha256_hex(bundle)
    for name in store.names(f"versions/{model}/"):
        match = re.fullmatch(rf"versions/{model}/(\S+-{digest[:12]})/bundle\.zip", name)
        if match:
            return Version(version=match[1], sha256=digest, size=len(bundle))
    return None


def promote(store: Store, model: str, version: Version, author: Author) -> Pointer:
    """Make a version the champion in one compare-and-swap.

    Raises
    ------
    GenerationConflictError
        If someone else moved the pointer meanwhile.
    """
    name = _pointer_name(model)
    before = _read_if_any(store, name)
    last = _pointer_from(before, model) if before else None
    pointer = Pointer(
        model=model,
        champion=version,
        previous=last.champion if last else None,
        sequence=last.sequence + 1 if last else 1,
        nonce=uuid.uuid4().hex,
        who=author.who,
        when=author.when,
    )
    data = pointer.model_dump_json(indent=1).encode()
    try:
        if before:
            store.replace(name, data, before.generation)
        else:
            store.create(name, data)
    except (GenerationConflictError, ObjectExistsError) as error:
        # A write whose reply was lost is retried by the client and then meets itself; or another
        # run promoted the same version.
        now = read_pointer(store, model)
        if now.champion != version:
            raise GenerationConflictError(name) from error
        return now
    return pointer


def read_pointer(store: Store, model: str) -> Pointer:
    """Read which version is champion.

    Raises
    ------
    ObjectMissingError
        If the model has no champion yet.
    """
    return _pointer_from(store.read(_pointer_name(model)), model)


def load_champion(store: Store, model: type[CreditModel]) -> Champion:
    """Read, check and parse the champion of a model: two round trips.

    Raises
    ------
    ObjectMissingError
        If there is no champion, or its bundle is gone.
    ModelRefusedError
        If anything about it is not as published.
    StoreUnavailableError
        If the store cannot be reached.
    """
    name = name_of(model)
    pointer = read_pointer(store, name)
    champion = pointer.champion
    data = store.read(_folder(name, champion.version) + "bundle.zip").data
    if (len(data), sha256_hex(data)) != (champion.size, champion.sha256):
        message = f"{name} {champion.version}: the bundle's size or sha256 is not as published"
        raise ModelRefusedError(message)
    bundle = bundle_from_bytes(data)
    scorer = scorer_from_bundle(bundle, model)
    return Champion(champion.version, pointer.when, bundle.manifest, scorer)


def _pointer_from(stored: StoredObject, model: str) -> Pointer:
    try:
        pointer = Pointer.model_validate_json(stored.data)
    except ValidationError as error:
        message = f"champions/{model}.json: not a pointer ({error.error_count()} faults)"
        raise ModelRefusedError(message) from error
    if pointer.model != model:
        message = f"champions/{model}.json: it points at {pointer.model}"
        raise ModelRefusedError(message)
    return pointer


def _read_if_any(store: Store, name: str) -> StoredObject | None:
    try:
        return store.read(name)
    except ObjectMissingError:
        return None


def _pointer_name(model: str) -> str:
    return f"champions/{model}.json"


def _folder(model: str, version: str) -> str:
    return f"versions/{model}/{version}/"
