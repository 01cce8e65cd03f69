"""What a figure is: its lines, the loans that sum to each line, and what a caller may choose.

`lines` are one row for each line: the keys, `number` and `amount`, and of what they are a share.
`members` are rows of loans with the same keys and an amount: those of a line sum to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

Values = Mapping[str, Any]
Basis = Literal["now", "last close", "month end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureChoice:
    """One parameter: a word of `values`, a number within `bounds`, a month, or else any text."""

    description: str
    values: tuple[str, ...] = ()
    bounds: tuple[int, int] | None = None
    is_month: bool = False
    default: str | None = None


# Keys of lines, which name the line whose loans are asked for; any text, unless they stand here.
KEYS: Mapping[str, FigureChoice] = {
    "cohort": FigureChoice(description="The month of disbursement.", is_month=True),
    "month": FigureChoice(description="A month such as 2026-01.", is_month=True),
    "months_on_book": FigureChoice(description="Months since the disbursement's.", bounds=(0, 720)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFigure:
    """One figure of the book.

    `basis` says as of when it is, `past` where the figure of a past day is. `columns` translates
    the choice `by` into the column that stands for `{column}` in the statements; `variants` are
    statements of lines, and `member_variants` of loans, for one choice. `values` adds what
    statements need beside choices.
    """

    name: str
    summary: str
    definition: str
    keys: tuple[str, ...]
    basis: Basis
    lines: str
    members: str
    choices: Mapping[str, FigureChoice] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    values: Callable[[Values], Values] = dict
    variants: Mapping[str, str] = field(default_factory=dict)
    member_variants: Mapping[str, str] = field(default_factory=dict)
    past: str = "the figure is of the open day, and no route has it for a past one"

    def key_choices(self) -> Mapping[str, FigureChoice]:
        """Return what names one line."""
        return {n: KEYS.get(n, FigureChoice(description="Of the line.")) for n in self.keys}

    def lines_statement(self, chosen: Mapping[str, str | None]) -> str:
        """Return the statement of the lines for what was chosen."""
        by = chosen.get("by") or ""
        return self.variants.get(by, self.lines).replace("{column}", self.columns.get(by, ""))

    def members_statement(self, chosen: Mapping[str, str | None]) -> str:
        """Return the statement of the loans for what was chosen."""
        by = chosen.get("by") or ""
        return self.member_variants.get(by, self.members).replace(
            "{column}", self.columns.get(by, "")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """As of when a figure is, and by which rules."""

    day: date
    basis: Literal["current", "reported", "restated"]
    rule_sets: tuple[str, ...]
    restated_loans: int = 0
