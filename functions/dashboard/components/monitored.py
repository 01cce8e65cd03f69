"""Parts of a monitored day: calibration, performance by month, reasons, what applicants brought."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from functions.dashboard.components.charts import bar_chart, line_chart
from functions.dashboard.components.tables import plain_table
from functions.dashboard.display import number, share, t, words

Part = Mapping[str, Any]


def calibration(realised: Part | None) -> None:
    """Show expected and observed defaults by band of probability and by month, and AUC by month."""
    st.subheader(t("monitoring.calibration"))
    for name, label in (("bands", "band"), ("vintages", "month")):
        groups: Sequence[Part] = (realised or {}).get(name, [])
        if not groups:
            continue
        expected, observed = t("monitoring.expected"), t("monitoring.observed")
        rows = [
            {label: g["name"], expected: 100 * g["expected"], observed: 100 * g["observed"]}
            for g in groups
        ]
        line_chart(f"monitored_{name}", rows, label, (expected, observed), group_rows(groups))
    if not realised:
        st.info(t("monitoring.too_few"), icon=":material/inbox:")


def group_rows(groups: Sequence[Part]) -> list[dict[str, str]]:
    """Return one row a band or a month."""
    return [
        {
            t("monitoring.group"): g["name"],
            t("monitoring.rows"): number(g["rows"]),
            t("monitoring.defaults"): number(g["bads"]),
            t("monitoring.expected"): share(g["expected"], 2),
            t("monitoring.observed"): share(g["observed"], 2),
            t("monitoring.z"): f"{g['z']:.2f}",
            "AUC": t("monitoring.few") if g["auc"] is None else f"{g['auc']:.4f}",
        }
        for g in groups
    ]


def reasons(drift: Part | None) -> None:
    """Show how often each reason was given, and how the decisions moved."""
    frequencies: Mapping[str, float] = (drift or {}).get("reasons", {})
    if frequencies:
        st.subheader(t("monitoring.reasons"))
        code, frequency = t("monitoring.code"), t("monitoring.frequency")
        rows = [{code: name, frequency: 100 * part} for name, part in frequencies.items()]
        written = [{code: name, frequency: share(part, 2)} for name, part in frequencies.items()]
        bar_chart("monitored_reasons", rows, code, frequency, written)
    decisions: Sequence[Part] = (drift or {}).get("decisions", [])
    if decisions:
        st.subheader(t("monitoring.shares"))
        table = [
            {
                t("monitoring.decision"): words(d["decision"]),
                t("monitoring.expected"): share(d["expected"], 2),
                t("monitoring.actual"): share(d["actual"], 2),
                t("monitoring.z"): f"{d['z']:.2f}",
            }
            for d in decisions
        ]
        plain_table(table, "decision-shares")


def characteristic(drift: Part | None) -> None:
    """Show what applicants brought of one characteristic, beside the reference of the version.

    Absent values are a bin of their own: this is also where the quality of the data is seen.
    """
    shifts: Sequence[Part] = [s for s in (drift or {}).get("characteristics", []) if "bins" in s]
    if not shifts:
        return
    names = [shift["name"] for shift in shifts]
    chosen = st.selectbox(t("monitoring.characteristic"), names, format_func=words)
    shift = shifts[names.index(chosen)]
    label, expected, actual = "bin", t("monitoring.expected"), t("monitoring.actual")
    parts = list(zip(shift["bins"], shift["expected"], shift["actual"], strict=True))
    rows = [{label: name, expected: 100 * before, actual: 100 * now} for name, before, now in parts]
    written = [
        {label: name, expected: share(before, 2), actual: share(now, 2)}
        for name, before, now in parts
    ]
    line_chart("monitored_bins", rows, label, (expected, actual), written)
