"""The page on lending arithmetic: its program runs and prints what the page shows."""

import contextlib
import io
import re
from typing import Any

from models.lending.allocation import ORDERS
from models.lending.rule_sets import DEFAULT_RULE_SET, RULE_SETS
from tests.docs.markdown import page, rows

TEXT = page("lending-arithmetic")
EXAMPLE = re.compile(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_examples_print_what_the_page_shows() -> None:
    examples, names = EXAMPLE.findall(TEXT), dict[str, Any]()
    assert len(examples) == TEXT.count("```python")
    for code, output in examples:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "docs/lending-arithmetic.md", "exec"), names)  # noqa: S102 -- ours
        assert printed.getvalue() == output


def test_every_order_and_rule_set_stands_in_its_table() -> None:
    first_cells = [cells[0] for cells in rows(TEXT)]
    assert {f"`{name}`" for name in (*ORDERS, *RULE_SETS)} <= {c.split(" ")[0] for c in first_cells}
    assert "`instalment_first` (default)" in first_cells
    assert f"`{DEFAULT_RULE_SET.name}` (default)" in first_cells


def test_every_class_stands_in_the_table_of_rule_sets() -> None:
    bands = {cells[0].split("`")[1]: cells[1] for cells in rows(TEXT)[len(ORDERS) :][:2]}
    for name, rules in RULE_SETS.items():
        assert set(rules.asset_classes) - {"standard"} == set(re.findall(r"`(\w+)`", bands[name]))
