"""The page on provisions and expected loss: its programs run and print what the page shows."""

import contextlib
import io
from typing import Any

from functions.lending.contracts.risk import FIGURES, STRESS
from models.lending.expected_loss_rules import EXPECTED_LOSS_RULES
from models.lending.provision_rules import RBI_PROVISIONS_2025
from models.lending.stress import STANDARD_SCENARIOS
from tests.docs.markdown import page, rows
from tests.docs.test_lending_arithmetic import EXAMPLE

TEXT = page("expected-loss")


def test_the_examples_print_what_the_page_shows() -> None:
    examples, names = EXAMPLE.findall(TEXT), dict[str, Any]()
    assert len(examples) == TEXT.count("```python")
    for code, output in examples:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "docs/expected-loss.md", "exec"), names)  # noqa: S102 -- ours
        assert printed.getvalue() == output


def test_every_class_rule_set_route_and_scenario_is_on_the_page() -> None:
    cells = " ".join(cells[0] for cells in rows(TEXT))
    for name in (*RBI_PROVISIONS_2025.asset_classes, *EXPECTED_LOSS_RULES, *FIGURES, STRESS):
        assert name in cells, name
    for name in STANDARD_SCENARIOS:
        assert f"`{name}`" in TEXT
