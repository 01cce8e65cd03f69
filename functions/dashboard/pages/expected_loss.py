"""Expected loss and stress: stages, provisions by class, the allowance, scenarios."""

from datetime import date
from decimal import Decimal
from typing import get_args

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.lending_endpoints import LossRules
from functions.client.portfolio_responses import (
    ExpectedLossReply,
    ProvisionsReply,
)
from functions.dashboard.api import Api
from functions.dashboard.components.charts import WaterfallLook, bar_chart, waterfall
from functions.dashboard.components.filters import choice_filter, day_filter
from functions.dashboard.components.stress import stress_part
from functions.dashboard.components.tables import RowTargets, drill_rows, plain_table
from functions.dashboard.components.tiles import Tile, tile_row
from functions.dashboard.display import day, money, number, percent, t, words
from functions.dashboard.frame import guarded, page
from functions.dashboard.loss_rows import (
    allowance_rows,
    allowance_steps,
    assumption_rows,
    class_rows,
    stage_rows,
)

RULES: tuple[LossRules, ...] = get_args(LossRules)
DECIMALS = 4


def read_report() -> tuple[LossRules, date | None]:
    """Choose the rules and the day; without a day it is the latest report."""
    left, right = st.columns(2)
    with left:
        name = choice_filter(t("loss.rules"), "rule_set", RULES, is_optional=False)
    with right:
        as_of = day_filter(t("loss.as_of"), "as_of")
    return next(rules for rules in RULES if rules == name), as_of


def tiles(loss: ExpectedLossReply, held: ProvisionsReply) -> list[Tile]:
    """Return the sums of a report."""
    return [
        Tile(name="expected_loss", value=money(loss.expected_loss)),
        Tile(name="provision", value=money(held.provision)),
        Tile(name="gross_advances", value=money(held.gross_advances)),
        Tile(name="gross_npa", value=money(held.gross_npa)),
        Tile(name="net_npa", value=money(held.net_npa)),
        Tile(name="gross_npa_percent", value=percent(held.gross_npa_percent, DECIMALS)),
        Tile(name="net_npa_percent", value=percent(held.net_npa_percent, DECIMALS)),
        Tile(name="coverage_percent", value=percent(held.coverage_percent, DECIMALS)),
    ]


def stages(api: Api, loss: ExpectedLossReply, report: dict[str, str]) -> None:
    """Show expected loss by stage; each stage leads to its loans."""
    st.subheader(t("loss.stages"))
    rows = stage_rows(loss.stages)
    bars = [
        {t("loss.stage"): row[t("loss.stage")], t("loss.expected_loss"): s.expected_loss}
        for row, s in zip(rows, loss.stages, strict=True)
    ]
    bar_chart("stages", bars, t("loss.stage"), t("loss.expected_loss"), rows)
    queries = [{**report, "stage": str(stage.stage)} for stage in loss.stages]
    labels = [str(row[t("loss.stage")]) for row in rows]
    drill_rows(api, rows, "stages", RowTargets(page="risk_loans", queries=queries, labels=labels))


def classes(api: Api, held: ProvisionsReply, report: dict[str, str]) -> None:
    """Show provisions by class; each class leads to its loans."""
    st.subheader(t("loss.classes"))
    queries = [{**report, "asset_class": entry.asset_class} for entry in held.classes]
    labels = [words(entry.asset_class) for entry in held.classes]
    drill = RowTargets(page="risk_loans", queries=queries, labels=labels)
    drill_rows(api, class_rows(held.classes), "provisions", drill)


def allowance(loss: ExpectedLossReply) -> None:
    """Show how the allowance came from that of the report before."""
    st.subheader(t("loss.allowance"))
    if not loss.allowance:
        st.info(t("loss.first_report"), icon=":material/inbox:")
        return
    opening = sum((Decimal(str(line.opening)) for line in loss.allowance), Decimal(0))
    look = WaterfallLook(
        total=words("closing"), values=t("columns.amount"), write=money, is_up_worse=True
    )
    waterfall("allowance", allowance_steps(loss.allowance), (words("opening"), opening), look)
    plain_table(allowance_rows(loss.allowance), "allowance")


def assumptions(loss: ExpectedLossReply) -> None:
    """Show what the report rests on: models, futures, and every assumption by name."""
    with st.expander(t("loss.assumptions")):
        plain_table(assumption_rows(loss.assumptions), "assumptions")
        rows = [
            {t("case.model"): words(name), t("columns.loans"): number(loans)}
            for name, loans in loss.models.items()
        ]
        plain_table(rows, "loss-models")


def main() -> None:
    """Show a report, and the book under stress."""
    with page("expected_loss") as api:
        rules, as_of = read_report()
        loss = api.lending(book.expected_loss(rules, as_of))
        held = api.lending(book.provisions(rules, as_of))
        made = t("loss.made", day=loss.as_of, at=loss.made_at, rules=loss.rule_set)
        provisions = t("loss.provision_rules", rules=loss.provision_rules)
        st.caption(f"{made} {provisions}")
        tile_row(api, tiles(loss, held))
        report = {"rule_set": rules, **({"as_of": day(as_of)} if as_of else {})}
        stages(api, loss, report)
        classes(api, held, report)
        allowance(loss)
        assumptions(loss)
        with guarded():
            stress_part(api, rules, as_of)


main()
