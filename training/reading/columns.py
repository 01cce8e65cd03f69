"""The columns of a table that a credit model reads, looked up by the names that are declared."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from models.contract import CreditModel
from models.data_file import DataFile
from models.errors import DataError
from models.reading.columns import (
    explain_delimiter,
    explain_missing,
    find_close,
    find_columns,
)
from training.reading.applications import list_fields


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Which column has what. Optional fields without a column are in `absent`.

    `outcome` is the column of the label. `special` maps the settings `id_column`, `group_column`,
    `date_column` and `weight_column` to columns that a model declares and the data has.
    `remarks` name columns known only afterwards that the data lacks, which harms nothing.
    """

    fields: Mapping[str, str]
    absent: tuple[str, ...]
    outcome: str
    special: Mapping[str, str]
    remarks: tuple[str, ...] = ()

    def used(self) -> frozenset[str]:
        """Return every column that is read."""
        return frozenset((*self.fields.values(), self.outcome, *self.special.values()))


def map_columns(
    model: type[CreditModel],
    names: Sequence[str],
    declared: DataFile,
    chosen: Mapping[str, str],
    without: Collection[str],
) -> ColumnMap:
    """Look up the column of every field, of the label and of the special columns.

    `chosen` maps fields to columns before any other rule. `without` has the optional
    fields that the data does not have.

    Raises
    ------
    DataError
        If a column is missing, ambiguous or used for two things. All faults are named at once.
    """
    faults = _check_arguments(model, names, chosen, without)
    fields: dict[str, str] = {}
    for c in list_fields(model):
        if c.name in without or chosen.get(c.name, names[0]) not in names:
            continue
        columns = find_columns(c, names, chosen)
        if len(columns) == 1:
            fields[c.name] = columns[0]
        elif columns:
            listed = " and ".join(columns)
            faults.append(
                f"{c.name}: the data has the columns {listed}; name the one that is meant with "
                f"--column {c.name}={columns[0]}"
            )
        else:
            unused = [name for name in names if name not in {*model.model_fields, model.label}]
            faults.append(explain_missing(c.name, unused, is_optional=c.optional))
    outcome = declared.outcome_column or model.label
    if outcome not in names:
        explained = explain_missing(outcome, names, is_optional=False)
        faults.append(explained.replace(f"--column {outcome}=", "--outcome-column "))
    special = {s: column for s in SPECIAL if (column := getattr(declared, s)) is not None}
    faults += check_special(names, declared)
    faults += _find_shared({**fields, model.label: outcome})
    faults += _find_forbidden(fields, outcome, declared)
    if faults:
        raise DataError(explain_delimiter(names) or "; ".join(faults))
    absent = tuple(c.name for c in list_fields(model) if c.name not in fields)
    return ColumnMap(fields, absent, outcome, special, _list_lacking(names, declared))


SPECIAL = ("id_column", "group_column", "date_column", "weight_column")


def check_special(names: Sequence[str], declared: DataFile) -> list[str]:
    """Return a message for each special column that is declared and not there.

    A column that is known only afterwards may be lacking, as in new data, unless it looks misspelt.
    """
    declared_names = {*declared.known_afterwards, *(getattr(declared, s) for s in SPECIAL)}
    others = [name for name in names if name not in declared_names]
    misspelt = [
        f"known_afterwards: the data has no column {column}{suggestion}"
        for column in declared.known_afterwards
        if column not in names and (suggestion := _suggest(column, others))
    ]
    return misspelt + [
        f"{setting}: the data has no column {column}"
        + (_suggest(column, names) or f"; if it needs none, declare {_switch_off(setting)}")
        for setting in SPECIAL
        if (column := getattr(declared, setting)) is not None and column not in names
    ]


def _list_lacking(names: Sequence[str], declared: DataFile) -> tuple[str, ...]:
    return tuple(
        f"known_afterwards: the data has no column {column}"
        for column in declared.known_afterwards
        if column not in names
    )


def _switch_off(setting: str) -> str:
    return f"--{setting.replace('_', '-')} ''"


def _suggest(name: str, names: Sequence[str]) -> str:
    close = find_close(name, names)
    return f"; is {close} meant?" if close else ""


def _find_forbidden(fields: Mapping[str, str], outcome: str, declared: DataFile) -> list[str]:
    """Find fields that read a weight, or what is known only after the outcome."""
    faults = [
        f"{name} reads the column {column}, which is declared as weight_column; a weight is no "
        "property of an applicant"
        for name, column in {**fields, "the outcome": outcome}.items()
        if column == declared.weight_column
    ]
    return faults + [
        f"{name} reads the column {column}, which is declared as known only after the outcome"
        for name, column in fields.items()
        if column in declared.known_afterwards
    ]


def _check_arguments(
    model: type[CreditModel],
    names: Sequence[str],
    chosen: Mapping[str, str],
    without: Collection[str],
) -> list[str]:
    fields = {c.name: c for c in list_fields(model)}
    faults = [
        f"--column {name}: the model has no such field; the outcome has --outcome-column"
        for name in chosen
        if name not in fields
    ]
    faults += [
        f"--column {name}={column}: the data has no column {column}"
        for name, column in chosen.items()
        if name in fields and column not in names
    ]
    for name in without:
        if name not in fields:
            faults.append(f"--without {name}: the model has no such field")
        elif not fields[name].optional:
            faults.append(f"--without {name}: the field is required, so every row needs it")
    return faults


def _find_shared(fields: Mapping[str, str]) -> list[str]:
    """Find columns that two fields, or a field and the label, would read."""
    users: dict[str, list[str]] = {}
    for name, column in fields.items():
        users.setdefault(column, []).append(name)
    return [
        f"the column {column} is declared for {' and '.join(names)}"
        for column, names in users.items()
        if len(names) > 1
    ]
