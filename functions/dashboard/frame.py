"""What every page has: heading, business date, errors in the API's own words, links, form keys."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from http import HTTPStatus
from typing import Concatenate, ParamSpec

import streamlit as st

from functions.client import lending_endpoints as book
from functions.client.errors import ClientError, RefusedError, UnavailableError
from functions.dashboard.api import RESPONSES, Api
from functions.dashboard.display import day, t
from functions.dashboard.navigation import is_offered
from functions.dashboard.runtime import services
from functions.dashboard.session import signed_in

Rest = ParamSpec("Rest")
REFRESH_SECONDS = 20
STYLE = """<style>
@media print {
  [data-testid="stSidebar"], [data-testid="stHeader"], [data-testid="stToolbar"],
  [data-testid="stDownloadButton"], [data-testid="stButton"], [data-testid="stForm"] button,
  [data-testid="stPageLink"] { display: none !important }
  [data-testid="stMain"], [data-testid="stAppViewContainer"], .main { overflow: visible !important;
    height: auto !important; position: static !important }
  [data-testid="stMetric"], [data-testid="stTable"], [data-testid="stPlotlyChart"] {
    break-inside: avoid }
}
@media (prefers-color-scheme: dark) {
  [data-testid="stBaseButton-primary"], [data-testid="stBaseButton-primaryFormSubmit"],
  [data-testid="stBaseButton-primary"] p, [data-testid="stBaseButton-primaryFormSubmit"] p {
    color: #0b1a2b !important }
}
[data-testid="stMain"] [data-testid="stPageLink"] p { text-decoration: underline }
[data-testid="stMainBlockContainer"] { padding-top: 3.5rem }
/* A figure of which half is cut off is another figure: fifteen digits fit into a narrow tile. */
[data-testid="stMetric"] { container-type: inline-size }
[data-testid="stMetricValue"] { font-variant-numeric: tabular-nums;
  font-size: clamp(0.8rem, 13cqw, 1.6rem) }
[data-testid="stMetricValue"] *, [data-testid="stMetricLabel"] * { overflow: visible !important;
  white-space: normal !important; overflow-wrap: anywhere; text-overflow: clip !important }
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p {
  color: inherit !important; opacity: 1 !important }
[data-testid="stTable"] td { font-variant-numeric: tabular-nums }
</style>"""


@contextmanager
def page(name: str) -> Iterator[Api]:
    """Head a page, and show what goes wrong below the heading."""
    user = signed_in()
    if user is None:
        st.stop()
    api = Api(user, services())
    st.html(STYLE)
    st.title(t(f"pages.{name}"))
    with guarded():
        business_date = api.lending(book.health()).business_date
        zone = services().settings.display.zone
        st.caption(t("frame.business_date", date=day(business_date), zone=zone))
        yield api


@contextmanager
def guarded() -> Iterator[None]:
    """Show an error of an API instead of what follows."""
    try:
        yield
    except ClientError as error:
        show_error(error)


def show_error(error: ClientError) -> None:
    """Show an error in the API's own words, and what can be done about it."""
    if isinstance(error, RefusedError):
        if error.status == HTTPStatus.UNAUTHORIZED:
            st.error(t("errors.signed_out", detail=error.detail), icon=":material/lock:")
            st.button(t("frame.sign_in"), on_click=st.login, key=f"again {uuid.uuid4()}")
            return
        st.error(f"{error.status} {error.title}: {error.detail}", icon=":material/error:")
        for fault in error.faults:
            st.markdown(f"- `{fault.path}`: {fault.message}")
        return
    kind = "unavailable" if isinstance(error, UnavailableError) else "unreadable"
    st.warning(t(f"errors.{kind}", detail=str(error)), icon=":material/cloud_off:")
    if st.button(t("frame.try_again"), key=f"retry {kind} {str(error)[:40]}"):
        st.session_state.pop(RESPONSES, None)
        st.rerun()


def refreshed(
    body: Callable[Concatenate[Api, Rest], None],
) -> Callable[Concatenate[Api, Rest], None]:
    """Make part of a page read its figures again by itself, without touching the rest."""

    @st.fragment(run_every=REFRESH_SECONDS)
    def part(api: Api, /, *rest: Rest.args, **options: Rest.kwargs) -> None:
        with guarded():
            body(api, *rest, **options)

    return part


def link(api: Api, name: str, label: str, **query: str | int) -> None:
    """Link to a page, if the user is offered it."""
    if is_offered(api.user, name, has_scoring=api.has_scoring):
        parameters = {key: str(value) for key, value in query.items()}
        st.page_link(f"pages/{name}.py", label=label, query_params=parameters)


def form_key(form: str) -> str:
    """Return the idempotency key of a form: made when it opens, renewed once it has succeeded."""
    key: str = st.session_state.setdefault(f"key of {form}", uuid.uuid4().hex)
    return key


def renew_key(form: str) -> None:
    """Let the form's next intention have a key of its own."""
    st.session_state.pop(f"key of {form}", None)


def business_date(api: Api) -> date:
    """Return the open business date.

    Raises
    ------
    UnavailableError
        If no day is open.
    """
    value = api.lending(book.health()).business_date
    if value is None:
        raise UnavailableError(t("errors.no_business_date"))
    return value


def one_line(text: str) -> str:
    """Return a note as the APIs take it, without line ends."""
    return " ".join(text.split())


def notice_after(form: str, message: str) -> None:
    """Show a message once, after the page has run again."""
    st.session_state[f"notice of {form}"] = message


def act_and_notice(act: Callable[[], object], form: str, message: str) -> None:
    """Do something and draw the page anew with a message, or say why it cannot be done."""
    try:
        act()
    except ClientError as error:
        show_error(error)
        return
    notice_after(form, message)
    st.rerun()


def show_notice(form: str) -> None:
    """Show what `notice_after` left."""
    message = st.session_state.pop(f"notice of {form}", None)
    if message:
        st.success(message, icon=":material/check_circle:")
