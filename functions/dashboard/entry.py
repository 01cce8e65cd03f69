"""The script that Streamlit runs for each session: sign in, then the page that is open."""

from pathlib import Path

import streamlit as st

from functions.dashboard.display import GROUPING, t
from functions.dashboard.navigation import navigate
from functions.dashboard.runtime import services
from functions.dashboard.session import User, signed_in

# A picture of ours: Streamlit would load an icon of its own from another host.
ICON = Path(__file__).parent / "icon.png"


def main() -> None:
    """Show the sign-in, or the pages of who is signed in."""
    st.set_page_config(page_title=t("frame.product"), page_icon=str(ICON), layout="wide")
    user = signed_in()
    if user is None:
        show_sign_in()
    else:
        with st.sidebar:
            show_user(user)
        opened = services()
        navigate(
            user,
            has_scoring=opened.scoring is not None,
            has_batches=opened.batches is not None,
        )


def show_sign_in() -> None:
    """Offer signing in, and nothing else."""
    st.title(t("frame.product"))
    st.write(t("frame.welcome"))
    if services().settings.sign_in.notice:
        st.info(services().settings.sign_in.notice, icon=":material/computer:")
    st.button(t("frame.sign_in"), type="primary", on_click=st.login)


def show_user(user: User) -> None:
    """Show who is signed in, and how this session groups digits."""
    st.markdown(f"**{user.name}**  \n{', '.join(user.roles)}")
    st.segmented_control(
        t("frame.digits"),
        ["indian", "international"],
        default=services().settings.display.grouping,
        required=True,
        format_func=lambda style: t(f"frame.{style}"),
        key=GROUPING,
    )
    st.button(t("frame.sign_out"), on_click=st.logout)


main()
