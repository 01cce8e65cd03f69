"""Options of the command line that say where data is and how it is written.

Each option replaces what the model declares as its `data_file`.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from models.contract import CreditModel
from models.data_file import CsvDialect, DataFile, OutcomeValue
from models.errors import DataError
from training.reading.arguments import (
    AFTERWARDS,
    DIALECT_HELP,
    DIALECT_LISTS,
    OPTIONS,
    PAIRS,
    SPECIAL_HELP,
)
from training.reading.database import Query
from training.reading.row_validation import Reading
from training.reading.sources import DataLocation, Origin

OUTCOMES: dict[str, OutcomeValue] = {"1": 1, "0": 0, "excluded": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOptions:
    """The options as they were given, by name; `url` is that of the database of a query."""

    values: Mapping[str, Any] = field(default_factory=dict)
    url: str = field(default="", repr=False)

    @classmethod
    def from_arguments(cls, arguments: argparse.Namespace, url: str) -> Self:
        """Collect the options that were given on a command line."""
        values = {name: getattr(arguments, name.replace("-", "_")) for name in OPTIONS}
        return cls(values={n: v for n, v in values.items() if v is not None}, url=url)

    def has(self, name: str) -> bool:
        """Return whether an option was given."""
        return self.values.get(name) is not None

    def declare(self, declared: DataFile) -> DataFile:
        """Return a declaration with the options in its place."""
        csv: dict[str, Any] = {
            name.replace("-", "_"): _convert_dialect(name, self.values[name])
            for name in DIALECT_HELP
            if self.values.get(name) is not None
        }
        for option, (name, _) in DIALECT_LISTS.items():
            if self.values.get(option):
                # What was suggested may be declared as well.
                csv[name] = tuple(
                    dict.fromkeys((*getattr(declared.csv, name), *self.values[option]))
                )
        special: dict[str, Any] = {
            # An empty name switches off what the model declares.
            name.replace("-", "_"): self.values[name] or None
            for name in SPECIAL_HELP
            if self.values.get(name) is not None
        }
        if afterwards := self.values.get(AFTERWARDS):
            before = () if "" in afterwards else declared.known_afterwards
            special["known_afterwards"] = (*before, *filter(None, afterwards))
        if outcome := dict(_split_pairs("outcome", self.values)):
            special["outcome"] = {
                word: _parse_outcome(word, value) for word, value in outcome.items()
            }
        dialect: CsvDialect = replace(declared.csv, **csv)
        return replace(declared, csv=dialect, **special)

    def reading(self, model: type[CreditModel]) -> Reading:
        """Return how columns become rows of the model."""
        return Reading(
            declared=self.declare(model.data_file),
            chosen=dict(_split_pairs("column", self.values)),
            without=tuple(self.values.get("without") or ()),
        )

    def origin(self, model: type[CreditModel]) -> Origin:
        """Return the file or query, or None for bundled or generated data.

        Raises
        ------
        DataError
            If both are named, or a query without DATA_URL.
        """
        location, query = self.values.get("data"), self.values.get("query")
        if location and query:
            message = "--data and --query exclude each other; name one of them"
            raise DataError(message)
        if query and not self.url:
            message = "--query needs DATA_URL, the SQLAlchemy URL of the database"
            raise DataError(message)
        if query:
            return Query(query, self.url)
        return DataLocation(location, self.declare(model.data_file).csv) if location else None

    def to_words(self) -> list[str]:
        """Return the words of a command line that repeats the options."""
        words: list[str] = []
        for name, value in self.values.items():
            for item in value if isinstance(value, list) else [value]:
                words += [f"--{name}", str(item)] if item is not None else []
        return words


def _convert_dialect(name: str, value: object) -> object:
    if name == "columns":
        return tuple(str(value).split(","))
    return {"\\t": "\t"}.get(str(value), value) if name == "delimiter" else value


def _split_pairs(option: str, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = []
    for text in values.get(option) or ():
        name, equals, value = text.rpartition("=") if option == "outcome" else text.partition("=")
        if not equals:
            message = f"--{option} {text}: it must be written as {PAIRS[option]}"
            raise DataError(message)
        pairs.append((name, value))
    return pairs


def _parse_outcome(word: str, value: str) -> OutcomeValue:
    if value not in OUTCOMES:
        message = f"--outcome {word}={value}: must be {', '.join(OUTCOMES)}"
        raise DataError(message)
    return OUTCOMES[value]
