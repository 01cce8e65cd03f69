"""Sources of training rows: bundled data, synthetic generators, and files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd

from models.catalogue.application import Application
from models.catalogue.bureau import Bureau
from models.catalogue.customer import Customer
from models.catalogue.instalment import Instalment
from models.contract import CreditModel, name_from_model
from models.data_file import CsvDialect
from models.errors import DataError
from training.reading.bureau_tables import NAMES, join, read_tables
from training.reading.database import Query, read_query
from training.reading.faults import FIRST_ROWS, DataFault, Refused
from training.reading.tabular_files import SUFFIXES, is_file, read_table, write_table
from training.synthetic import application, book, bureau, customer, instalment

BUNDLED = Path(__file__).parent.parent / "data"


@dataclass(frozen=True, slots=True)
class Source:
    """Rows that are not validated yet, and the name of their source.

    `refused` counts rows that the source refused. `remarks` count rows that it corrected or left
    out.
    """

    name: str
    frame: pd.DataFrame
    refused: Refused = field(default_factory=Refused)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DataLocation:
    """A file, or a folder or prefix of Parquet files, and how its cells are written."""

    location: str
    dialect: CsvDialect = CsvDialect()


Origin = DataLocation | Query | None


@dataclass(frozen=True, slots=True)
class Generator:
    """A generator of synthetic tables: `make(rows, seed)`, with its default number of rows."""

    rows: int
    make: Callable[[int, int], Mapping[str, pd.DataFrame]]


# Tables by name. If a model has one table, the table has the name of the model.
GENERATORS: Mapping[type[CreditModel], Generator] = {
    Application: Generator(
        application.ROWS, lambda rows, seed: {"application": application.generate(rows, seed)}
    ),
    Customer: Generator(
        customer.ROWS, lambda rows, seed: {"customer": customer.generate(rows, seed)}
    ),
    Instalment: Generator(
        instalment.ROWS, lambda rows, seed: {"instalment": instalment.generate(rows, seed)}
    ),
    Bureau: Generator(bureau.ROWS, lambda rows, seed: bureau.generate(rows, seed).by_name()),
}


def read_source(model: type[CreditModel], origin: Origin, seed: int) -> Source:
    """Read training rows. Without an origin they are bundled data, or else generated.

    The location of the three tables of `bureau` is their folder, or their common prefix in a store.

    Raises
    ------
    DataError
        If the source does not exist, or cannot be read in the declared dialect.
    """
    if isinstance(origin, Query):
        return Source("a query", read_query(origin))
    if origin is not None:
        return _read_location(model, origin)
    name = name_from_model(model)
    bundled = BUNDLED / f"{name}.parquet"
    if bundled.exists():
        return Source(bundled.name, read_table(str(bundled)).frame)
    generator = _find_generator(model)
    tables = generator.make(generator.rows, seed)
    return _source_from_tables(f"generated, {generator.rows} rows, seed {seed}", tables)


def write_book(output: Path, seed: int, customers: int | None, as_of: date) -> dict[str, int]:
    """Write a synthetic loan book to a folder of CSV files; return the rows of each.

    Raises
    ------
    DataError
        If the files cannot be written.
    """
    counts: dict[str, int] = {}
    for tables in book.generate_parts(customers or book.CUSTOMERS, seed, as_of):
        for name, table in tables.items():
            write_table(table, output / f"{name}.csv", is_appended=name in counts)
            counts[name] = counts.get(name, 0) + len(table)
    return counts


def write_generated(
    model: type[CreditModel], output: Path, seed: int, rows: int | None = None
) -> int:
    """Write synthetic rows to one file or to a folder of CSV files, and return their number.

    Raises
    ------
    DataError
        If the model has no generator, or the files cannot be written.
    """
    generator = _find_generator(model)
    tables = generator.make(rows or generator.rows, seed)
    if len(tables) == 1:
        write_table(tables[name_from_model(model)], output)
    elif output.suffix in SUFFIXES:
        message = f"--output {output}: must be a folder, for the tables {', '.join(tables)}"
        raise DataError(message)
    else:
        for name, table in tables.items():
            write_table(table, output / f"{name}.csv")
    return rows or generator.rows


def _read_location(model: type[CreditModel], file: DataLocation) -> Source:
    name = Path(file.location).name
    if model is Bureau and not is_file(file.location):
        return _source_from_tables(name, read_tables(file.location))
    table = read_table(file.location, file.dialect)
    faults: dict[str, list[int]] = {}
    for row, cells in table.misshapen.items():
        rule = f"the row: {cells} cells, where the header has {table.cells}"
        faults.setdefault(rule, []).append(row)
    refused = Refused(
        len(table.misshapen),
        tuple(
            DataFault(rule, len(rows), tuple(rows[:FIRST_ROWS])) for rule, rows in faults.items()
        ),
        {row: rule for rule, rows in faults.items() for row in rows},
    )
    return Source(name, table.frame, refused)


def _source_from_tables(name: str, tables: Mapping[str, pd.DataFrame]) -> Source:
    if set(tables) != set(NAMES):
        [frame] = tables.values()
        return Source(name, frame)
    joined = join(tables)
    return Source(name, joined.frame, joined.refused, joined.remarks)


def _find_generator(model: type[CreditModel]) -> Generator:
    if model not in GENERATORS:
        name = name_from_model(model)
        message = f"{name} has no bundled data and no generator: set --data to a file"
        raise DataError(message)
    return GENERATORS[model]
