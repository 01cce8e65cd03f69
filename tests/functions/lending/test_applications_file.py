"""Applications from a file: whole or in part, every faulty line named, again without repeating."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.lending import applications_file, cli
from functions.lending.applications_file import FileImport, import_applications
from functions.lending.storage.database import Database
from models.errors import DataError
from tests.support.lending import NOW, BookClient

HEADING = "customer_id,loan_amount,loan_tenure_months,interest_rate,loan_purpose\n"
SOUND = "120000.50,12,9.5,Education\n"
FAULTS = [
    "line 3: interest_rate: must be a per cent from 0 to 60 with at most 6 decimal places",
    "line 4: the line has another number of cells than the heading",
]


@pytest.fixture
def database(book: BookClient) -> Iterator[Database]:
    database = Database(book.url, 1)
    yield database
    database.close()


@pytest.fixture
def file(book: BookClient, tmp_path: Path) -> Path:
    """Two sound lines, two faulty ones, and one for nobody."""
    customer = book.register()
    lines = [f"{customer},{SOUND}", f"{customer},1000,12,-9.5,Education\n", "1,2\n"]
    lines += [f"{customer},{SOUND}", f"77,{SOUND}"]
    path = tmp_path / "applications.csv"
    path.write_text(HEADING + "".join(lines))
    return path


def count(book: BookClient) -> int:
    number: int = book.ok("GET", "/api/loans/applications")["count"]
    return number


def test_a_file_with_a_fault_imports_nothing_and_names_every_line(
    book: BookClient, database: Database, file: Path
) -> None:
    report = import_applications(database, FileImport(file), NOW)
    assert report == {"lines": 5, "imported": 0, "faulty": 2, "faults": FAULTS}
    assert count(book) == 0


def test_in_part_the_sound_lines_are_imported_and_once(
    book: BookClient, database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applications_file, "BATCH", 2)
    for _ in range(2):
        report = import_applications(database, FileImport(file, is_partial=True), NOW)
        assert report["imported"] == 2
        assert report["faults"] == [*FAULTS, "line 6: there is no such customer"]
    assert count(book) == 2


def test_a_line_that_the_book_refuses_takes_the_whole_file_back(
    book: BookClient, database: Database, file: Path
) -> None:
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([lines[0], lines[1], lines[5]]))
    report = import_applications(database, FileImport(file), NOW)
    assert (report["imported"], report["faults"]) == (0, ["line 3: there is no such customer"])
    assert count(book) == 0


def test_the_command_checks_a_file_without_importing_it(
    book: BookClient,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", book.url)
    assert cli.main(["import", "--file", str(file), "--dry-run", "--partial"]) == 0
    assert json.loads(capsys.readouterr().out)["faulty"] == 2
    assert count(book) == 0


def test_what_is_no_file_of_text_is_refused(database: Database, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read as CSV in UTF-8: FileNotFoundError"):
        import_applications(database, FileImport(tmp_path / "none.csv"), NOW)
    (tmp_path / "latin.csv").write_bytes(b"caf\xe9\n")
    with pytest.raises(DataError, match="UnicodeDecodeError"):
        import_applications(database, FileImport(tmp_path / "latin.csv"), NOW)
