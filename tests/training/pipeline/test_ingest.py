"""Days of a source: idempotent, resumable after any end, and never half loaded."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from models.errors import DataError
from models.stores.store import OpenedStore
from models.stores.uri import open_store
from tests.training.pipeline.conftest import ALL_TABLES, ScriptedInterface, read_rows
from training.pipeline.contract_check import RefusedRow
from training.pipeline.delivery import Address
from training.pipeline.duckdb_warehouse import DuckDBConnection
from training.pipeline.ingest import DayResult, Ingestion, describe_refused, ingest
from training.pipeline.lake import Lake
from training.pipeline.source_file import FilesSource, FileTable, RestSource, RestTable
from training.pipeline.warehouse import Warehouse

DAY = date(2026, 6, 1)
DAYS = [DAY + timedelta(days=number) for number in range(3)]
SOURCE = FilesSource(
    kind="files",
    tables={
        "defaults": FileTable(file="defaults_{day}.csv"),
        "inquiries": FileTable(file="inquiries_{day}.csv"),
    },
)


def drop(folder: Path, day: date, customers: Sequence[str] = ("C1", "C2")) -> None:
    """Write both files of a day."""
    folder.mkdir(exist_ok=True)
    lines = [f"{name},{day}\n" for name in customers]
    (folder / f"defaults_{day}.csv").write_text("customer_id,defaulted_on\n" + "".join(lines))
    lines = [f"I-{day}-{name},{name},{day}\n" for name in customers]
    header = "inquiry_id,customer_id,inquired_on\n"
    (folder / f"inquiries_{day}.csv").write_text(header + "".join(lines))


def declare(folder: Path, max_refused_share: float = 0.0) -> Ingestion:
    address = Address("crm", (folder / "drop").as_uri())
    return Ingestion(source=SOURCE, address=address, max_refused_share=max_refused_share)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    for day in DAYS:
        drop(tmp_path / "drop", day)
    return Lake(open_store((tmp_path / "lake").as_uri()))


def read_all(warehouse: Warehouse) -> dict[str, object]:
    return {name: read_rows(warehouse, name) for name in (*SOURCE.tables, "loads")}


def run(
    folder: Path, lake: Lake, warehouse: Warehouse, days: Sequence[date] = DAYS
) -> list[DayResult]:
    return list(ingest(declare(folder), days, lake, warehouse))


def test_a_day_is_in_the_lake_and_in_the_warehouse(
    tmp_path: Path, lake: Lake, warehouse: Warehouse
) -> None:
    [result] = run(tmp_path, lake, warehouse, [DAY])
    assert (result["defaults"].rows, result["defaults"].outcome) == (2, "loaded")
    assert lake.read(result["defaults"].load)["customer_id"].to_pylist() == ["C1", "C2"]
    assert [row["day"] for row in read_rows(warehouse, "defaults")] == [DAY, DAY]


def test_the_same_day_again_changes_nothing(
    tmp_path: Path, lake: Lake, warehouse: Warehouse
) -> None:
    run(tmp_path, lake, warehouse)
    before, objects = read_all(warehouse), lake.store.names("")
    results = run(tmp_path, lake, warehouse)
    assert {table.outcome for result in results for table in result.values()} == {"unchanged"}
    assert (read_all(warehouse), lake.store.names("")) == (before, objects)


def test_a_corrected_file_is_a_new_load_of_its_day_and_no_other_day_changes(
    tmp_path: Path, lake: Lake, warehouse: Warehouse
) -> None:
    run(tmp_path, lake, warehouse)
    drop(tmp_path / "drop", DAYS[1], ["C1", "C3"])
    [result] = run(tmp_path, lake, warehouse, [DAYS[1]])
    assert result["defaults"].load.endswith("load-0002.parquet")
    rows = [(row["day"], row["customer_id"]) for row in read_rows(warehouse, "defaults")]
    assert sorted(rows) == [
        (day, name) for day in DAYS for name in (("C1", "C3") if day == DAYS[1] else ("C1", "C2"))
    ]


def test_a_file_that_is_late_is_loaded_under_its_own_day(
    tmp_path: Path, lake: Lake, warehouse: Warehouse
) -> None:
    late = tmp_path / "drop" / f"defaults_{DAYS[0]}.csv"
    text = late.read_text()
    late.unlink()
    with pytest.raises(DataError, match=r"is not there \(yet\)"):
        run(tmp_path, lake, warehouse)
    assert read_all(warehouse) == {"defaults": [], "inquiries": [], "loads": []}
    run(tmp_path, lake, warehouse, DAYS[1:])
    late.write_text(text)
    run(tmp_path, lake, warehouse, DAYS[:1])
    assert {row["day"] for row in read_rows(warehouse, "defaults")} == set(DAYS)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:-3], "the file is cut off"),
        (lambda text: text.replace("customer_id", "client_id"), "unknown: client_id"),
        (lambda text: text + text.splitlines()[-1] + "\n", "the row is there twice .1 rows."),
        (lambda text: text.replace(str(DAYS[1]), str(DAYS[2])), "dated after the day of the load"),
        (lambda text: text.replace("C1", ""), "customer_id: Input should be a valid string"),
    ],
    ids=["half a file", "another schema", "doubled rows", "a clock that is ahead", "no key"],
)
def test_a_broken_day_is_named_loads_nothing_and_harms_no_other_day(
    tmp_path: Path,
    lake: Lake,
    warehouse: Warehouse,
    damage: Callable[[str], str],
    message: str,
) -> None:
    file = tmp_path / "drop" / f"inquiries_{DAYS[1]}.csv"
    file.write_text(damage(file.read_text()))
    with pytest.raises(DataError, match=message):
        run(tmp_path, lake, warehouse)
    assert {row["day"] for row in read_rows(warehouse, "loads")} == {DAYS[0]}
    run(tmp_path, lake, warehouse, DAYS[2:])
    days = {row["day"] for name in SOURCE.tables for row in read_rows(warehouse, name)}
    assert days == {DAYS[0], DAYS[2]}


def test_a_clock_that_is_behind_is_left_to_the_checks_of_quality(
    tmp_path: Path, lake: Lake, warehouse: Warehouse
) -> None:
    file = tmp_path / "drop" / f"inquiries_{DAYS[1]}.csv"
    file.write_text(file.read_text().replace(f",{DAYS[1]}", f",{DAYS[0]}"))
    [result] = run(tmp_path, lake, warehouse, [DAYS[1]])
    assert result["inquiries"].outcome == "loaded"


def test_refused_rows_lie_in_the_quarantine_and_no_message_repeats_them(
    tmp_path: Path, lake: Lake, warehouse: Warehouse
) -> None:
    drop(tmp_path / "drop", DAY, ["C1", "S3CR3T" * 20])
    with pytest.raises(DataError, match=r"refuses more than 0\.0% of the rows") as caught:
        run(tmp_path, lake, warehouse, [DAY])
    assert "S3CR3T" not in str(caught.value)
    [name] = lake.store.names("quarantine/defaults")
    [row] = lake.read(name).to_pylist()
    assert (row["row"], "S3CR3T" in row["values"]) == (2, True)
    assert lake.store.names("raw") == []


def test_some_refused_rows_may_be_allowed(tmp_path: Path, lake: Lake, warehouse: Warehouse) -> None:
    drop(tmp_path / "drop", DAY, ["C1", "x" * 65])
    [result] = ingest(declare(tmp_path, max_refused_share=0.5), [DAY], lake, warehouse)
    assert (result["defaults"].rows, result["defaults"].refused) == (1, 1)
    [load] = [row for row in read_rows(warehouse, "loads") if row["table_name"] == "defaults"]
    assert load["refused"] == 1


def test_an_interface_that_goes_down_within_a_day_loads_nothing_of_it(
    lake: Lake, warehouse: Warehouse, interface: ScriptedInterface
) -> None:
    table = RestTable(path="/{day}", rows="data", next="next")
    source = RestSource(
        kind="rest", tables={"macro_indicators": table}, requests_per_second=1_000, attempts=1
    )
    row = {"indicator": "policy_rate", "period": str(DAY), "value": 0.1, "released_on": str(DAY)}
    interface.answer({"data": [row], "next": "/more"})
    interface.answer({}, status=503)
    ingestion = Ingestion(
        source=source, address=Address("macro", interface.url), max_refused_share=0
    )
    with pytest.raises(DataError, match="no answer after 1 attempts: status 503"):
        list(ingest(ingestion, [DAY], lake, warehouse))
    assert (lake.store.names(""), read_rows(warehouse, "macro_indicators")) == ([], [])


def test_many_days_are_loaded_a_month_at_a_time(
    tmp_path: Path, lake: Lake, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.pipeline.ingest.DAYS_A_TRANSACTION", 2)
    transactions: list[int] = []
    original = Warehouse.replace_days

    def count(self: Warehouse, loads: Sequence[object]) -> None:
        transactions.append(len(loads))
        original(self, loads)  # type: ignore[arg-type]

    monkeypatch.setattr(Warehouse, "replace_days", count)
    assert len(run(tmp_path, lake, warehouse)) == 3
    assert transactions == [4, 2]


def test_rules_are_described_with_their_first_rows() -> None:
    refused = tuple(RefusedRow(number, {}, "a: too low") for number in (2, 5, 6, 9))
    text = describe_refused((*refused, RefusedRow(0, {}, "twice")), 10)
    assert text == "5 of 10: a: too low (4 rows, first 2, 5, 6); twice (1 rows)"


class Killed(BaseException):
    """The process ends here. Nothing catches it, as nothing catches SIGKILL."""


class Countdown:
    """Ends the process at the step of a number."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise Killed


class MortalStore:
    """A store whose process may end before or after each write."""

    def __init__(self, store: OpenedStore, countdown: Countdown) -> None:
        self._store = store
        self._countdown = countdown

    def create(self, name: str, data: bytes) -> None:
        self._countdown.step()
        self._store.create(name, data)
        self._countdown.step()

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


@dataclass(frozen=True)
class MortalConnection(DuckDBConnection):
    """A connection whose process may end between any two statements."""

    countdown: Countdown = field(default_factory=lambda: Countdown(0))

    def run(self, statements: Sequence[str]) -> None:
        """Run the statements, each of which may be the last."""
        self.database.execute("BEGIN")
        for statement in statements:
            try:
                self.countdown.step()
            except Killed:
                self.database.execute("ROLLBACK")  # what the file is without a COMMIT
                raise
            self.database.execute(statement)
        self.database.execute("COMMIT")
        self.countdown.step()


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def test_killed_at_every_step_and_started_again_the_tables_are_the_same(
    tmp_path: Path, lake: Lake, warehouse: Warehouse, database: duckdb.DuckDBPyConnection
) -> None:
    run(tmp_path, lake, warehouse)
    expected, objects = read_all(warehouse), lake.store.names("")
    Warehouse(DuckDBConnection(database)).initialise(ALL_TABLES)
    kills = 0
    while True:
        store = open_store((tmp_path / f"lake-{kills}").as_uri())
        for name in ("defaults", "inquiries", "loads"):
            database.execute(f"DELETE FROM {name}")  # noqa: S608
        countdown = Countdown(kills)
        connection = MortalConnection(database, countdown=countdown)
        mortal: OpenedStore = MortalStore(store, countdown)  # type: ignore[assignment]
        try:
            run(tmp_path, Lake(mortal), Warehouse(connection))
        except Killed:
            kills += 1
            run(tmp_path, Lake(store), Warehouse(DuckDBConnection(database)))
        else:
            break
        assert read_all(Warehouse(DuckDBConnection(database))) == expected, kills
        assert store.names("") == objects
    # 6 objects are created, each with a step on both sides; then 7 statements and a COMMIT.
    assert kills == 12 + 7 + 1


def test_a_table_that_somebody_else_changed_meanwhile_is_replaced_whole(
    tmp_path: Path, lake: Lake, warehouse: Warehouse
) -> None:
    run(tmp_path, lake, warehouse)
    expected = read_all(warehouse)
    warehouse.connection.run(["DELETE FROM loads", "INSERT INTO defaults SELECT * FROM defaults"])
    run(tmp_path, lake, warehouse)
    assert read_all(warehouse) == expected


def test_a_load_is_parquet_with_the_types_of_the_contract(
    tmp_path: Path, lake: Lake, warehouse: Warehouse
) -> None:
    [result] = run(tmp_path, lake, warehouse, [DAY])
    schema = lake.read(result["inquiries"].load).schema
    assert [field.type for field in schema] == [pa.string(), pa.string(), pa.date32()]
