"""The declaration of sources."""

from pathlib import Path

import pytest

from models.errors import DeclarationError
from training.pipeline.source_file import DatabaseSource, FilesSource, RestSource, read_source_file
from training.pipeline.tables import TABLES
from training.settings import SHIPPED_SOURCES

QUERY = "SELECT 1 WHERE d = :day"
DATABASE = f"[sources.bank]\nkind = 'database'\ntables.payments.query = '{QUERY}'\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "sources.toml"
    path.write_text(text)
    return path


def test_the_shipped_file_declares_every_table_once_from_three_kinds_of_source() -> None:
    declared = read_source_file(SHIPPED_SOURCES)
    kinds = {name: type(source) for name, source in declared.sources.items()}
    assert kinds == {"core_banking": DatabaseSource, "crm": FilesSource, "macro": RestSource}
    tables = [table for source in declared.sources.values() for table in source.tables]
    assert sorted(tables) == sorted(TABLES)


def test_a_source_is_found_by_name_or_the_others_are_listed(tmp_path: Path) -> None:
    declared = read_source_file(write(tmp_path, DATABASE))
    assert list(declared.find("bank").tables) == ["payments"]
    with pytest.raises(
        DeclarationError, match="--source crm: there is no such source; declared: b"
    ):
        declared.find("crm")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sources.bank", "cannot be read"),
        ("[sources.bank]\nkind = 'ftp'\n", "sources.bank"),
        (DATABASE.replace(":day", "1"), "the query must have the parameter :day"),
        (DATABASE.replace("payments", "visits"), "no contract is declared for the table visits"),
        (DATABASE + DATABASE.replace("bank", "crm"), "payments comes from bank and from crm"),
        (
            "[sources.crm]\nkind='files'\ntables.customers.file='customers.csv'",
            "must have {day} and no other braces",
        ),
        (
            "[sources.web]\nkind='rest'\ntables.payments={path='/{day}',rows='d',next='n',page='p'}",
            "declare next or page, not both",
        ),
        ("[sources.web]\nkind='rest'\nattempts=0\n[sources.web.tables]", "attempts"),
    ],
)
def test_what_is_declared_wrongly_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DeclarationError, match="PIPELINE_SOURCES") as caught:
        read_source_file(write(tmp_path, text))
    assert message in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=r"PIPELINE_SOURCES: .*nowhere.toml cannot be read"):
        read_source_file(tmp_path / "nowhere.toml")
