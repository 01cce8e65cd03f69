"""The page of a report: templates, and numbers that carry their exact value."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from models.annotations import date_from_days
from training.reporting.charts import draw_charts

MINUS = "\N{MINUS SIGN}"
TEMPLATES = Path(__file__).parents[1] / "templates"
ABSENT = Markup("&ndash;")
METRIC_NAMES = {
    "auc": "AUC",
    "gini": "Gini",
    "ks": "KS",
    "brier": "Brier score",
    "log_loss": "log-loss",
    "f1": "F1",
}
OUTCOMES = {
    "promoted": "No gate prevents it, so this run promotes the version. The registry says what "
    "serves now.",
    "kept": "Exactly this model had been published before, and it is not promoted now.",
    "rejected": "A gate failed. This version is published and does not serve.",
    "insufficient_evidence": "The test part has too few defaults to replace a champion. This "
    "version is published and does not serve.",
}


def render_report(document: Mapping[str, Any]) -> str:
    """Render the page of one version from its document alone."""
    outcome = document["identity"]["outcome"]
    template = build_environment().get_template("report.html")
    page: str = template.render(
        document, charts=draw_charts(document), verdict=OUTCOMES.get(outcome, outcome)
    )
    return page


def build_environment() -> Environment:
    """Build the environment of the templates, in which text is escaped and no name may be wrong."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": format_number,
        "share": format_share,
        "count": format_count,
        "day": format_day,
        "general": format_general,
        "sentence": lambda text: re.sub(r"\{[^}]*\}", "…", str(text)),
        "metric": lambda name: METRIC_NAMES.get(name, str(name).replace("_", " ")),
        "words": lambda name: str(name).replace("_", " "),
    }
    return environment


def format_number(value: float | None, digits: int = 4, sign: str = "") -> Markup:
    """Write a number with fixed digits, or one digit that matters if all of these would be 0.

    `sign` may be `+`.
    """
    if value is None:
        return ABSENT
    # One decimal, as of z, is for figures whose size near 0 does not matter.
    is_tiny = digits > 1 and 0 < abs(value) < 0.5 * 10.0**-digits
    return _carry(value, f"{value:{sign}.0e}" if is_tiny else f"{value:{sign},.{digits}f}")


def format_share(value: float | None, digits: int = 1, sign: str = "") -> Markup:
    """Write a share as a percentage, with more digits if it would be 0 without."""
    if value is None:
        return ABSENT
    is_tiny = 0 < abs(value) < 0.5 * 10.0 ** -(digits + 2)
    style = ".1g" if is_tiny else f".{digits}f"
    return _carry(value, f"{100 * value:{sign}{style}} %")


def format_count(value: int | None) -> Markup:
    """Write a whole number with thousands separators."""
    return ABSENT if value is None else _carry(value, f"{value:,}")


def format_general(value: Any) -> Markup:  # noqa: ANN401 -- a cell may hold a number, a text or None
    """Write a number with up to five digits that matter, and anything else as it is."""
    if value is None:
        return ABSENT
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Markup("{}").format(value)
    is_large = abs(value) >= 1e5 or float(value).is_integer()  # noqa: PLR2004 -- no decimals matter
    return _carry(value, f"{value:,.0f}" if is_large else f"{value:,.5g}")


def format_day(value: float | None) -> Markup:
    """Write days since 1970-01-01 as a date."""
    if value is None:
        return ABSENT
    # Without `_carry`, which would write the hyphens of a date as minus signs.
    date = date_from_days(value).isoformat()
    return Markup('<data value="{}">{}</data>').format(repr(value), date)


def _carry(value: float, text: str) -> Markup:
    """Give a number's text its value as `report.json` has it."""
    return Markup('<data value="{}">{}</data>').format(repr(value), text.replace("-", MINUS))
