import hashlib
from pathlib import Path

import pytest

from models.errors import ObjectMissingError, StoreUnavailableError
from models.stores.uri import open_store


def test_a_generation_is_the_hash_of_the_content(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    store.create("a", b"content")
    assert store.read("a").generation == hashlib.sha256(b"content").hexdigest()


def test_files_have_the_permissions_of_any_other_new_file(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    open_store(tmp_path.as_uri()).create("a", b"1")
    assert (tmp_path / "a").stat().st_mode == plain.stat().st_mode


def test_a_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    store = open_store((tmp_path / "store").as_uri())
    with pytest.raises(ObjectMissingError):
        store.create("../outside", b"")
    assert not (tmp_path / "outside").exists()


def test_a_file_that_cannot_be_read_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="File name too long"):
        open_store(tmp_path.as_uri()).read("x" * 300)


def test_a_lock_that_cannot_be_taken_is_unavailable(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    store.create("a", b"1")
    (tmp_path / ".lock").mkdir()
    with pytest.raises(StoreUnavailableError, match="Is a directory"):
        store.replace("a", b"2", store.read("a").generation)
    assert {path.name for path in tmp_path.iterdir()} == {"a", ".lock"}


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file, not a folder")
    with pytest.raises(StoreUnavailableError):
        open_store((tmp_path / "store").as_uri()).create("a", b"")


def test_no_temporary_file_is_left_or_listed(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    store.create("a", b"1")
    store.replace("a", b"2", store.read("a").generation)
    assert store.names("") == ["a"]
    assert {path.name for path in tmp_path.iterdir()} == {"a", ".lock"}
