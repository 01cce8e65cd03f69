from pathlib import Path

import pandas as pd
import pytest

from models.catalogue.application import Application
from models.catalogue.card_default import CardDefault
from models.catalogue.german_credit import GermanCredit
from models.contract import CreditModel
from models.errors import DataError, StoreUnavailableError
from models.stores.uri import open_store
from tests.support.running import free_port
from tests.support.toy import Toy
from training.reading.row_validation import Reading, check_rows
from training.reading.sources import DataLocation, read_source


@pytest.mark.parametrize(
    ("model", "rows", "bads"), [(CardDefault, 30_000, 6_636), (GermanCredit, 1_000, 300)]
)
def test_the_bundled_data_follows_its_contract_whole(
    model: type[CreditModel], rows: int, bads: int
) -> None:
    checked = check_rows(model, read_source(model, None, seed=1).frame, max_refused_share=0)
    assert (len(checked.labels), checked.labels.sum(), checked.ignored) == (rows, bads, ())


def test_the_application_model_has_a_seeded_generator() -> None:
    first, second = (read_source(Application, None, seed) for seed in (1, 2))
    assert first.name == "generated, 50000 rows, seed 1"
    assert not first.frame.equals(second.frame)


def test_a_model_without_data_or_generator_needs_a_file() -> None:
    with pytest.raises(DataError, match="toy has no bundled data and no generator"):
        read_source(Toy, None, seed=1)


@pytest.mark.parametrize("scheme", ["path", "file", "gs"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_is_read_from_a_path_or_a_store(
    scheme: str,
    suffix: str,
    tmp_path: Path,
    toy_frame: pd.DataFrame,
    request: pytest.FixtureRequest,
) -> None:
    path = tmp_path / f"rows{suffix}"
    if suffix == ".csv":
        toy_frame.to_csv(path, index=False)
    else:
        toy_frame.to_parquet(path, index=False)
    location = {"path": str(path), "file": path.as_uri()}.get(scheme)
    if location is None:
        request.getfixturevalue("bucket_server")
        location = f"gs://models/{tmp_path.name}/data/{path.name}"
        folder, _, name = location.rpartition("/")
        open_store(folder).create(name, path.read_bytes())
    source = read_source(Toy, DataLocation(location), seed=1)
    assert source.name == path.name
    assert (
        check_rows(Toy, source.frame, 0).fingerprint()
        == check_rows(Toy, toy_frame, 0).fingerprint()
    )


def test_one_bad_cell_of_a_csv_refuses_one_row(tmp_path: Path, toy_frame: pd.DataFrame) -> None:
    frame = toy_frame.astype(object)
    frame.loc[0, "income"] = "?"
    frame.loc[1, "is_default"] = "maybe"
    frame.to_csv(tmp_path / "rows.csv", index=False)
    rows = check_rows(
        Toy, read_source(Toy, DataLocation(str(tmp_path / "rows.csv")), 1).frame, 0.01
    )
    assert rows.refused == 2
    assert rows.refusals == {
        'income: Input should be a valid number; the cell has the word "?"': 1,
        "is_default: Outcome should be 0 or 1; the cell has text": 1,
    }


def test_rows_with_a_wrong_number_of_cells_are_refused_and_listed(
    tmp_path: Path, toy_frame: pd.DataFrame
) -> None:
    text = toy_frame.head(200).to_csv(index=False).splitlines()
    text[5] += ",surplus"
    (tmp_path / "rows.csv").write_text("\n".join(text))
    source = read_source(Toy, DataLocation(str(tmp_path / "rows.csv")), 1)
    rows = check_rows(Toy, source.frame, 0.01, Reading(before=source.refused))
    rule = "the row: 7 cells, where the header has 6"
    assert (rows.refused, rows.refusals) == (1, {rule: 1})
    assert rows.list_refused(source.frame)[["row", "fault"]].to_numpy().tolist() == [[5, rule]]


def test_a_store_that_is_down_is_no_fault_of_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StoreUnavailableError):
        read_source(Toy, DataLocation("gs://models/rows.csv"), seed=1)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.csv", None, "No such file"),
        ("rows.xlsx", b"", "name a file that ends in .csv, .tsv, .txt, .dat or .parquet"),
        ("rows.txt", b"", "the file has no header"),
        ("rows.parquet", b"not parquet", "not readable as .parquet"),
        ("rows.csv", b"a,b\n", "the file has no rows"),
    ],
)
def test_what_cannot_be_read_is_said(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_source(Toy, DataLocation(str(path)), seed=1)
