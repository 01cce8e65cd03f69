"""What answers requests: versions read from a store, checked whole, swapped as one value."""

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
    """A version in memory: parsed, checked, ready to score."""

    version: str
    manifest: Manifest
    scorer: Scorer


@dataclass(frozen=True, slots=True)
class InService:
    """What a pointer names, in memory.

    `challenger` is None where there is none, and where it was refused: `refusal` says why then.
    """

    pointer: Pointer
    champion: LoadedVersion
    challenger: LoadedVersion | None = None
    refusal: str | None = None

    def answering(self, identity: str) -> tuple[Variant, LoadedVersion]:
        """Who answers for an applicant or request: the same in every process, restart and share.

        An identity that a small share gives to the challenger stays with it in a larger one.
        """
        if self.challenger and self.pointer.challenger:
            share = self.pointer.challenger.share
            if position_from_identity(self.pointer.model, identity) < share:
                return "challenger", self.challenger
        return "champion", self.champion


def position_from_identity(model: str, identity: str) -> float:
    """Where an identity falls in [0, 1), evenly, by hash; models are independent."""
    digest = hashlib.sha256(f"{model}\0{identity}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def load_version(store: Reader, model: type[CreditModel], version: Version) -> LoadedVersion:
    """Read, check and parse a version: one round trip.

    Raises
    ------
    ObjectMissingError
        If its bundle is gone.
    ModelRefusedError
        If anything about it is not as published.
    StoreUnavailableError
        If the store cannot be reached.
    """
    bundle = bundle_from_bytes(read_bundle(store, name_from_model(model), version))
    return LoadedVersion(version.version, bundle.manifest, scorer_from_bundle(bundle, model))


def load_champion(store: Reader, model: type[CreditModel]) -> LoadedVersion:
    """Read, check and parse the champion of a model; errors as `load_version`."""
    return load_version(store, model, read_pointer(store, name_from_model(model)).champion)


def load_in_service(
    store: Reader, model: type[CreditModel], known: InService | None = None
) -> InService:
    """Read the pointer and whatever it names that is not known yet; errors as `load_version`.

    A challenger that cannot be loaded is left out, and tried again the next time: it may never cost
    the champion a request.
    """
    pointer = read_pointer(store, name_from_model(model))
    if known and known.pointer == pointer and known.refusal is None:
        return known
    champion = _known(known, pointer.champion) or load_version(store, model, pointer.champion)
    if pointer.challenger is None:
        return InService(pointer, champion)
    wanted = pointer.challenger.version
    try:
        challenger = _known(known, wanted) or load_version(store, model, wanted)
    except Exception as error:  # noqa: BLE001 -- whatever it raises, the champion serves
        return InService(pointer, champion, refusal=f"{type(error).__name__}: {error}")
    return InService(pointer, champion, challenger)


def _known(known: InService | None, version: Version) -> LoadedVersion | None:
    loaded = (known.champion, known.challenger) if known else ()
    return next((v for v in loaded if v and v.version == version.version), None)
