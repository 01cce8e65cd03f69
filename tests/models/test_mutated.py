"""A bundle that is not as published, or not what it should be, is refused: never parsed or served.

Counts are those of `make test`; `make soak` runs the same at full counts.
"""

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from models.errors import ModelRefusedError
from models.estimators.families import Additive, Trees
from models.registry.pointer import Author, promote
from models.registry.serving import load_champion, load_in_service
from models.registry.versions import publish
from models.stores.uri import open_store
from tests.models.conftest import NOW, build_bundle
from tests.support.counts import counts
from tests.support.toy import Toy

pytestmark = pytest.mark.soak

MUTATIONS = counts().mutations


def mutated(data: bytes, chance: np.random.Generator) -> bytes:
    """Flip a bit, cut the end off, double a stretch, or swap two stretches."""
    kind, at = chance.integers(4), int(chance.integers(1, len(data) - 1))
    if kind == 0:
        return data[:at] + bytes([data[at] ^ (1 << int(chance.integers(8)))]) + data[at + 1 :]
    if kind == 1:
        return data[:at]
    if kind == 2:
        return data[:at] + data[at : at + 100] + data[at:]
    return data[at:] + data[:at]


def test_no_mutated_bundle_is_ever_parsed(
    tmp_path: Path, author: Author, trees: Trees, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path.as_uri())
    sound = build_bundle(trees).to_bytes()
    version = publish(store, "toy", sound, {}, NOW)
    promote(store, "toy", version, author)
    assert load_champion(store, Toy)
    parsed: list[bytes] = []
    monkeypatch.setattr("models.registry.serving.bundle_from_bytes", parsed.append)
    [path] = tmp_path.glob("versions/toy/*/bundle.zip")
    chance = np.random.default_rng(3)
    for _ in range(MUTATIONS):
        path.write_bytes(mutated(sound, chance))
        with pytest.raises(ModelRefusedError, match="size or sha256 is not as published"):
            load_champion(store, Toy)
    assert parsed == []


def read_members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(data: bytes, chance: np.random.Generator) -> bytes:
    """A sound archive of the wrong things, as a mistaken or hostile publisher would make it."""
    members = read_members(data)
    documents = [name for name in members if name.endswith(".json")]
    one, other = chance.choice(documents, 2, replace=False)
    kind = chance.integers(5)
    if kind == 0:
        del members[one]
    elif kind == 1:
        members[one], members[other] = members[other], members[one]
    elif kind == 2:
        members[one] = members[one][: int(chance.integers(1, len(members[one])))].rstrip()[:-1]
    elif kind == 3:
        manifest = json.loads(members["manifest.json"])
        manifest["contract_hash"] = chance.bytes(32).hex()
        members["manifest.json"] = json.dumps(manifest).encode()
    else:
        golden = json.loads(members["golden.json"])
        golden["log_odds"][int(chance.integers(len(golden["log_odds"])))] += chance.uniform(2e-6, 1)
        members["golden.json"] = json.dumps(golden).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_no_rewritten_bundle_with_a_right_hash_is_ever_served(
    tmp_path: Path, author: Author, logistic: Additive, trees: Trees
) -> None:
    store = open_store(tmp_path.as_uri())
    sound = [build_bundle(logistic).to_bytes(), build_bundle(trees).to_bytes()]
    promote(store, "toy", publish(store, "toy", sound[0], {}, NOW), author)
    served = load_in_service(store, Toy)
    chance = np.random.default_rng(4)
    for i in range(MUTATIONS):
        bad = rewritten(sound[i % 2], chance)
        promote(store, "toy", publish(store, "toy", bad, {}, NOW + timedelta(1, i)), author)
        with pytest.raises(ModelRefusedError, match=r"^(bundle|estimator|golden)"):
            load_in_service(store, Toy, served)
