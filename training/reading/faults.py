"""Faults of training rows: one of a row, and all of a kind with their count and first rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from shlex import quote
from typing import NamedTuple, NoReturn

from models.errors import DataError

FIRST_ROWS = 3  # row numbers that a fault lists
NUMBERS_RULE = "Outcome should be 0 or 1"
OUTCOME_RULES = (NUMBERS_RULE, "Outcome should be one of the declared words")
REMEDIES = {
    "a per cent": "declare --symbol %",
    "an amount with a currency sign": "declare --symbol with the sign",
    "a number with separators": "declare --thousands or --decimal",
    "bytes": "write the column as text",
    "a list": "write a column for each item",
    "a record": "write a column for each member",
    "a duration": "write the column as a number, such as days",
}


class RowFault(NamedTuple):
    """A rule that one row breaks. `kind` is what the cell has instead, or empty."""

    row_index: int
    field: str
    rule: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class DataFault:
    """A rule that rows break, with the number of rows, the first ones and what to do.

    A row of one of several files is a text with the name of its file.
    """

    rule: str
    rows: int
    first_rows: tuple[int | str, ...] = ()
    remedy: str = ""

    def describe(self) -> str:
        """Return the fault as part of a message."""
        first = f", first {', '.join(map(str, self.first_rows))}" if self.first_rows else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        rows = f"{self.rows} row{'s' if self.rows != 1 else ''}"
        return f"{self.rule} ({rows}{first}{remedy})"


@dataclass(frozen=True, slots=True)
class Refused:
    """Rows that a source refused before validation, and their faults.

    `by_number` has the fault of each row that has a number in the source.
    """

    rows: int = 0
    faults: tuple[DataFault, ...] = ()
    by_number: Mapping[int, str] = field(default_factory=dict)


def summarise(faults: Iterable[RowFault], row_numbers: Sequence[int]) -> tuple[DataFault, ...]:
    """Count the rows with each fault, most frequent first."""
    rows: dict[tuple[str, str, str], dict[int, None]] = {}
    for fault in faults:
        rows.setdefault(fault[1:], {})[fault.row_index] = None
    summarised = [
        DataFault(
            rule=describe_rule(name, rule, kind),
            rows=len(indices),
            first_rows=tuple(int(row_numbers[i]) for i in islice(sorted(indices), FIRST_ROWS)),
            remedy=_find_remedy(rule, kind),
        )
        for (name, rule, kind), indices in rows.items()
    ]
    return tuple(sorted(summarised, key=lambda fault: -fault.rows))


def merge(batches: Iterable[Sequence[DataFault]]) -> tuple[DataFault, ...]:
    """Add up the faults of batches of rows, in their order, most frequent first."""
    merged: dict[str, DataFault] = {}
    for fault in chain.from_iterable(batches):
        before = merged.get(fault.rule, replace(fault, rows=0, first_rows=()))
        first_rows = (*before.first_rows, *fault.first_rows)[:FIRST_ROWS]
        merged[fault.rule] = replace(before, rows=before.rows + fault.rows, first_rows=first_rows)
    return tuple(sorted(merged.values(), key=lambda fault: -fault.rows))


def refuse_rows(counted: str, faults: Iterable[DataFault], max_refused_share: float) -> NoReturn:
    """Refuse the data of which the contract refuses too much, or everything.

    Raises
    ------
    DataError
        Always. Its message has the count, such as "3 of 10", and every fault.
    """
    described = "; ".join(fault.describe() for fault in faults)
    message = (
        f"the contract refuses {counted} rows, and --max-refused-share allows "
        f"{max_refused_share:.1%}: {described or 'there are no rows'}"
    )
    raise DataError(message)


def describe_rule(name: str, rule: str, kind: str) -> str:
    """Return the rule that a cell breaks, and what kind of cell it is."""
    return f"{name}: {rule}" + (f"; the cell has {kind}" if kind else "")


def _find_remedy(rule: str, kind: str) -> str:
    word = kind.split('"')[1] if kind.startswith("the word ") else None
    if rule in OUTCOME_RULES and (word or kind == "no value"):
        numbers = " --outcome 1=1 --outcome 0=0" if rule == NUMBERS_RULE else ""
        written = quote(word) if word else ""
        return f"to leave them out, declare --outcome {written}=excluded{numbers}"
    if word:
        return f"declare --missing {quote(word)}"
    return REMEDIES.get(kind, "")
