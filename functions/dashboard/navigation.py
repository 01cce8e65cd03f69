"""Which pages there are, and who is offered them."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from functions.dashboard.display import t
from functions.dashboard.session import User


@dataclass(frozen=True, slots=True, kw_only=True)
class PageEntry:
    """A page: its file, its heading in the navigation, and the scopes that its routes need."""

    name: str
    section: str
    icon: str
    scopes: tuple[str, ...]
    needs_scoring: bool = False
    needs_batches: bool = False
    is_hidden: bool = False

    @property
    def file(self) -> str:
        """Return the file, as Streamlit names it."""
        return f"pages/{self.name}.py"


PAGES = (
    PageEntry(name="home", section="work", icon="home", scopes=("book",)),
    PageEntry(
        name="new_application",
        section="work",
        icon="note_add",
        scopes=("book", "apply", "originate"),
    ),
    PageEntry(name="applications", section="work", icon="inbox", scopes=("book", "applications")),
    PageEntry(name="reviews", section="work", icon="gavel", scopes=("book", "decide")),
    PageEntry(name="customers", section="work", icon="group", scopes=("book",)),
    PageEntry(name="loans", section="work", icon="account_balance", scopes=("book",)),
    PageEntry(name="portfolio", section="book", icon="donut_small", scopes=("portfolio",)),
    PageEntry(name="arrears", section="book", icon="event_busy", scopes=("portfolio", "book")),
    PageEntry(
        name="early_warning", section="book", icon="notifications", scopes=("portfolio", "book")
    ),
    PageEntry(name="vintages", section="book", icon="ssid_chart", scopes=("portfolio", "book")),
    PageEntry(name="roll_rates", section="book", icon="move_down", scopes=("portfolio", "book")),
    PageEntry(
        name="expected_loss", section="book", icon="thunderstorm", scopes=("portfolio", "book")
    ),
    PageEntry(name="policy", section="book", icon="rule", scopes=("portfolio", "book")),
    PageEntry(
        name="what_if",
        section="models",
        icon="tune",
        scopes=("book", "simulate"),
        needs_scoring=True,
    ),
    PageEntry(
        name="batches",
        section="models",
        icon="dataset",
        scopes=("book", "batches", "models"),
        needs_scoring=True,
        needs_batches=True,
    ),
    PageEntry(
        name="monitoring",
        section="models",
        icon="monitoring",
        scopes=("book", "models"),
        needs_scoring=True,
    ),
    PageEntry(
        name="registry",
        section="models",
        icon="inventory_2",
        scopes=("book", "models"),
        needs_scoring=True,
    ),
    PageEntry(name="administration", section="admin", icon="settings", scopes=("audit",)),
    PageEntry(
        name="application",
        section="work",
        icon="fact_check",
        scopes=("applications", "book"),
        is_hidden=True,
    ),
    PageEntry(name="applicant", section="work", icon="person", scopes=("book",), is_hidden=True),
    PageEntry(
        name="figure_loans",
        section="book",
        icon="account_balance",
        scopes=("portfolio", "book"),
        is_hidden=True,
    ),
    PageEntry(
        name="risk_loans",
        section="book",
        icon="account_balance",
        scopes=("portfolio", "book"),
        is_hidden=True,
    ),
    PageEntry(name="loan", section="work", icon="request_quote", scopes=("book",), is_hidden=True),
)
# Somebody without the book sees own applications and nothing else.
OWN_PAGES = (
    PageEntry(name="my_applications", section="mine", icon="inbox", scopes=("applications",)),
)


def pages_for(user: User, *, has_scoring: bool, has_batches: bool = False) -> Sequence[PageEntry]:
    """Return the pages that a user is offered, the first of them to begin with."""
    offered = PAGES if user.may("book") else OWN_PAGES
    return [
        page
        for page in offered
        if user.may(*page.scopes)
        and (has_scoring or not page.needs_scoring)
        and (has_batches or not page.needs_batches)
    ]


def is_offered(user: User, name: str, *, has_scoring: bool) -> bool:
    """Whether a user is offered a page, so that a link to it leads somewhere."""
    return name in {page.name for page in pages_for(user, has_scoring=has_scoring)}


def navigate(user: User, *, has_scoring: bool, has_batches: bool = False) -> None:
    """Offer the user's pages in the sidebar and run the one that is open.

    The links are drawn here: Streamlit's own list of sections is none to a screen reader.
    """
    entries = pages_for(user, has_scoring=has_scoring, has_batches=has_batches)
    pages = {page: _page(page, is_default=page is entries[0]) for page in entries}
    if not pages:
        st.warning(t("errors.no_pages"), icon=":material/lock:")
        return
    opened = st.navigation(list(pages.values()), position="hidden")
    with st.sidebar:
        section = ""
        for page, target in pages.items():
            if page.is_hidden:
                continue
            if page.section != section:
                section = page.section
                st.markdown(f"**{t(f'sections.{section}')}**")
            st.page_link(target)
    opened.run()


def _page(page: PageEntry, *, is_default: bool) -> st.Page:
    return st.Page(
        page.file,
        title=t(f"pages.{page.name}"),
        icon=f":material/{page.icon}:",
        url_path=page.name,
        default=is_default,
    )
