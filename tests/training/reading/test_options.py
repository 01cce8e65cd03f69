import argparse
import shlex

import pytest

from models.data_file import CsvDialect, DataFile
from models.errors import DataError, DeclarationError
from tests.support.toy import Toy
from training.reading.arguments import add_data_options
from training.reading.database import Query
from training.reading.options import DataOptions
from training.reading.sources import DataLocation


def parse(line: str, url: str = "") -> DataOptions:
    parser = argparse.ArgumentParser()
    add_data_options(parser)
    return DataOptions.from_arguments(parser.parse_args(shlex.split(line)), url)


class Declared(Toy):
    """The toy model, which declares how its data is written."""

    data_file = DataFile(csv=CsvDialect(delimiter=";", missing=("", "NA")), id_column="loan")


LINE = (
    "--data rows.csv --decimal , --thousands . --encoding utf-16 --skip-lines 2 --extra-cell last "
    "--group-column customer --date-column granted --symbol € --missing ? --missing n/a "
    "--column 'debt=Amount Requested' --outcome CHGOFF=1 --outcome 'P I F=0' --outcome =excluded "
    "--without months_since_default --known-afterwards recovered"
)


def test_what_is_declared_already_is_not_declared_twice() -> None:
    declared = parse("--missing NA --missing ? --missing ?").declare(Declared.data_file)
    assert declared.csv.missing == ("", "NA", "?")


def test_options_replace_what_the_model_declares() -> None:
    assert parse(LINE).declare(Declared.data_file) == DataFile(
        csv=CsvDialect(
            delimiter=";",
            decimal=",",
            thousands=".",
            encoding="utf-16",
            skip_lines=2,
            extra_cell="last",
            symbols=("€",),
            missing=("", "NA", "?", "n/a"),
        ),
        outcome={"CHGOFF": 1, "P I F": 0, "": None},
        id_column="loan",
        group_column="customer",
        date_column="granted",
        known_afterwards=("recovered",),
    )
    reading = parse(LINE).reading(Declared)
    assert dict(reading.chosen) == {"debt": "Amount Requested"}
    assert reading.without == ("months_since_default",)


def test_without_options_the_declaration_holds_and_data_is_bundled() -> None:
    assert parse("").declare(Declared.data_file) == Declared.data_file
    assert parse("").origin(Declared) is None
    assert parse("").to_words() == []


def test_the_words_repeat_the_options() -> None:
    assert parse(shlex.join(parse(LINE).to_words())) == parse(LINE)


def test_data_is_a_file_or_a_query() -> None:
    origin = parse("--data rows.csv --delimiter '\\t'").origin(Toy)
    assert origin == DataLocation("rows.csv", CsvDialect(delimiter="\t"))
    assert parse("--query 'select 1'", "sqlite://").origin(Toy) == Query("select 1", "sqlite://")
    with pytest.raises(DataError, match="--query needs DATA_URL"):
        parse("--query 'select 1'").origin(Toy)
    with pytest.raises(DataError, match="--data and --query exclude each other"):
        parse("--data rows.csv --query 'select 1'", "sqlite://").origin(Toy)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--column debt", "--column debt: it must be written as FIELD=COLUMN"),
        ("--outcome yes=2", "--outcome yes=2: must be 1, 0, excluded"),
        ("--outcome yes=1", "outcome needs at least one word"),
        ("--delimiter ;;", "delimiter must be one character"),
        ("--extra-cell both", "extra_cell must be none, first or last"),
    ],
)
def test_options_that_mean_nothing_are_refused_by_name(line: str, message: str) -> None:
    options = parse(line)
    with pytest.raises((DataError, DeclarationError), match=message):
        options.reading(Toy)
