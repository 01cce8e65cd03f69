import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.errors import ObjectMissingError
from models.stores.object_file import ObjectFile
from models.stores.store import OpenedStore
from models.stores.uri import open_store

DATA = bytes(range(256)) * 10


@pytest.fixture(params=["file", "gs", "s3"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> OpenedStore:
    if request.param == "gs":
        return google_store(request)
    if request.param == "s3":
        request.getfixturevalue("s3_server")
        return open_store(f"s3://models/{request.node.name}")
    return open_store(tmp_path_factory.mktemp("objects").as_uri())


def google_store(request: pytest.FixtureRequest) -> OpenedStore:
    monkeypatch = request.getfixturevalue("monkeypatch")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", request.getfixturevalue("bucket_server"))
    return open_store(f"gs://models/{request.node.name}")


def test_a_part_of_an_object_is_read_without_the_rest(store: OpenedStore) -> None:
    store.create("data.bin", DATA)
    state = store.stat("data.bin")
    assert state.size == len(DATA)
    assert state.generation == store.read("data.bin").generation
    file = ObjectFile(store, "data.bin", state)
    assert (file.seek(-3, io.SEEK_END), file.read()) == (len(DATA) - 3, DATA[-3:])
    assert (file.read(), file.read(4)) == (b"", b"")
    assert (file.seek(10), file.read(4), file.tell()) == (10, DATA[10:14], 14)
    assert io.BufferedReader(ObjectFile(store, "data.bin", state)).read() == DATA


def test_a_parquet_file_is_read_from_its_object(store: OpenedStore) -> None:
    table, buffer = pa.table({"a": list(range(1_000))}), io.BytesIO()
    pq.write_table(table, buffer, row_group_size=100)
    store.create("a.parquet", buffer.getvalue())
    file = ObjectFile(store, "a.parquet", store.stat("a.parquet"))
    assert pq.ParquetFile(file).read_row_group(3)["a"].to_pylist() == list(range(300, 400))


def test_an_object_that_is_missing_has_no_state(store: OpenedStore) -> None:
    with pytest.raises(ObjectMissingError, match="no object none"):
        store.stat("none")
