"""Administration: services, models and roles; webhooks, imports, and the audit."""

from collections.abc import Callable, Mapping

import streamlit as st

from functions.access.scopes import ROLES
from functions.client import endpoints
from functions.client import lending_endpoints as book
from functions.dashboard.api import Api
from functions.dashboard.components.audit import audit
from functions.dashboard.components.imports import imports
from functions.dashboard.components.rules import rules
from functions.dashboard.components.tables import plain_table
from functions.dashboard.components.webhooks import webhooks
from functions.dashboard.display import day, t
from functions.dashboard.frame import page, refreshed


@refreshed
def health(api: Api) -> None:
    """Show whether the services answer."""
    st.subheader(t("administration.health"))
    state = api.lending(book.health())
    columns = st.columns(3)
    columns[0].metric(t("administration.book"), state.status, border=True)
    columns[1].metric(t("administration.database"), state.database, border=True)
    columns[2].metric(t("columns.business_date"), day(state.business_date), border=True)


@refreshed
def serving(api: Api) -> None:
    """Show which version of each model serves."""
    st.subheader(t("administration.models"))
    rows = [
        {
            t("models.model"): model.name,
            t("registry.version"): model.version or "",
            t("administration.ready"): t("columns.yes") if model.ready else model.problem or "",
            t("administration.since"): model.since or "",
        }
        for model in api.scoring(endpoints.models()).details
    ]
    plain_table(rows, "models")


def roles() -> None:
    """Show what each role may do; the APIs enforce it."""
    st.subheader(t("administration.roles"))
    scopes = sorted({scope for held in ROLES.values() for scope in held})
    rows = [
        {
            t("administration.role"): role,
            t("administration.scopes"): ", ".join(scope for scope in scopes if scope in held),
        }
        for role, held in ROLES.items()
    ]
    plain_table(rows, "roles")


def services(api: Api) -> None:
    """Show what answers, what serves, and who may do what."""
    health(api)
    if api.has_scoring and api.user.may("models"):
        serving(api)
    roles()


PARTS: Mapping[str, tuple[str, Callable[[Api], None]]] = {
    "services": ("book", services),
    "rules": ("book", rules),
    "webhooks": ("administer", webhooks),
    "imports": ("administer", imports),
    "audit": ("audit", audit),
}


def choose_part(api: Api) -> str:
    """Choose a part by its name in the URL, which no language changes, or by pressing it."""
    offered = [name for name, (scope, _) in PARTS.items() if api.user.may(scope)]
    part = st.query_params.get("part", offered[0])
    chosen = st.segmented_control(
        t("administration.part"),
        offered,
        default=part if part in offered else offered[0],
        required=True,
        format_func=lambda name: t(f"administration.{name}"),
        key="chosen part",
        label_visibility="collapsed",
    )
    st.query_params["part"] = chosen
    return chosen


def main() -> None:
    """Show the part that is chosen, of those that the user may see."""
    with page("administration") as api:
        chosen = choose_part(api)
        PARTS[chosen][1](api)


main()
