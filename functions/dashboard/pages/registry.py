"""Model registry: published versions, two compared, a report, and who is the champion."""

import streamlit as st

from functions.client import endpoints
from functions.client.responses import VersionInfo
from functions.dashboard.api import Api
from functions.dashboard.components.champion_moves import champion_moves
from functions.dashboard.components.charts import line_chart
from functions.dashboard.components.models import choose_model
from functions.dashboard.components.tables import plain_table
from functions.dashboard.display import number, share, t, words
from functions.dashboard.frame import page


def listing(api: Api, model: str) -> list[str]:
    """Show the versions of a model; return their names."""
    versions = api.scoring(endpoints.versions(model)).versions
    rows = [
        {
            t("registry.version"): v.version,
            t("registry.status"): words(v.status),
            t("registry.published"): v.published,
        }
        for v in versions
    ]
    plain_table(rows, f"versions-{model}", empty=t("registry.none"))
    return [v.version for v in versions]


def compare(api: Api, model: str, names: list[str]) -> None:
    """Show two versions side by side: their figures with 95 % intervals, and what differs."""
    st.subheader(t("registry.compare"))
    left, right = st.columns(2)
    first = left.selectbox(t("registry.first"), names, key="first")
    second = right.selectbox(t("registry.second"), names, index=len(names) - 1, key="second")
    pair = [api.scoring(endpoints.version(model, name)) for name in (first, second)]
    rows = [
        {t("case.what"): words(name), **{t(f"registry.{side}"): value for side, value in values}}
        for name, values in _figures(pair)
    ]
    plain_table(rows, f"comparison-{model}")


def _figures(pair: list[VersionInfo]) -> list[tuple[str, list[tuple[str, str]]]]:
    sides = ("first", "second")
    plain = ("status", "family", "published", "label_definition", "horizon")
    entries = [(n, [str(getattr(version, n)) for version in pair]) for n in plain]
    entries.append(("fields", [str(len(version.features)) for version in pair]))
    entries.append(("approve below", [number(version.policy.approve_below) for version in pair]))
    entries.append(("decline from", [number(version.policy.decline_from) for version in pair]))
    metrics = pair[0].metrics
    entries += [(name, [_estimate(version, name) for version in pair]) for name in metrics]
    return [(name, list(zip(sides, values, strict=True))) for name, values in entries]


def _estimate(version: VersionInfo, metric: str) -> str:
    estimate = version.metrics.get(metric)
    if estimate is None:
        return share(None)
    return f"{estimate.value:.4f} ({estimate.low:.4f} … {estimate.high:.4f})"


def report(api: Api, model: str, names: list[str]) -> None:
    """Show the gates of a version's report, and its calibration by bins."""
    st.subheader(t("registry.report"))
    name = st.selectbox(t("registry.version"), names, key="reported")
    document = api.scoring(endpoints.report(model, name)).members
    gates = [
        {
            t("registry.gate"): words(gate["name"]),
            t("registry.verdict"): words(gate["verdict"]),
            t("registry.reason"): gate["reason"],
        }
        for gate in document["gates"]
    ]
    plain_table(gates, "gates")
    bins = [
        {
            "bin": index,
            "predicted": b["mean_probability"],
            "observed": b["default_rate"],
            "rows": b["rows"],
        }
        for index, b in enumerate(document["calibration"]["bins"], start=1)
    ]
    line_chart("calibration", bins, "bin", ("predicted", "observed"))


def main() -> None:
    """Show a model's versions."""
    with page("registry") as api:
        model = choose_model(api)
        names = listing(api, model)
        if names:
            compare(api, model, names)
            report(api, model, names)
            champion_moves(api, model, names)


main()
