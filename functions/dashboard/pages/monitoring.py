"""Model monitoring: the last monitored day of a model, drift, and what was realised."""

from http import HTTPStatus
from typing import Any

import streamlit as st

from functions.client import endpoints
from functions.client.errors import RefusedError
from functions.dashboard.api import Api
from functions.dashboard.components.charts import line_chart
from functions.dashboard.components.models import choose_model
from functions.dashboard.components.monitored import (
    calibration,
    characteristic,
    reasons,
)
from functions.dashboard.components.overrides import override_tiles
from functions.dashboard.components.tables import plain_table
from functions.dashboard.display import share, t, words
from functions.dashboard.frame import page, refreshed

TRENDS = ("psi", "worst_characteristic_psi")
OUTCOMES = ("approved", "mean_probability", "default_rate")


@refreshed
def day_of_model(api: Api) -> None:
    """Show what monitoring measured lately."""
    model = choose_model(api)
    try:
        document = api.scoring(endpoints.monitoring(model)).members
    except RefusedError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        st.info(error.detail, icon=":material/inbox:")
        override_tiles(api)
        return
    columns = st.columns(4)
    columns[0].metric(t("monitoring.status"), str(document["status"]), border=True)
    columns[1].metric(t("monitoring.day"), str(document["day"]), border=True)
    window = document["window"]
    columns[2].metric(t("monitoring.decisions"), str(window["decisions"]), border=True)
    columns[3].metric(t("monitoring.outcomes"), str(document["outcomes"]["known"]), border=True)
    st.caption(t("monitoring.version", version=document["version"]))
    show_signals(document["signals"])
    history = document["history"]
    line_chart("drift", history, "day", TRENDS)
    line_chart("outcomes", history, "day", OUTCOMES)
    show_drift(document["drift"])
    characteristic(document["drift"])
    reasons(document["drift"])
    show_performance(document)
    calibration(document["realised"])
    override_tiles(api)


def show_signals(signals: list[dict[str, Any]]) -> None:
    """Show each figure that is watched, and whether it fired."""
    st.subheader(t("monitoring.signals"))
    plain_table([_flat(signal) for signal in signals], "signals", empty=t("monitoring.no_signals"))


def show_drift(drift: dict[str, Any] | None) -> None:
    """Show how far each characteristic has moved."""
    st.subheader(t("monitoring.drift"))
    shifts = (drift or {}).get("characteristics", [])
    plain_table([_flat(shift) for shift in shifts], "drift", empty=t("monitoring.too_few"))


def show_performance(document: dict[str, Any]) -> None:
    """Show what was realised beside what was expected, and champion against challenger."""
    st.subheader(t("monitoring.performance"))
    expected, realised = document["expected"] or {}, document["realised"] or {}
    names = [*expected, *(name for name in realised if name not in expected)]
    rows = [
        {
            t("case.what"): words(name),
            t("monitoring.expected"): _written(expected.get(name)),
            t("monitoring.realised"): _written(realised.get(name)),
        }
        for name in names
        if not isinstance(expected.get(name, realised.get(name)), (dict, list))
    ]
    plain_table(rows, "performance", empty=t("monitoring.too_few"))
    if document["challenger"]:
        st.subheader(t("monitoring.challenger"))
        plain_table([_flat(document["challenger"])], "challenger")


def _flat(entry: dict[str, Any]) -> dict[str, str]:
    """Return the plain members of an entry."""
    return {
        words(name): _written(value)
        for name, value in entry.items()
        if not isinstance(value, (dict, list))
    }


def _written(value: object) -> str:
    if value is None:
        return share(None)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main() -> None:
    """Show the monitored day."""
    with page("monitoring") as api:
        day_of_model(api)


main()
