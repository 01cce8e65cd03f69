import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from models.errors import StoreUnavailableError
from models.estimators.families import Trees
from models.registry.bundle import Bundle
from models.registry.pointer import Author, Challenger, challenge, promote, retire
from models.registry.serving import load_in_service, position_from_identity
from models.registry.versions import publish
from models.stores.store import Store, StoredObject
from models.stores.uri import open_store
from tests.models.conftest import NOW, build_bundle
from tests.support.toy import Toy

IDENTITIES = [f"applicant-{i}" for i in range(100_000)]


@pytest.fixture
def store(tmp_path: Path, bundle: Bundle, author: Author) -> Store:
    """A store with a champion."""
    store = open_store(tmp_path.as_uri())
    promote(store, "toy", publish(store, "toy", bundle.to_bytes(), {}, NOW), author)
    return store


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_a_share_is_kept_within_three_standard_errors(share: float) -> None:
    observed = np.mean([position_from_identity("toy", identity) < share for identity in IDENTITIES])
    assert abs(observed - share) <= 3 * np.sqrt(share * (1 - share) / len(IDENTITIES))


def test_models_are_split_independently() -> None:
    sides = np.array(
        [
            [position_from_identity(m, i) < 0.5 for i in IDENTITIES[:10_000]]
            for m in ("toy", "application")
        ]
    )
    assert abs(np.corrcoef(sides)[0, 1]) < 0.03


def test_an_identity_is_on_the_same_side_in_every_process() -> None:
    code = (
        "from models.registry.serving import position_from_identity;"
        "print([position_from_identity('toy', f'applicant-{i}') for i in range(100)])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert outputs == {f"{[position_from_identity('toy', i) for i in IDENTITIES[:100]]}\n"}


def test_an_unchanged_pointer_gives_what_is_known(store: Store) -> None:
    loaded = load_in_service(store, Toy)
    assert load_in_service(store, Toy, loaded) is loaded


def test_a_challenger_answers_its_share_and_the_champion_stays_in_memory(
    store: Store, trees: Trees, author: Author
) -> None:
    before = load_in_service(store, Toy)
    version = publish(store, "toy", build_bundle(trees).to_bytes(), {}, NOW + timedelta(1))
    challenge(store, "toy", Challenger(version=version, share=0.2), author)
    serving = load_in_service(store, Toy, before)
    assert serving.champion is before.champion
    answers = [serving.choose_version(identity) for identity in IDENTITIES[:5_000]]
    share = np.mean([variant == "challenger" for variant, _ in answers])
    assert abs(share - 0.2) < 0.02
    assert {(v, loaded.version) for v, loaded in answers} == {
        ("champion", before.champion.version),
        ("challenger", version.version),
    }
    retire(store, "toy", author)
    after = load_in_service(store, Toy, serving)
    assert {after.choose_version(i)[0] for i in IDENTITIES[:100]} == {"champion"}


def test_a_refused_challenger_never_costs_the_champion_a_request(
    store: Store, author: Author
) -> None:
    version = publish(store, "toy", b"no bundle at all", {}, NOW + timedelta(1))
    challenge(store, "toy", Challenger(version=version, share=0.5), author)
    serving = load_in_service(store, Toy)
    refusal = "ModelRefusedError: bundle: not an archive: File is not a zip file"
    assert serving.refusal == refusal
    assert {serving.choose_version(i)[0] for i in IDENTITIES[:100]} == {"champion"}


def test_a_challenger_that_could_not_be_loaded_is_tried_again(
    store: Store, trees: Trees, author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = publish(store, "toy", build_bundle(trees).to_bytes(), {}, NOW + timedelta(1))
    challenge(store, "toy", Challenger(version=version, share=0.5), author)
    read = store.read

    def unavailable(name: str) -> StoredObject:
        if version.version in name:
            raise StoreUnavailableError(name)
        return read(name)

    monkeypatch.setattr(store, "read", unavailable)
    before = load_in_service(store, Toy)
    assert before.challenger is None
    assert before.refusal
    monkeypatch.setattr(store, "read", read)
    after = load_in_service(store, Toy, before)
    assert after.challenger
    assert after.champion is before.champion
