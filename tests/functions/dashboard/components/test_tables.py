"""Cells of tables: what somebody typed stays text, and never becomes a link."""

import pytest

from functions.dashboard.components.tables import escape_markup


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("[Pay here](https://evil.example)", "`[Pay here](https://evil.example)`"),
        ("https://receiver.example.org/hook", "`https://receiver.example.org/hook`"),
        ("WWW.evil.example` or so", "`WWW.evil.example' or so`"),
        ("[Pay here](evil)", r"\[Pay here\](evil)"),
        ("<img src=x>", r"\<img src=x\>"),
        ("$x^2$ and `code`", r"\$x^2\$ and \`code\`"),
        ("10:30, monthly_income", "10:30, monthly_income"),
        (12.5, 12.5),
        (None, None),
    ],
)
def test_markup_is_written_as_it_was_typed(typed: object, written: object) -> None:
    assert escape_markup(typed) == written
