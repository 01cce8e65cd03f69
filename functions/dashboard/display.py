"""How this session sees words, digits and dates."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import streamlit as st

from functions.dashboard.runtime import services
from functions.dashboard.texts import catalogue, text_of_key

GROUPING = "digit_grouping"
NOTHING = "–"  # noqa: RUF001 -- a dash stands for a figure that is not there


def t(key: str, **values: object) -> str:
    """Return a text of the catalogue in the language of this deployment."""
    return text_of_key(services().settings.display.language, key, **values)


def grouping() -> str:
    """Return how this session groups digits."""
    chosen = st.session_state.get(GROUPING)
    return chosen or services().settings.display.grouping


def group_digits(digits: str, style: str) -> str:
    """Put commas into a whole number: 1234567 is 12,34,567 or 1,234,567."""
    head, tail = digits[:-3], digits[-3:]
    size = 2 if style == "indian" else 3
    groups = [head[max(0, end - size) : end] for end in range(len(head), 0, -size)]
    return ",".join([*reversed(groups), tail])


def format_decimal(value: Decimal, style: str) -> str:
    """Write a number with all its digits, grouped; none is rounded away."""
    sign = "-" if value < 0 else ""  # a hyphen, so that the text can be searched and copied
    digits, _, decimals = f"{abs(value):f}".partition(".")
    return f"{sign}{group_digits(digits, style)}{'.' if decimals else ''}{decimals}"


def money(amount: float | str | Decimal | None) -> str:
    """Write an amount with two decimals, as the API has it."""
    if amount is None:
        return NOTHING
    value = Decimal(str(amount)).quantize(Decimal("0.01"))
    return format_decimal(value, grouping())


def number(value: float | str | Decimal | None) -> str:
    """Write a number, grouped, without a fraction of nothing."""
    if value is None:
        return NOTHING
    exact = Decimal(str(value))
    is_whole = exact == exact.to_integral_value()
    return format_decimal(exact.quantize(Decimal(1)) if is_whole else exact, grouping())


def percent(value: float | str | Decimal | None, decimals: int = 2) -> str:
    """Write a number that is a percentage already."""
    return NOTHING if value is None else f"{Decimal(str(value)):.{decimals}f} %"


def share(value: float | None, decimals: int = 1) -> str:
    """Write a share of 1 as a percentage."""
    return NOTHING if value is None else percent(100 * value, decimals)


def day(value: date | None) -> str:
    """Write a date."""
    return NOTHING if value is None else value.isoformat()


def points(value: Decimal) -> str:
    """Write a difference of percentages."""
    return t("changes.points", value=f"{value:.2f}")


def local(value: datetime) -> datetime:
    """Return a moment in the zone of the business date."""
    return value.astimezone(ZoneInfo(services().settings.display.zone))


def moment(value: datetime | None) -> str:
    """Write a moment, to the minute, in the zone of the business date."""
    return NOTHING if value is None else f"{local(value):%Y-%m-%d %H:%M}"


def words(name: str) -> str:
    """Write a name of the API, such as sma_1 or write_off, as words."""
    texts = catalogue(services().settings.display.language)
    return texts.get(f"names.{name}") or name.replace("_", " ").capitalize()
