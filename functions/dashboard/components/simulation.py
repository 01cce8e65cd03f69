"""What the credit model would say of other values; nothing of it is recorded."""

from decimal import Decimal
from typing import Any

import streamlit as st

from functions.client import endpoints
from functions.client.endpoints import RequestIdentity
from functions.client.responses import Prediction, RecourseResult, Recourses, SearchedField
from functions.dashboard.api import Api
from functions.dashboard.application_row import applications_from_row
from functions.dashboard.components.tiles import FigureChange, change_tiles
from functions.dashboard.display import number, percent, share, t, words

NOBODY = RequestIdentity()
LEAST_GROUPED = 1_000  # of a number whose digits are written in groups


def predicted(api: Api, row: dict[str, Any]) -> Prediction:
    """Return what would be decided about a row."""
    grid = {"loan_amount": [row["loan_amount"]]}
    reply = api.scoring(endpoints.whatif(applications_from_row(row), NOBODY, grid))
    return reply.predictions[0]


def live_estimate(api: Api, row: dict[str, Any]) -> None:
    """Show what the model would decide now, before anything is sent."""
    prediction = predicted(api, row)
    columns = st.columns(3)
    columns[0].metric(t("decision.probability"), share(prediction.probability_of_default, 2))
    columns[1].metric(t("decision.score"), str(prediction.credit_score))
    columns[2].metric(t("simulation.would"), words(prediction.decision))
    st.caption(t("simulation.not_recorded"))


def read_recourses(api: Api, row: dict[str, Any]) -> Recourses:
    """Return the smallest change of a row that is approved."""
    return api.scoring(endpoints.recourse(applications_from_row(row), NOBODY))


def show_simulation(api: Api, row: dict[str, Any], name: str) -> None:
    """Let every changeable field be moved, at first to the smallest change that is approved."""
    st.subheader(t("simulation.title"))
    reply = read_recourses(api, row)
    changed = dict(row)
    proposed = {c.field: c.proposed for c in reply.recourses[0].changes or []}
    if proposed:
        st.caption(t("simulation.starts_changed"))
    for field in reply.searched:
        changed[field.field] = _slider(field, row, proposed, name)
    after = predicted(api, changed)
    before = reply.predictions[0]
    left, right = st.columns([2, 1])
    with left:
        change_tiles(_figures(before, after))
    right.metric(t("simulation.would"), words(after.decision), border=True, height="stretch")
    st.caption(t("simulation.not_recorded"))


def _figures(before: Prediction, after: Prediction) -> list[FigureChange]:
    probabilities = [100 * Decimal(str(p.probability_of_default)) for p in (before, after)]
    scores = [Decimal(p.credit_score) for p in (before, after)]
    return [
        FigureChange(
            label=t("decision.probability"),
            before=probabilities[0],
            after=probabilities[1],
            write=percent,
            better="down",
        ),
        FigureChange(
            label=t("decision.score"),
            before=scores[0],
            after=scores[1],
            write=str,
            better="up",
        ),
    ]


def change_sentences(result: RecourseResult) -> None:
    """Say what to change, and to what, and that it is the least; or why nothing is approved."""
    if result.changes:
        st.write(t("recourse.approved_with"))
    for change in result.changes or []:
        sentence = t(
            "recourse.change",
            field=words(change.field),
            present=_written(change.present),
            proposed=_written(change.proposed),
        )
        st.markdown(f"- {sentence}")
    st.write(result.detail)


def _written(value: str | float) -> str:
    return value if isinstance(value, str) else number(value)


def _slider(field: SearchedField, row: dict[str, Any], proposed: dict[str, Any], name: str) -> Any:  # noqa: ANN401 -- of the field's type
    label, key = words(field.field), f"{name} {field.field}"
    present = row[field.field]
    start = proposed.get(field.field, present)
    if field.levels:
        levels = list(field.levels)
        return st.selectbox(label, levels, index=levels.index(start), key=key)
    lowest, highest = float(field.lowest or 0), float(field.highest or present)
    low, high = (
        min(lowest, float(present), float(start)),
        max(highest, float(present), float(start)),
    )
    if low == high:
        return present
    step = float(field.step or 1)
    written = "%.0f" if step.is_integer() else None  # without hundredths that nobody can choose
    value = st.slider(label, low, high, float(start), step, written, key=key)
    if max(map(abs, (low, high))) >= LEAST_GROUPED:  # a slider groups no digits
        st.caption(t("simulation.chosen", value=number(value), present=number(present)))
    return type(present)(value)
