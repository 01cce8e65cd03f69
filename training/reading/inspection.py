"""What a file of rows looks like: its dialect, and a profile of every column.

Everything here is a suggestion. A model file, or an option, declares what training may rely on.
"""

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.annotations import Column, days_from_date
from models.data_file import CsvDialect
from models.metrics import auc
from models.reading.cells import FOUR_DIGITS, MISSING_WORDS, OTHER_TYPES
from training.reading.cells import (
    convert_dates,
    convert_numbers,
    describe_cell,
    describe_mixed,
    is_absent,
)
from training.reading.column_names import (
    DATE_WORDS,
    GROUP_WORDS,
    ID_WORDS,
    PROTECTED_WORDS,
    WEIGHT_WORDS,
    has_word,
)

MOST_LEVELS = 30  # distinct words of a column that is read as levels
MOST_MISSING = 3  # words that a remark lists
SAMPLE_ROWS = 20_000  # from which dialect and kinds are suggested
DISGUISE = 0.95  # AUC of one column, from which it may be known only after the outcome
AFTERWARDS = "tells the outcome almost alone: known only afterwards?"  # a remark
AMBIGUOUS = "day or month first? both read every date; declare --date"  # a remark
LEADING_ZEROS = "digits with leading zeros: a code and no number?"  # a remark
OTHER_DATES = "dates of another form than --date? one form holds for a file"  # a remark
OUTCOME = "the outcome"  # a remark on the column itself
LEAST_READABLE = 0.95  # share of present cells that a kind must read
SYMBOLS = ("$", "€", "£", "%")
DATE_ROWS = 2_000  # from which the form of dates is suggested
DATE_SAMPLE = 200  # cells of a text that are compared with every form of dates
COMPACT = CsvDialect(date="%Y%m%d")  # such dates are whole numbers too: never assumed
DATE_FORMATS = (
    *("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%m-%d-%Y", "%d-%m-%Y"),
    *("%d-%b-%y", "%d-%b-%Y", "%b %d, %Y", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y"),
    *("%b-%y", "%b-%Y", "%Y-%m", "%m/%Y"),
    *("%d.%m.%Y %H:%M", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p"),
)
BLANKS = (" ", "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}")
# Thousands and decimal; the first that reads most cells is suggested, so "1,234" is no decimal.
NUMBER_STYLES = (
    *(("", "."), (",", "."), ("", ","), (".", ",")),
    *(("'", "."), ("\N{RIGHT SINGLE QUOTATION MARK}", ".")),  # Swiss
    *((blank, decimal) for blank in BLANKS for decimal in (",", ".")),
)

Kind = Literal["number", "integer", "date", "levels", "text", "empty", "other"]


class OutcomeColumn(NamedTuple):
    """The column that has the outcome: 0 or 1 for each row, or NaN if it is left out."""

    name: str
    labels: Column


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """What one column has. `levels` are the distinct words.

    `low` and `high` are of numbers, or of dates as days since 1970-01-01. `auc` is that of the
    column alone against the outcome, above .5 if risk rises with it; None if no outcome is named or
    rows share no values. `remarks` say what looks suspicious.
    """

    name: str
    kind: Kind
    missing: int
    distinct: int
    low: float | None = None
    high: float | None = None
    levels: tuple[str, ...] = ()
    auc: float | None = None
    remarks: tuple[str, ...] = ()


def suggest_cells(frame: pd.DataFrame, dialect: CsvDialect) -> CsvDialect:
    """Suggest how numbers, dates and absent values are written, by which reads most cells."""
    sample = frame.head(SAMPLE_ROWS)
    texts = [sample[name] for name in sample if pd.api.types.is_string_dtype(sample[name])]
    words = {str(v).strip() for column in texts for v in column.unique() if not is_absent(v)}
    missing = tuple(sorted({"", *(word for word in words if word.lower() in MISSING_WORDS)}))
    symbols = tuple(
        symbol
        for symbol in SYMBOLS
        if any(symbol in word and any(c.isdigit() for c in word) for word in words)
    )
    plain = replace(dialect, missing=missing, symbols=symbols)
    styles = [
        replace(plain, thousands=thousands, decimal=decimal) for thousands, decimal in NUMBER_STYLES
    ]
    best = max(styles, key=lambda style: sum(_count_numbers(column, style) for column in texts))
    texts = [
        column.head(DATE_ROWS) for column in texts if _count_numbers(column, best) < len(column) / 2
    ]
    dates = [replace(best, date=form) for form in dict.fromkeys((dialect.date, *DATE_FORMATS))]
    return max(dates, key=lambda style: sum(_count_dates(column, style) for column in texts))


def profile_columns(
    frame: pd.DataFrame,
    dialect: CsvDialect,
    outcome: OutcomeColumn | None,
    advance: Callable[[], None],
) -> list[ColumnProfile]:
    """Profile every column, and compare it with the outcome. Calls `advance` after each."""
    profiles = []
    for name in frame.columns:
        if outcome is not None and name == outcome.name:
            profile = _profile(str(name), frame[name], dialect, None)
            profiles.append(replace(profile, remarks=(OUTCOME,)))
        else:
            labels = outcome.labels if outcome else None
            profiles.append(_profile(str(name), frame[name], dialect, labels))
        advance()
    return profiles


def suggest_special(profiles: Sequence[ColumnProfile], rows: int) -> dict[str, str]:
    """Suggest columns for the settings that identify, group and date rows, by name and values."""
    settings = {
        "id_column": [p for p in profiles if p.distinct == rows and has_word(p.name, ID_WORDS)]
        or [p for p in profiles if p.distinct == rows and p.kind == "text"],
        "group_column": [
            p for p in profiles if MOST_LEVELS < p.distinct < rows and has_word(p.name, GROUP_WORDS)
        ],
        "date_column": sorted(
            (p for p in profiles if p.kind == "date" and not p.missing),
            key=lambda p: not has_word(p.name, DATE_WORDS),
        ),
        "weight_column": [p for p in profiles if _is_weight(p)],
    }
    fitting = {
        setting: [
            p
            for p in columns
            if p.kind in ("integer", "text", "date") or setting == "weight_column"
            if not has_word(p.name, PROTECTED_WORDS) and OUTCOME not in p.remarks
        ]
        for setting, columns in settings.items()
    }
    return {setting: columns[0].name for setting, columns in fitting.items() if columns}


def remark_on_future(profile: ColumnProfile, dialect: CsvDialect, today: date) -> ColumnProfile:
    """Return a profile with a remark if its dates are later than tomorrow."""
    if profile.kind != "date" or (profile.high or 0.0) <= days_from_date(today) + 1:
        return profile
    remark = "dates in the future" + (f": {FOUR_DIGITS}" if "%y" in dialect.date else "")
    return replace(profile, remarks=(*profile.remarks, remark))


def _is_weight(profile: ColumnProfile) -> bool:
    is_number = profile.kind in ("number", "integer") and not profile.missing
    is_positive = profile.low is not None and profile.low > 0
    return is_number and is_positive and has_word(profile.name, WEIGHT_WORDS)


def _profile(
    name: str, column: pd.Series, dialect: CsvDialect, outcome: Column | None
) -> ColumnProfile:
    absent = _find_absent(column, dialect)
    present = column[~absent]
    distinct = int(present.astype(str).nunique())
    kind = _choose_kind(present, dialect, distinct)
    profile = ColumnProfile(
        name=name,
        kind=kind,
        missing=int(absent.sum()),
        distinct=distinct,
        levels=tuple(sorted(present.astype(str).str.strip().unique())) if kind == "levels" else (),
    )
    if kind == "other":
        remark = f"{describe_cell(present.iloc[0])} cannot be read"
        return replace(profile, remarks=(remark,))
    numbers = None
    if kind in ("number", "integer"):
        numbers = convert_numbers(column, dialect, {}).numbers
        profile = _set_range(profile, numbers)
    if kind == "date":
        profile = _set_range(profile, convert_dates(present, dialect).numbers)
    profile = replace(profile, remarks=tuple(_remark_on_cells(kind, present, dialect)))
    if outcome is not None and distinct > 1:
        ranks = numbers if numbers is not None else _rank_levels(column, outcome, distinct)
        profile = replace(profile, auc=_measure_auc(ranks, outcome))
    presence = None if outcome is None else _measure_auc((~absent).astype(np.float64), outcome)
    if presence is not None and max(presence, 1 - presence) >= DISGUISE:
        profile = replace(profile, auc=presence)
    return replace(profile, remarks=tuple(_list_suspicions(profile, len(column))))


def _remark_on_cells(kind: Kind, present: pd.Series, dialect: CsvDialect) -> Iterator[str]:
    """Yield what looks wrong about how the cells are written."""
    if kind in ("number", "integer"):
        yield from _remark_on_numbers(kind, present, dialect)
    elif kind == "date":
        if unreadable := int(convert_dates(present, dialect).unreadable.sum()):
            yield f"{_count_cells(unreadable)} no date"
        if _is_ambiguous(present.head(DATE_ROWS), dialect):
            yield AMBIGUOUS
    elif kind != "empty" and _has_other_dates(present, dialect):
        yield OTHER_DATES


def _find_absent(column: pd.Series, dialect: CsvDialect) -> NDArray[np.bool_]:
    absent: NDArray[np.bool_] = column.isna().to_numpy(dtype=bool)
    if pd.api.types.is_numeric_dtype(column):
        return absent
    words = column.astype(str).str.strip().isin(dialect.missing)
    return absent | words.to_numpy(dtype=bool)


def _choose_kind(present: pd.Series, dialect: CsvDialect, distinct: int) -> Kind:
    if not len(present):
        return "empty"
    sample = present.head(SAMPLE_ROWS)
    if describe_cell(present.iloc[0]) in OTHER_TYPES:
        return "other"
    numbers = convert_numbers(sample, dialect, {})
    if (~numbers.unreadable).mean() >= LEAST_READABLE:
        readable = numbers.numbers[~numbers.unreadable]
        if dialect.date == COMPACT.date and _count_dates(sample, dialect) == len(sample):
            return "date"
        return "integer" if (readable % 1 == 0).all() else "number"
    if _count_dates(sample, dialect) >= LEAST_READABLE * len(sample):
        return "date"
    return "levels" if distinct <= MOST_LEVELS else "text"


def _rank_levels(column: pd.Series, outcome: Column, distinct: int) -> Column | None:
    """Return the default rate of each row's level among the other half of the rows.

    A rate that includes the row itself would tell the outcome of a level with few rows, and one
    that leaves out only the row would tell it the wrong way round. None if rows share no levels.
    """
    if distinct > len(column) / 10:
        return None
    words, labels = pd.Series(column.astype(str).to_numpy()), pd.Series(outcome)
    is_first = np.random.default_rng(0).permutation(len(labels)) % 2 == 0
    ranks = np.zeros(len(labels))
    for half in (is_first, ~is_first):
        rates = labels[~half].groupby(words[~half]).mean() - labels[~half].mean()
        ranks[half] = words[half].map(rates).fillna(0.0)
    return ranks


def _measure_auc(values: Column | None, outcome: Column) -> float | None:
    if values is None:
        return None
    is_used = ~np.isnan(values) & ~np.isnan(outcome)
    labels = outcome[is_used].astype(np.int64)
    if labels.min(initial=1) == labels.max(initial=0):
        return None
    return auc(labels, values[is_used])


def _list_suspicions(profile: ColumnProfile, rows: int) -> Sequence[str]:
    remarks = list(profile.remarks)
    if profile.kind == "empty":
        remarks.append("no row has a value")
    elif profile.distinct == 1 and not profile.missing:
        remarks.append("constant")
    if profile.kind in ("text", "integer") and profile.distinct == rows > 1:
        remarks.append("one value per row: an identifier?")
    if profile.auc is not None and max(profile.auc, 1 - profile.auc) >= DISGUISE:
        remarks.append(AFTERWARDS)
    if profile.kind == "text" and profile.distinct < rows and OTHER_DATES not in remarks:
        remarks.append(f"{profile.distinct} words: too many for levels")
    return remarks


def _count_cells(count: int) -> str:
    return f"{count} cells are" if count != 1 else "1 cell is"


def _has_other_dates(present: pd.Series, dialect: CsvDialect) -> bool:
    """Return whether most cells are dates, though not all of the declared form."""
    sample = present.head(DATE_SAMPLE)
    are_dates = np.zeros(len(sample), bool)
    for form in (dialect.date, CsvDialect().date, *DATE_FORMATS):
        are_dates |= ~convert_dates(sample, replace(dialect, date=form)).unreadable
    return bool(are_dates.mean() >= LEAST_READABLE)


def _set_range(profile: ColumnProfile, numbers: Column) -> ColumnProfile:
    return replace(profile, low=float(np.nanmin(numbers)), high=float(np.nanmax(numbers)))


def _remark_on_numbers(kind: Kind, present: pd.Series, dialect: CsvDialect) -> Iterator[str]:
    cells = convert_numbers(present, dialect, {})
    if mixed := describe_mixed(present, dialect):
        yield mixed
    if unreadable := int(cells.unreadable.sum()):
        options = [o for w in _list_repeated(present[cells.unreadable]) for o in ("--missing", w)]
        remedy = shlex.join(options) if options else "them missing"
        yield f"{_count_cells(unreadable)} no number; they are refused, or declare {remedy}"
    if pd.api.types.is_string_dtype(present) and present.str.strip().str.match("0[0-9]").any():
        yield LEADING_ZEROS
    if kind == "integer" and _are_compact_dates(cells.numbers):
        yield f"dates? then declare --date {COMPACT.date}"


def _list_repeated(cells: pd.Series) -> list[str]:
    """Return the most frequent words; one that stands once may be about a person."""
    counts = cells.astype(str).str.strip().value_counts()
    return [str(word) for word in counts[counts > 1].index[:MOST_MISSING]]


def _are_compact_dates(numbers: Column) -> bool:
    present = pd.Series(numbers[~np.isnan(numbers)])
    return _count_dates(present, COMPACT) == len(present)


def _count_numbers(column: pd.Series, dialect: CsvDialect) -> int:
    cells = convert_numbers(column, dialect, {})
    return int((~cells.unreadable & ~np.isnan(cells.numbers)).sum())


def _is_ambiguous(present: pd.Series, dialect: CsvDialect) -> bool:
    """Return whether the dates could as well be read with day and month exchanged."""
    is_text = pd.api.types.is_string_dtype(present)
    if not is_text or not {"%d", "%m"} <= set(re.findall("%.", dialect.date)):
        return False
    if dialect.date.startswith("%Y"):
        return False
    exchanged = {"%d": "%m", "%m": "%d"}
    other = re.sub("%[dm]", lambda part: exchanged[part[0]], dialect.date)
    return _count_dates(present, dialect) == _count_dates(present, replace(dialect, date=other))


def _count_dates(column: pd.Series, dialect: CsvDialect) -> int:
    cells = convert_dates(column, dialect)
    return int((~cells.unreadable & ~np.isnan(cells.numbers)).sum())
