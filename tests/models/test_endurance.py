"""Nobody can tear the bucket: killed publishers, rivals, lost replies.

Counts are those of `make test`; `make soak` runs the same at full counts.
"""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from models.errors import (
    ObjectMissingError,
    PointerMovedError,
    StoreUnavailableError,
)
from models.estimators.families import Additive, Trees
from models.registry.bundle import Bundle, scorer_from_bundle
from models.registry.moves import read_history
from models.registry.pointer import Author, promote, read_pointer
from models.registry.serving import load_champion, load_version
from models.registry.versions import Version, publish
from models.stores.store import Store, StoredObject
from models.stores.uri import open_store
from tests.models.conftest import NOW, build_bundle
from tests.support.counts import counts
from tests.support.running import REPOSITORY
from tests.support.toy import Toy, toy

pytestmark = pytest.mark.soak

KILLS = counts().kills
ROUNDS = counts().promotion_rounds
LOST_REPLIES = 100
PUBLISHER = REPOSITORY / "tests" / "support" / "publisher.py"


def start_publisher(folder: Path, bundle: Path, step: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(PUBLISHER), str(folder), str(bundle), str(step)]
    environment = {"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"}
    return subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True
    )


@contextmanager
def readers(folder: Path, expected: dict[str, float]) -> Iterator[list[str]]:
    """Load the champion again and again: each must be whole, and score as its version does."""
    stop, versions, faults = threading.Event(), list[str](), list[str]()

    def read() -> None:
        store = open_store(folder.as_uri())
        while not stop.is_set():
            champion = load_champion(store, Toy)
            [decision] = champion.scorer.decide([toy()])
            family = champion.manifest.family
            if decision.probability_of_default != expected[family]:
                faults.append(champion.version)
            versions.append(champion.version)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield versions
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert faults == []
    assert versions


def require_complete_history(store: Store) -> None:
    """Every move of the pointer has its record, and no record is of a move that never was."""
    pointer = read_pointer(store, "toy")
    history = read_history(store, "toy", pointer.sequence, pointer.nonce)
    assert history.unrecorded == 0
    assert [move.sequence for move in history.moves] == list(range(pointer.sequence, 0, -1))
    assert (history.moves[0].champion, history.moves[0].who) == (pointer.champion, pointer.who)


@pytest.fixture
def first(tmp_path: Path, logistic: Additive, author: Author) -> Version:
    """A store with a champion."""
    store = open_store((tmp_path / "store").as_uri())
    version = publish(store, "toy", build_bundle(logistic).to_bytes(), {}, NOW)
    promote(store, "toy", version, author)
    return version


@pytest.fixture
def expected(logistic: Additive, trees: Trees) -> dict[str, float]:
    """What each family's bundle answers for the toy application."""
    probabilities: dict[str, float] = {}
    estimators: tuple[Additive | Trees, ...] = (logistic, trees)
    for estimator in estimators:
        [decision] = scorer_from_bundle(build_bundle(estimator), Toy).decide([toy()])
        probabilities[estimator.family] = decision.probability_of_default
    return probabilities


def test_a_publisher_killed_at_any_step_leaves_the_old_champion_or_the_new_one_whole(
    tmp_path: Path, first: Version, expected: dict[str, float], trees: Trees
) -> None:
    folder, bundle = tmp_path / "store", tmp_path / "bundle.zip"
    bundle.write_bytes(build_bundle(trees).to_bytes())
    store = open_store(folder.as_uri())
    with readers(folder, expected):
        for step in range(1, 100):
            process = start_publisher(folder, bundle, step)
            output, _ = process.communicate(timeout=60)
            if process.returncode == 0:
                break
            assert process.returncode == -signal.SIGKILL
            champion = read_pointer(store, "toy").champion
            assert champion == first or load_version(store, Toy, champion)
            require_complete_history(store)
    assert process.returncode == 0
    require_complete_history(store)
    assert int(output) >= 20  # five objects, each written and made visible, before and after
    assert read_pointer(store, "toy").champion != first


def test_a_publisher_killed_at_random_moments_never_shows_anything_torn(
    tmp_path: Path, first: Version, expected: dict[str, float], trees: Trees
) -> None:
    folder, bundle = tmp_path / "store", tmp_path / "bundle.zip"
    bundle.write_bytes(build_bundle(trees).to_bytes())
    chance = random.Random(1)  # noqa: S311 -- no secret
    with readers(folder, expected):
        for _ in range(KILLS):
            process = start_publisher(folder, bundle, 0)
            time.sleep(chance.uniform(0.2, 0.6))
            process.kill()
            process.communicate(timeout=60)
    process = start_publisher(folder, bundle, 0)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert read_pointer(open_store(folder.as_uri()), "toy").champion != first
    require_complete_history(open_store(folder.as_uri()))


@pytest.fixture(params=["file", "gs", "s3"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "file":
        return open_store(tmp_path.as_uri())
    request.getfixturevalue({"gs": "bucket_server", "s3": "s3_server"}[request.param])
    return open_store(f"{request.param}://models/{tmp_path.name}")


def race(store: Store, versions: list[Version]) -> tuple[list[int], list[str]]:
    """Promote all versions at once: who won, and what the others were told."""
    barrier = threading.Barrier(len(versions))
    won: list[int] = []
    refusals: list[str] = []

    def run(i: int) -> None:
        author = Author(who=f"promoter {i}", when=NOW)
        try:
            promote(SlowlyWritten(store, barrier), "toy", versions[i], author)
            won.append(i)
        except PointerMovedError as error:
            refusals.append(str(error))

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(versions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won, refusals


def test_of_eight_promoters_at_once_one_wins_and_the_others_are_told_who(
    any_store: Store,
) -> None:
    versions = [
        publish(any_store, "toy", f"bundle {i}".encode(), {}, NOW + timedelta(i)) for i in range(8)
    ]
    for round_ in range(ROUNDS):
        won, refusals = race(any_store, versions)
        assert len(won) == 1, refusals
        pointer = read_pointer(any_store, "toy")
        assert (pointer.champion, pointer.sequence) == (versions[won[0]], round_ + 1)
        assert len(refusals) == 7
        assert all(f"promoter {won[0]} moved the pointer" in message for message in refusals)


class Wrapped:
    """A store that passes everything on."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def read(self, name: str) -> StoredObject:
        return self.store.read(name)

    def create(self, name: str, data: bytes) -> None:
        self.store.create(name, data)

    def replace(self, name: str, data: bytes, generation: str) -> None:
        self.store.replace(name, data, generation)

    def remove(self, name: str) -> None:
        self.store.remove(name)

    def names(self, prefix: str) -> list[str]:
        return self.store.names(prefix)


class SlowlyWritten(Wrapped):
    """A store whose writers wait until all of them have read."""

    def __init__(self, store: Store, barrier: threading.Barrier) -> None:
        super().__init__(store)
        self.barrier = barrier
        self.waited = False

    def _wait(self) -> None:
        if not self.waited:  # one that is asked to try again does not meet the others again
            self.waited = True
            self.barrier.wait(timeout=30)

    def create(self, name: str, data: bytes) -> None:
        self._wait()
        super().create(name, data)

    def replace(self, name: str, data: bytes, generation: str) -> None:
        self._wait()
        super().replace(name, data, generation)


class LostReplies(Wrapped):
    """A store whose every reply to a write is lost: the client sees an error, or retries."""

    def __init__(self, store: Store, *, retries: bool) -> None:
        super().__init__(store)
        self.retries = retries

    def create(self, name: str, data: bytes) -> None:
        super().create(name, data)
        if self.retries:
            super().create(name, data)
        message = "the reply was lost"
        raise StoreUnavailableError(message)

    def replace(self, name: str, data: bytes, generation: str) -> None:
        super().replace(name, data, generation)
        if self.retries:
            super().replace(name, data, generation)
        message = "the reply was lost"
        raise StoreUnavailableError(message)


@pytest.mark.parametrize("retries", [True, False])
def test_lost_replies_to_own_successes_are_all_recognised(
    tmp_path: Path, author: Author, *, retries: bool
) -> None:
    store = open_store(tmp_path.as_uri())
    versions = [publish(store, "toy", f"{i}".encode(), {}, NOW + timedelta(i)) for i in range(2)]
    for i in range(LOST_REPLIES):
        pointer = promote(LostReplies(store, retries=retries), "toy", versions[i % 2], author)
        assert read_pointer(store, "toy") == pointer
        assert pointer.sequence == i + 1


def test_a_version_whose_bundle_is_gone_is_refused(
    tmp_path: Path, author: Author, bundle: Bundle
) -> None:
    store = open_store(tmp_path.as_uri())
    version = publish(store, "toy", bundle.to_bytes(), {}, NOW)
    promote(store, "toy", version, author)
    store.remove(f"versions/toy/{version.version}/bundle.zip")
    with pytest.raises(ObjectMissingError):
        load_champion(store, Toy)
