"""Where training rows come from: bundled data, a generator, or files anywhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from models.catalogue.application import Application
from models.catalogue.bureau import Bureau
from models.catalogue.customer import Customer
from models.contract import CreditModel, characteristics, name_from_model
from models.errors import DataError
from training.bureau_tables import NAMES, join, read_tables
from training.row_validation import Refused
from training.synthetic import application, bureau, customer
from training.tabular_files import SUFFIXES, read_table, write_table

BUNDLED = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Source:
    """Rows as they came, what to call where they came from, and what was said of them there.

    `refused` are rows that did not come; `remarks` count what was put right or left out.
    """

    name: str
    frame: pd.DataFrame
    refused: Refused = field(default_factory=Refused)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Generator:
    """How many rows it makes if not told, and how: `make(rows, seed)`."""

    rows: int
    make: Callable[[int, int], Mapping[str, pd.DataFrame]]


# By table; a model of one table has it under its own name.
GENERATORS: Mapping[type[CreditModel], Generator] = {
    Application: Generator(
        application.ROWS, lambda rows, seed: {"application": application.generate(rows, seed)}
    ),
    Customer: Generator(
        customer.ROWS, lambda rows, seed: {"customer": customer.generate(rows, seed)}
    ),
    Bureau: Generator(bureau.ROWS, lambda rows, seed: bureau.generate(rows, seed).named()),
}


def read_source(model: type[CreditModel], location: str | None, seed: int) -> Source:
    """Read training rows.

    Without a location: the bundled data set of the model, or its generator. The location of the
    bureau's three tables is the folder that holds them, or their common prefix in a store.

    Raises
    ------
    DataError
        If there is no such source, or it cannot be read as CSV or Parquet.
    """
    if location is not None:
        return _read(model, location)
    name = name_from_model(model)
    bundled = BUNDLED / f"{name}.parquet"
    if bundled.exists():
        return Source(bundled.name, pd.read_parquet(bundled))
    generator = _generator(model)
    tables = generator.make(generator.rows, seed)
    return _source(f"generated, {generator.rows} rows, seed {seed}", tables)


def write_generated(
    model: type[CreditModel], output: Path, seed: int, rows: int | None = None
) -> int:
    """Write what the model's generator makes: one file, or a folder of CSV files; say how much.

    Raises
    ------
    DataError
        If it has no generator, or the files cannot be written.
    """
    generator = _generator(model)
    tables = generator.make(rows or generator.rows, seed)
    if len(tables) == 1:
        write_table(tables[name_from_model(model)], output)
    elif output.suffix in SUFFIXES:
        message = f"--output {output}: {', '.join(tables)} are files of a folder; name that"
        raise DataError(message)
    else:
        for name, table in tables.items():
            write_table(table, output / f"{name}.csv")
    return rows or generator.rows


def _read(model: type[CreditModel], location: str) -> Source:
    name = Path(location).name
    if model is Bureau and Path(location).suffix.lower() not in SUFFIXES:
        return _source(name, read_tables(location))
    numbers = [c.name for c in characteristics(model) if not c.levels or c.is_coded]
    return Source(name, read_table(location, frozenset({*numbers, model.label})))


def _source(name: str, tables: Mapping[str, pd.DataFrame]) -> Source:
    if set(tables) != set(NAMES):
        [frame] = tables.values()
        return Source(name, frame)
    joined = join(tables)
    return Source(name, joined.frame, joined.refused, joined.remarks)


def _generator(model: type[CreditModel]) -> Generator:
    if model not in GENERATORS:
        message = f"{name_from_model(model)} has no bundled data and no generator: name a file with --data"
        raise DataError(message)
    return GENERATORS[model]
