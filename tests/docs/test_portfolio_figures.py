"""The guide to the figures, and what is kept how long: the tables are those of the code."""

import re

from functions.lending import cli
from functions.lending.analytics.answers import FIGURES
from functions.lending.analytics.early_warnings import REASONS
from functions.lending.notices.templates import TEMPLATES
from functions.lending.personal_data import RETENTION
from tests.docs.markdown import blocks, page, rows

GUIDE, RETAINED = page("portfolio-figures"), page("retention")


def test_the_table_of_figures_has_each_with_its_definition_and_its_choices() -> None:
    described = {cells[0]: cells[1:] for cells in rows(GUIDE) if cells[0].strip("`") in FIGURES}
    assert set(described) == {f"`{name}`" for name in FIGURES}
    for name, figure in FIGURES.items():
        definition, _, keys, choices = described[f"`{name}`"]
        assert definition == figure.definition
        assert re.findall(r"`(\w+)`", keys) == list(figure.keys)
        assert re.findall(r"`(\w+)`", choices) == list(figure.choices)


def test_the_tables_of_reasons_and_templates_are_those_of_the_code() -> None:
    described = rows(GUIDE)
    for name, reason in REASONS.items():
        assert [f"`{name}`", reason.meaning, reason.next_action] in described
    for name, template in TEMPLATES.items():
        assert [f"`{name}`", template.source] in described


def test_the_documented_requests_name_figures() -> None:
    text = "\n".join(blocks(GUIDE, "console"))
    names = re.findall(r"/v1/portfolio/([\w-]+)", text)
    assert len(names) == 5
    assert set(names) <= set(FIGURES)


def test_the_documented_commands_are_those_of_the_command_line() -> None:
    for line in re.findall(r"^python -m functions\.lending (.*)$", GUIDE + RETAINED, re.MULTILINE):
        assert cli.build_parser().parse_args(line.split()).run


def test_the_table_of_retention_is_that_of_the_code() -> None:
    described = rows(RETAINED)
    for entry in RETENTION:
        tables = ", ".join(f"`{name}`" for name in entry.tables) or "-"
        assert [entry.data, tables, entry.period, entry.reason] in described
