"""The shipped contracts."""

from training.pipeline.tables import TABLES


def test_each_table_is_declared_under_its_name() -> None:
    assert {row.table for row in TABLES.values()} == set(TABLES)
    assert len(TABLES) == 7


def test_every_table_but_none_of_a_customer_leads_to_a_customer() -> None:
    without = {name for name, row in TABLES.items() if "customer_id" not in row.model_fields}
    assert without == {"macro_indicators"}


def test_a_release_date_is_part_of_every_indicator() -> None:
    assert TABLES["macro_indicators"].dated_by == ("period", "released_on")
