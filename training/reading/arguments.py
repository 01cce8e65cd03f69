"""Arguments of the command line that say where data is and how it is written.

This module imports no library of training, so that every command can show its help at once.
"""

import argparse

DIALECT_HELP = {
    "delimiter": "character between the cells of a CSV (default ,)",
    "quote": "character around cells that contain the delimiter",
    "decimal": "decimal character (default .)",
    "thousands": "character between groups of three digits (default none)",
    "encoding": "encoding of a CSV, such as utf-16 or cp1252 (default utf-8)",
    "date": "format of dates as in datetime.strptime (default %%Y-%%m-%%d)",
    "skip-lines": "number of lines above the header of a CSV",
    "columns": "names of the columns, with commas, if a CSV has no header",
    "extra-cell": "rows have one cell more than the header: first (an index) or last (a delimiter)",
}
DIALECT_LISTS = {
    "symbol": ("symbols", "character to leave out of numbers, such as $ or %%; can be repeated"),
    "missing": ("missing", "word for an absent value, such as NA; can be repeated"),
}
SPECIAL_HELP = {
    "outcome-column": "column with the outcome (default: the label of the model)",
    "id-column": "column that identifies a row",
    "group-column": "column that is equal for rows that must not be split, such as a customer",
    "date-column": "column with the date of the application; tests the model out of time",
    "weight-column": "column with the number of applications that a row stands for",
}
MAX_REFUSED_SHARE = 0.01  # of the rows of a source
AFTERWARDS = "known-afterwards"
PAIRS = {"column": "FIELD=COLUMN", "outcome": "WORD=1, WORD=0 or WORD=excluded"}
OPTIONS = (
    "data",
    "query",
    *DIALECT_HELP,
    *SPECIAL_HELP,
    *DIALECT_LISTS,
    *PAIRS,
    AFTERWARDS,
    "without",
)


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
    parser.add_argument(
        "--data",
        help="path or store URI of a CSV or Parquet file, or of a folder of Parquet files; for "
        "bureau also a folder of tables; for train also warehouse:DAY, the pipeline's feature rows",
    )
    parser.add_argument("--query", help="SQL query; DATA_URL is the SQLAlchemy URL of its database")
    group = parser.add_argument_group("how the data is written (default: as the model declares)")
    for name, text in (DIALECT_HELP | SPECIAL_HELP).items():
        kind = int if name == "skip-lines" else str
        group.add_argument(f"--{name}", type=kind, metavar=name.upper(), help=text)
    for name, (_, text) in DIALECT_LISTS.items():
        group.add_argument(f"--{name}", action="append", metavar=name.upper(), help=text)
    for name, form in PAIRS.items():
        group.add_argument(f"--{name}", action="append", metavar=form, help="can be repeated")
    group.add_argument(
        f"--{AFTERWARDS}",
        action="append",
        metavar="COLUMN",
        help="column that is known only after the outcome; no field may read it",
    )
    group.add_argument(
        "--without", action="append", metavar="FIELD", help="optional field that the data lacks"
    )
