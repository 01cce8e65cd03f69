from datetime import timedelta
from pathlib import Path

import pytest

from models.errors import (
    ModelRefusedError,
    ObjectExistsError,
    ObjectMissingError,
    RegistryError,
)
from models.registry.bundle import Bundle, sha256_hex
from models.registry.versions import (
    Version,
    find_object,
    find_published,
    publish,
    read_bundle,
    read_by_name,
    time_from_version_name,
    version_from_bundle,
    version_names,
)
from models.stores.store import Store
from models.stores.uri import open_store
from tests.models.conftest import NOW


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path.as_uri())


@pytest.fixture
def versions(store: Store) -> list[Version]:
    """Three published versions; nothing here parses their bundles."""
    return [publish(store, "toy", f"bundle {i}".encode(), {}, NOW + timedelta(i)) for i in range(3)]


def test_the_name_of_a_version_begins_with_its_time() -> None:
    assert time_from_version_name("20261121T014400Z-3f9ac2d01b7e") == NOW


def test_the_version_that_publishing_would_create_is_known_before(store: Store) -> None:
    expected = version_from_bundle(b"bundle", NOW)
    assert expected.version == f"20261121T014400Z-{sha256_hex(b'bundle')[:12]}"
    assert publish(store, "toy", b"bundle", {}, NOW) == expected


def test_names_are_listed_oldest_first(store: Store, versions: list[Version]) -> None:
    assert version_names(store, "toy") == [version.version for version in versions]
    assert version_names(store, "other") == []


@pytest.mark.parametrize("data", [b"bundle 9", b"bundle"])
def test_a_bundle_of_another_hash_or_size_is_refused(
    store: Store, versions: list[Version], data: bytes
) -> None:
    assert read_bundle(store, "toy", versions[0]) == b"bundle 0"
    name = f"versions/toy/{versions[0].version}/bundle.zip"
    store.replace(name, data, store.read(name).generation)
    with pytest.raises(ModelRefusedError, match="size or sha256 is not as published"):
        read_bundle(store, "toy", versions[0])


def test_an_object_need_not_exist_to_be_looked_for(store: Store) -> None:
    assert find_object(store, "a") is None
    store.create("a", b"1")
    stored = find_object(store, "a")
    assert stored is not None
    assert stored.data == b"1"


def test_a_version_is_its_time_and_its_content(store: Store, bundle: Bundle) -> None:
    data = bundle.to_bytes()
    version = publish(store, "toy", data, {"report.json": b"{}"}, NOW)
    assert version.version == f"20261121T014400Z-{sha256_hex(data)[:12]}"
    assert version.published == NOW
    assert store.names("") == [
        f"versions/toy/{version.version}/bundle.zip",
        f"versions/toy/{version.version}/report.json",
    ]


def test_a_published_version_is_found_by_its_content_alone(store: Store, bundle: Bundle) -> None:
    data = bundle.to_bytes()
    assert find_published(store, "toy", data) is None
    version = publish(store, "toy", data, {}, NOW)
    assert find_published(store, "toy", data) == version
    assert find_published(store, "toy", b"other") is None


def test_two_runs_that_publish_the_same_at_once_both_succeed(store: Store, bundle: Bundle) -> None:
    first, second = (publish(store, "toy", bundle.to_bytes(), {"r": b"1"}, NOW) for _ in "ab")
    assert first == second
    with pytest.raises(ObjectExistsError, match="/r exists already"):
        publish(store, "toy", bundle.to_bytes(), {"r": b"2"}, NOW)


def test_a_version_is_found_by_its_name_if_it_hashes_to_it(
    store: Store, versions: list[Version]
) -> None:
    assert read_by_name(store, "toy", versions[1].version) == (versions[1], b"bundle 1")
    with pytest.raises(RegistryError, match="is not a version name"):
        read_by_name(store, "toy", "../secrets")
    with pytest.raises(ObjectMissingError):
        read_by_name(store, "toy", "20260101T000000Z-000000000000")
    store.create("versions/toy/20260101T000000Z-0123456789ab/bundle.zip", b"something else")
    with pytest.raises(ModelRefusedError, match="the sha256 of its bundle begins with"):
        read_by_name(store, "toy", "20260101T000000Z-0123456789ab")


def test_a_damaged_version_is_not_found_by_its_content(store: Store, bundle: Bundle) -> None:
    data = bundle.to_bytes()
    version = publish(store, "toy", data, {}, NOW)
    name = f"versions/toy/{version.version}/bundle.zip"
    store.replace(name, data[:-1] + b"x", store.read(name).generation)
    assert find_published(store, "toy", data) is None
