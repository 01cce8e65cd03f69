"""What a streamed run begins with: the sample, its parts, and the rows of the large fit."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from models.catalogue.bureau import Bureau
from models.contract import CreditModel
from models.errors import DataError, LibraryMissingError
from models.estimators.families import Family
from models.registry.bundle import Streaming
from training.parts import DateSpan, Parts, choose_split, parts_from_split, span_dates
from training.reading.data import (
    DataRequest,
    Totals,
    TrainingData,
    refuse_future,
    report_rows,
)
from training.reading.parquet_batches import open_parquet
from training.reading.remarks import list_remarks, remark_on_future
from training.reading.row_validation import CheckedRows
from training.reading.sources import DataLocation
from training.reading.tabular_files import write_table
from training.split import Mask, draw_sample
from training.streaming.engine import Engine
from training.streaming.scan import RowSource, ScannedRows, scan_rows
from training.streaming.selected_rows import SelectedRows, read_sample, select_rows

INSTALL = "pip install --requirement training/dask.txt"
STREAMED_FAMILIES: tuple[Family, ...] = ("xgboost",)


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeFit:
    """The rows that only the final fit sees, where it happens, and the dates of all fitted rows."""

    engine: Engine
    selected: SelectedRows
    dates: DateSpan | None

    def describe(self, sample_rows: int) -> Streaming:
        """Return what a bundle records of the fit."""
        return Streaming(
            engine="dask" if self.engine.name == "dask" else "stream",
            rows=len(self.selected.labels),
            batches=self.selected.batches,
            sample_rows=sample_rows,
        )


def require_streamable(engine: Engine, families: tuple[Family, ...], balance: str | None) -> None:
    """Refuse what only memory can do.

    Raises
    ------
    DataError
        If a family cannot be fitted to batches, or rows are to be balanced.
    LibraryMissingError
        If Dask is asked for and not installed.
    """
    if engine.name == "dask" and importlib.util.find_spec("distributed") is None:
        message = f"--engine dask needs dask and distributed: {INSTALL}"
        raise LibraryMissingError(message)
    others = [family for family in families if family not in STREAMED_FAMILIES]
    if others:
        message = (
            f"--family {others[0]}: --engine {engine.name} fits {', '.join(STREAMED_FAMILIES)} "
            "only; leave --family out, or train with --engine memory"
        )
        raise DataError(message)
    if balance:
        message = (
            f"--balance {balance} needs all rows in memory, which --engine {engine.name} never "
            "has; leave it out, or train with --engine memory"
        )
        raise DataError(message)


def prepare_stream(
    model: type[CreditModel], request: DataRequest, engine: Engine, last_months: int | None
) -> tuple[TrainingData, Parts, LargeFit]:
    """Check every row, split all of them, and read the sample.

    The parts are those of the ordinary run on the same rows. The sample has some rows of each. The
    large fit gets the other rows of the training part. The other rows of the test part are used
    for nothing.

    Raises
    ------
    DataError
        If the data cannot be used, or has no row beside the sample.
    """
    source = _open_source(model, request, engine)
    scanned = scan_rows(
        source, request.max_refused_share, lists_refused=request.refused is not None
    )
    if request.refused and scanned.refused_frame is not None:
        write_table(scanned.refused_frame, request.refused)
    dates = scanned.special.dates
    refuse_future(dates, request.today)
    split = choose_split(scanned.hashes, scanned.special, last_months)
    is_drawn = draw_sample(scanned.hashes, engine.sample_rows)
    large = LargeFit(
        engine=engine,
        selected=_select_large(engine, source, scanned, split.training & ~is_drawn),
        dates=None if dates is None else span_dates(dates[split.training]),
    )
    rows = read_sample(source, scanned, is_drawn)
    parts = parts_from_split(rows, split.select(is_drawn))
    remarks = (
        *list_remarks(rows, where=" of the sample"),
        *remark_on_future(rows, source.declared.csv, request.today),
        _describe(large, scanned, rows),
    )
    location = Path(source.files.location).name
    report_rows(model, location, (len(scanned.labels), scanned.refused), remarks)
    totals = Totals(rows=len(scanned.labels), sha256=scanned.sha256)
    return TrainingData(location, remarks, rows, totals), parts, large


def _open_source(model: type[CreditModel], request: DataRequest, engine: Engine) -> RowSource:
    """Open the Parquet files that the request names; nothing else can be streamed."""
    origin = request.options.origin(model)
    if model is Bureau or not isinstance(origin, DataLocation):
        data = "the tables of bureau" if model is Bureau else "a query or generated rows"
        message = (
            f"--engine {engine.name} reads the Parquet files that --data names, not {data}; write "
            "them as Parquet, or train with --engine memory"
        )
        raise DataError(message)
    files = open_parquet(origin.location, engine.batch_rows)
    source = RowSource(model=model, files=files, reading=request.options.reading(model))
    if source.declared.weight_column is not None:
        message = (
            f"weight_column {source.declared.weight_column}: --engine {engine.name} counts every "
            "row once; to do so, declare --weight-column '', or train with --engine memory"
        )
        raise DataError(message)
    return source


def _select_large(
    engine: Engine, source: RowSource, scanned: ScannedRows, is_large: Mask
) -> SelectedRows:
    if not is_large.any():
        message = (
            f"--engine {engine.name}: the sample of {engine.sample_rows} rows has all "
            f"{len(is_large)} rows; train with --engine memory"
        )
        raise DataError(message)
    return select_rows(source, scanned, is_large)


def _describe(large: LargeFit, scanned: ScannedRows, sample: CheckedRows) -> str:
    return (
        f"the trees were fitted to {len(large.selected.labels)} rows by --engine "
        f"{large.engine.name}; all else here is of a sample of {len(sample.labels)} of "
        f"{len(scanned.labels)} rows, none of which they have seen"
    )
