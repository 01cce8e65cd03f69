"""The columns of a file that a credit model's fields are read from, by the names declared."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from models.contract import Characteristic
from models.errors import DataError

LEAST_LIKENESS = 0.75  # of a column that a message suggests, from 0 to 1
DELIMITERS = (",", ";", "|", "\t")
MOST_NAMES = 12  # columns of the data that a message lists


def refuse_repeated(
    names: Sequence[str], subject: str = "the file has", remedy: str = "rename or remove one"
) -> None:
    """Raise DataError if a column is there twice."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        message = f"{subject} these columns twice: {', '.join(repeated)}; {remedy}"
        raise DataError(message)


def find_close(name: str, names: Sequence[str]) -> str | None:
    """Return the name that is most like another, if one is like it."""
    lowered = {candidate.lower(): candidate for candidate in names}
    close = get_close_matches(name.lower(), lowered, n=1, cutoff=LEAST_LIKENESS)
    return lowered[close[0]] if close else None


def find_columns(c: Characteristic, names: Sequence[str], chosen: Mapping[str, str]) -> list[str]:
    """Return the columns that a field may be read from: one, if all is well."""
    candidates = (chosen[c.name],) if c.name in chosen else (c.name, *c.source.names)
    return [name for name in dict.fromkeys(candidates) if name in names]


def explain_missing(name: str, names: Sequence[str], *, is_optional: bool) -> str:
    """Say which column a field lacks, and what to declare."""
    column = find_close(name, names)
    listed = ", ".join(names[:MOST_NAMES]) + (", ..." if len(names) > MOST_NAMES else "")
    hint = (
        f"if {column} is meant, declare --column {name}={column}"
        if column
        else f"the data has {listed}"
    )
    leave_out = f"; if nobody has it, declare --without {name}" if is_optional else ""
    return f"the data has no column {name}: {hint}{leave_out}"


def explain_delimiter(names: Sequence[str]) -> str:
    """Explain what to declare if several columns were read as one; empty if they were not."""
    delimiter = next((other for other in DELIMITERS if other in names[0]), None)
    if len(names) != 1 or delimiter is None:
        return ""
    return f"the data has one column, {names[0][:60]}; declare --delimiter '{delimiter}'"
