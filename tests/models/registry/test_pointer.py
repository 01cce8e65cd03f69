from datetime import timedelta
from pathlib import Path

import pytest

from models.errors import (
    GenerationConflictError,
    ModelRefusedError,
    ObjectMissingError,
    PointerMovedError,
    RegistryError,
    StoreUnavailableError,
)
from models.estimators.families import Trees
from models.registry.bundle import Bundle
from models.registry.pointer import (
    Author,
    Challenger,
    challenge,
    promote,
    prune,
    read_pointer,
    retire,
    roll_back,
)
from models.registry.serving import load_champion
from models.registry.versions import Version, publish, version_names
from models.stores.store import Store, StoredObject
from models.stores.uri import open_store
from tests.models.conftest import NOW, build_bundle
from tests.support.toy import Toy, toy


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path.as_uri())


def test_a_promoted_version_is_loaded_and_scores(
    store: Store, bundle: Bundle, author: Author
) -> None:
    version = publish(store, "toy", bundle.to_bytes(), {}, NOW)
    promote(store, "toy", version, author)
    champion = load_champion(store, Toy)
    assert champion.version == version.version
    assert len(champion.scorer.decide([toy()])) == 1


def test_a_promotion_remembers_the_previous_champion_and_counts_on(
    store: Store, bundle: Bundle, trees: Trees, author: Author
) -> None:
    first = publish(store, "toy", bundle.to_bytes(), {}, NOW)
    second = publish(store, "toy", build_bundle(trees).to_bytes(), {}, NOW + timedelta(days=1))
    promote(store, "toy", first, author)
    promote(store, "toy", second, author)
    pointer = read_pointer(store, "toy")
    assert (pointer.champion, pointer.previous, pointer.sequence) == (second, first, 2)
    assert (pointer.who, pointer.when) == ("tester", NOW)


class Racing:
    """A store in which someone else promotes between our read and our write."""

    def __init__(self, store: Store, other: bytes) -> None:
        self._store = store
        self._other = other

    def read(self, name: str) -> StoredObject:
        return self._store.read(name)

    def create(self, name: str, _data: bytes) -> None:
        self._store.create(name, self._other)
        self._store.create(name, self._other)

    def replace(self, name: str, _data: bytes, generation: str) -> None:
        self._store.replace(name, self._other, generation)
        self._store.replace(name, self._other, generation)

    def remove(self, name: str) -> None:
        self._store.remove(name)

    def names(self, prefix: str) -> list[str]:
        return self._store.names(prefix)


class LosingReplies(Racing):
    """A store whose first reply is lost, so that the client's retry meets its own success."""

    def create(self, name: str, data: bytes) -> None:
        self._store.create(name, data)
        self._store.create(name, data)


def rivals_pointer(folder: Path, bundle: bytes, author: Author) -> bytes:
    """What another run's promotion of a bundle writes."""
    elsewhere = open_store(folder.as_uri())
    promote(elsewhere, "toy", publish(elsewhere, "toy", bundle, {}, NOW), author)
    return elsewhere.read("champions/toy.json").data


@pytest.mark.parametrize("first", [True, False])
def test_a_promotion_that_lost_the_race_says_so(
    store: Store,
    bundle: Bundle,
    author: Author,
    tmp_path: Path,
    first: bool,  # noqa: FBT001
) -> None:
    version = publish(store, "toy", bundle.to_bytes(), {}, NOW)
    if not first:
        promote(store, "toy", version, author)
    rival = rivals_pointer(tmp_path / "elsewhere", b"another bundle", author)
    with pytest.raises(PointerMovedError, match=r"tester moved the pointer of toy first, at 2026"):
        promote(Racing(store, rival), "toy", version, author)
    assert store.read("champions/toy.json").data == rival


def test_a_lost_reply_to_ones_own_promotion_is_a_success(
    store: Store, bundle: Bundle, author: Author
) -> None:
    version = publish(store, "toy", bundle.to_bytes(), {}, NOW)
    pointer = promote(LosingReplies(store, b""), "toy", version, author)
    assert read_pointer(store, "toy") == pointer


def test_a_model_that_was_never_promoted_has_no_champion(store: Store, bundle: Bundle) -> None:
    publish(store, "toy", bundle.to_bytes(), {}, NOW)
    with pytest.raises(ObjectMissingError):
        load_champion(store, Toy)


@pytest.mark.parametrize("position", [0, 100, -1])
def test_a_bundle_with_one_flipped_bit_is_never_parsed(
    store: Store, bundle: Bundle, author: Author, tmp_path: Path, position: int
) -> None:
    version = publish(store, "toy", bundle.to_bytes(), {}, NOW)
    promote(store, "toy", version, author)
    path = tmp_path / f"versions/toy/{version.version}/bundle.zip"
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelRefusedError, match="size or sha256 is not as published"):
        load_champion(store, Toy)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a pointer"),
        (b'{"format": 9}', "not a pointer"),
    ],
)
def test_a_pointer_that_is_none_is_refused(store: Store, content: bytes, message: str) -> None:
    store.create("champions/toy.json", content)
    with pytest.raises(ModelRefusedError, match=message):
        load_champion(store, Toy)


def test_a_pointer_of_another_model_is_refused(
    store: Store, bundle: Bundle, author: Author
) -> None:
    version = publish(store, "toy", bundle.to_bytes(), {}, NOW)
    promote(store, "toy", version, author)
    store.create("champions/other.json", store.read("champions/toy.json").data)
    with pytest.raises(ModelRefusedError, match="it is the pointer of toy"):
        read_pointer(store, "other")


@pytest.fixture
def versions(store: Store) -> list[Version]:
    """Three published versions; their bundles need not be sound to be named."""
    return [
        publish(store, "toy", f"bundle {i}".encode(), {"report.json": b"{}"}, NOW + timedelta(i))
        for i in range(3)
    ]


def test_a_roll_back_restores_the_previous_champion_and_counts_on(
    store: Store, versions: list[Version], author: Author
) -> None:
    promote(store, "toy", versions[0], author)
    promote(store, "toy", versions[1], author)
    pointer = roll_back(store, "toy", versions[0], author)
    assert (pointer.champion, pointer.previous, pointer.sequence) == (versions[0], versions[1], 3)
    assert read_pointer(store, "toy") == pointer
    with pytest.raises(RegistryError, match=f"but {versions[1].version} is"):
        roll_back(store, "toy", versions[0], author)  # nervous: the first one did it
    assert roll_back(store, "toy", versions[1], author).champion == versions[1]


def test_a_challenger_has_a_share_until_it_is_retired_or_promoted(
    store: Store, versions: list[Version], author: Author
) -> None:
    promote(store, "toy", versions[0], author)
    challenger = Challenger(version=versions[1], share=0.1)
    assert challenge(store, "toy", challenger, author).challenger == challenger
    assert promote(store, "toy", versions[2], author).challenger == challenger
    assert promote(store, "toy", versions[1], author).challenger is None
    challenge(store, "toy", Challenger(version=versions[2], share=0.5), author)
    pointer = retire(store, "toy", author)
    assert (pointer.challenger, pointer.champion) == (None, versions[1])


def test_what_cannot_be_done_is_refused_by_name(
    store: Store, versions: list[Version], author: Author
) -> None:
    with pytest.raises(RegistryError, match="toy has no previous champion"):
        roll_back(store, "toy", versions[0], author)
    with pytest.raises(RegistryError, match="toy has no champion to challenge"):
        challenge(store, "toy", Challenger(version=versions[0], share=0.1), author)
    promote(store, "toy", versions[0], author)
    with pytest.raises(RegistryError, match="toy has no previous champion"):
        roll_back(store, "toy", versions[0], author)
    with pytest.raises(RegistryError, match="is the champion"):
        challenge(store, "toy", Challenger(version=versions[0], share=0.1), author)
    with pytest.raises(RegistryError, match="toy has no challenger"):
        retire(store, "toy", author)


@pytest.mark.parametrize("keep", [1, 2])
def test_pruning_keeps_the_newest_and_whatever_the_pointer_names(
    store: Store, author: Author, keep: int
) -> None:
    all_ = [
        publish(store, "toy", f"{i}".encode(), {"r": b""}, NOW + timedelta(i)) for i in range(9)
    ]
    promote(store, "toy", all_[0], author)
    promote(store, "toy", all_[2], author)
    challenge(store, "toy", Challenger(version=all_[4], share=0.1), author)
    removed = prune(store, "toy", keep)
    expected = {0, 2, 4, *range(9 - keep, 9)}
    assert removed == [v.version for i, v in enumerate(all_) if i not in expected]
    assert version_names(store, "toy") == [v.version for i, v in enumerate(all_) if i in expected]
    assert len(store.names("versions/")) == 2 * len(expected)


class Failing(Racing):
    """A store that fails while it answers a write, having done it or not."""

    def __init__(self, store: Store, *, done: bool) -> None:
        super().__init__(store, b"")
        self._done = done

    def create(self, name: str, data: bytes) -> None:
        if self._done:
            self._store.create(name, data)
        message = "the connection broke"
        raise StoreUnavailableError(message)


def test_a_write_whose_reply_broke_off_is_recognised_as_done_or_not(
    store: Store, versions: list[Version], author: Author
) -> None:
    with pytest.raises(StoreUnavailableError, match="the connection broke"):
        promote(Failing(store, done=False), "toy", versions[0], author)
    pointer = promote(Failing(store, done=True), "toy", versions[0], author)
    assert read_pointer(store, "toy") == pointer


def test_promoting_the_champion_again_keeps_what_a_roll_back_needs(
    store: Store, versions: list[Version], author: Author
) -> None:
    for version in (versions[0], versions[1], versions[1]):
        pointer = promote(store, "toy", version, author)
    assert (pointer.champion, pointer.previous, pointer.sequence) == (versions[1], versions[0], 3)


def test_a_version_promoted_while_others_are_pruned_is_kept(store: Store, author: Author) -> None:
    all_ = [publish(store, "toy", f"{i}".encode(), {}, NOW + timedelta(i)) for i in range(4)]
    promote(store, "toy", all_[3], author)

    class Promoting(Racing):
        """A store where someone promotes the second version when the first is removed."""

        def remove(self, name: str) -> None:
            super().remove(name)
            promote(store, "toy", all_[1], author)

    assert prune(Promoting(store, b""), "toy", 1) == [all_[0].version, all_[2].version]
    assert version_names(store, "toy") == [all_[1].version, all_[3].version]


def test_a_folder_that_is_no_version_is_left_alone(store: Store, versions: list[Version]) -> None:
    store.create("versions/toy/zzz-backup/bundle.zip", b"")
    assert version_names(store, "toy") == [v.version for v in versions]
    assert prune(store, "toy", 1) == [v.version for v in versions[:2]]


class Hesitant(Racing):
    """A store that asks to try again: it reports conflicts though nothing moved."""

    def __init__(self, store: Store, times: int) -> None:
        super().__init__(store, b"")
        self._times = times

    def replace(self, name: str, data: bytes, generation: str) -> None:
        self._times -= 1
        if self._times >= 0:
            raise GenerationConflictError(name)
        self._store.replace(name, data, generation)


def test_a_conflict_in_which_nothing_moved_is_tried_again_and_blamed_on_nobody(
    store: Store, versions: list[Version], author: Author
) -> None:
    promote(store, "toy", versions[0], author)
    assert promote(Hesitant(store, 2), "toy", versions[1], author).sequence == 2
    with pytest.raises(GenerationConflictError):
        promote(Hesitant(store, 99), "toy", versions[2], author)
    assert read_pointer(store, "toy").champion == versions[1]


class LateRival(Racing):
    """A store that reports a conflict before the rival's write can be read."""

    def __init__(self, store: Store, rival: Version, author: Author) -> None:
        super().__init__(store, b"")
        self._rival, self._author, self._reads = rival, author, 0

    def read(self, name: str) -> StoredObject:
        self._reads += 1
        if self._reads == 3:  # the first of the second attempt
            promote(self._store, "toy", self._rival, self._author)
        return super().read(name)

    def replace(self, name: str, data: bytes, generation: str) -> None:
        if self._reads < 3:
            raise GenerationConflictError(name)
        self._store.replace(name, data, generation)


def test_a_rival_whose_write_is_seen_late_is_not_written_over(
    store: Store, versions: list[Version], author: Author
) -> None:
    promote(store, "toy", versions[0], author)
    with pytest.raises(PointerMovedError, match=versions[1].version):
        promote(LateRival(store, versions[1], author), "toy", versions[2], author)
    assert read_pointer(store, "toy").champion == versions[1]
