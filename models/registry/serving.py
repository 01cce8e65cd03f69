"""Versions in service: load champion and challenger from a store, and split requests."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from models.contract import CreditModel, name_from_model
from models.registry.bundle import Manifest, bundle_from_bytes, scorer_from_bundle
from models.registry.pointer import Pointer, read_pointer
from models.registry.versions import Version, read_bundle
from models.scorer import Scorer
from models.stores.store import Reader

Variant = Literal["champion", "challenger"]


@dataclass(frozen=True, slots=True)
class LoadedVersion:
    """A version in memory: parsed, checked and ready to score."""

    version: str
    manifest: Manifest
    scorer: Scorer


@dataclass(frozen=True, slots=True)
class InService:
    """The versions that a pointer refers to, in memory.

    `challenger` is None if there is none or if it was refused. `refusal` has the cause of a
    refusal.
    """

    pointer: Pointer
    champion: LoadedVersion
    challenger: LoadedVersion | None = None
    refusal: str | None = None

    def choose_version(self, identity: str) -> tuple[Variant, LoadedVersion]:
        """Choose the version that scores an applicant or request.

        The choice depends only on the model, the identity and the share, so it is the same in every
        process and after a restart. If the share grows, no identity moves back to the champion.
        """
        if self.challenger and self.pointer.challenger:
            share = self.pointer.challenger.share
            if position_from_identity(self.pointer.model, identity) < share:
                return "challenger", self.challenger
        return "champion", self.champion


def position_from_identity(model_name: str, identity: str) -> float:
    """Map an identity to [0, 1) by hash: evenly, and independently for each model."""
    digest = hashlib.sha256(f"{model_name}\0{identity}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def load_version(store: Reader, model: type[CreditModel], version: Version) -> LoadedVersion:
    """Read, check and parse a version, in one round trip.

    Raises
    ------
    ObjectMissingError
        If its bundle does not exist.
    ModelRefusedError
        If its bundle fails a check: size, hash, format, contract or golden rows.
    StoreUnavailableError
        If the store cannot be reached.
    """
    bundle = bundle_from_bytes(read_bundle(store, name_from_model(model), version))
    return LoadedVersion(version.version, bundle.manifest, scorer_from_bundle(bundle, model))


def load_champion(store: Reader, model: type[CreditModel]) -> LoadedVersion:
    """Read, check and parse the champion of a model. Errors are those of `load_version`."""
    return load_version(store, model, read_pointer(store, name_from_model(model)).champion)


def load_in_service(
    store: Reader, model: type[CreditModel], previous: InService | None = None
) -> InService:
    """Read the pointer, and load each version it refers to that `previous` does not have.

    Errors are those of `load_version`. A challenger that cannot be loaded is left out and tried
    again at the next call, so that it never affects requests to the champion.
    """
    pointer = read_pointer(store, name_from_model(model))
    if previous and previous.pointer == pointer and previous.refusal is None:
        return previous
    champion = _find_loaded(previous, pointer.champion) or load_version(
        store, model, pointer.champion
    )
    if pointer.challenger is None:
        return InService(pointer, champion)
    version = pointer.challenger.version
    try:
        challenger = _find_loaded(previous, version) or load_version(store, model, version)
    except Exception as error:  # noqa: BLE001 -- the champion serves whatever the error is
        return InService(pointer, champion, refusal=f"{type(error).__name__}: {error}")
    return InService(pointer, champion, challenger)


def _find_loaded(previous: InService | None, version: Version) -> LoadedVersion | None:
    loaded = (previous.champion, previous.challenger) if previous else ()
    return next((v for v in loaded if v and v.version == version.version), None)
