"""A stress of the book: the scenario, what it changes step by step, and what it rests on."""

from datetime import date
from decimal import Decimal

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.portfolio_responses import (
    StressReply,
)
from functions.dashboard.api import Api
from functions.dashboard.components.charts import WaterfallLook, waterfall
from functions.dashboard.components.filters import choice_filter
from functions.dashboard.components.tables import plain_table
from functions.dashboard.components.tiles import FigureChange, change_tiles
from functions.dashboard.display import money, number, percent, t, words
from functions.dashboard.frame import guarded

SCENARIOS = ("rate_up_200bp", "unemployment_up_2", "lgd_up_10", "all_three")
OWN = "own"
INPUTS = ("interest_rate_points", "unemployment_rate_points", "loss_given_default_points")
MOST_POINTS = 20.0
MEASURES = ("expected_loss", "projected_provisions")


def stress_part(api: Api, rule_set: book.LossRules, as_of: date | None) -> None:
    """Choose a scenario, and show the report's loans under it."""
    st.subheader(t("stress.title"))
    choices = (*SCENARIOS, OWN)
    name = choice_filter(t("stress.scenario"), "scenario", choices, is_optional=True)
    if not name:
        st.info(t("stress.none"), icon=":material/thunderstorm:")
        return
    scenario: dict[str, object] = own_points() if name == OWN else {"scenario": name}
    request = {**scenario, "rule_set": rule_set, "as_of": as_of.isoformat() if as_of else None}
    with guarded():
        with st.spinner(t("stress.computing")):
            reply = api.lending(book.stress(request))
        show_stress(reply)


def own_points() -> dict[str, object]:
    """Read points of one's own."""
    return {
        name: column.slider(words(name), 0.0, MOST_POINTS, 2.0, 0.25, key=name, bind="query-params")
        for column, name in zip(st.columns(len(INPUTS)), INPUTS, strict=True)
    }


def show_stress(reply: StressReply) -> None:
    """Show before and after, the steps between them, and the assumption in words."""
    change_tiles(changes_from_stress(reply))
    for measure in MEASURES:
        steps = [
            (words(step.cause), Decimal(str(getattr(step, measure)))) for step in reply.waterfall
        ]
        base = (t("stress.before"), Decimal(str(getattr(reply.before, measure))))
        look = WaterfallLook(
            total=t("stress.after"), values=t("columns.amount"), write=money, is_up_worse=True
        )
        waterfall(f"stress_{measure}", steps, base, look)
    st.caption(t("stress.book", loans=number(reply.loans), day=reply.as_of, rules=reply.rule_set))
    heading = t("loss.assumption")
    st.markdown(f"**{heading}** {reply.assumption}")
    entries = {**reply.scenario, **{f"sensitivity {n}": v for n, v in reply.sensitivity.items()}}
    rows = [{t("case.what"): words(n), t("case.value"): words(v)} for n, v in entries.items()]
    with st.expander(t("stress.inputs")):
        plain_table(rows, "stress-inputs")


def changes_from_stress(reply: StressReply) -> list[FigureChange]:
    """Return what becomes of each figure; a larger one is worse."""
    writes = {
        "expected_loss": money,
        "stage_2_loans": number,
        "projected_provisions": money,
        "projected_npa_ratio_percent": percent,
    }
    return [
        FigureChange(
            label=t(f"stress.{name}"),
            before=Decimal(str(getattr(reply.before, name) or 0)),
            after=Decimal(str(getattr(reply.after, name) or 0)),
            write=write,
            better="down",
        )
        for name, write in writes.items()
    ]
