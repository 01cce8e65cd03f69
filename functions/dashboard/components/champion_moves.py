"""The champion of a model: what the pointer names, its moves, and moving it in two steps."""

from dataclasses import dataclass

import streamlit as st

from functions.client import retrain_endpoints as registry
from functions.client.errors import ClientError
from functions.client.retrain_responses import PointerMoved, PointerState
from functions.dashboard.api import Api
from functions.dashboard.components.tables import plain_table
from functions.dashboard.display import NOTHING, moment, t, words
from functions.dashboard.frame import notice_after, one_line, show_error, show_notice

POINTED = ("champion", "previous", "challenger")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChampionMove:
    """What somebody is about to do, over the pointer that they saw."""

    verb: str
    version: str
    champion: str | None
    sequence: int
    reason: str | None


def champion_moves(api: Api, model: str, versions: list[str]) -> None:
    """Show the pointer of a model, and let who may move it do so."""
    st.subheader(t("registry.move"))
    if not api.has_retraining:
        _commands(api, model, versions)
        return
    pointer = api.retraining(registry.pointer(model))
    rows = [
        {t("case.what"): words(name), t("registry.version"): getattr(pointer, name) or NOTHING}
        for name in POINTED
    ]
    plain_table(rows, f"pointer-{model}")
    _history(pointer)
    show_notice(_form(model))
    if not api.user.may("promote"):
        st.info(t("registry.no_right"), icon=":material/lock:")
        return
    move = st.session_state.get(_form(model))
    if move is None:
        _choose(model, pointer, versions)
    else:
        _confirm(api, model, move)


def _form(model: str) -> str:
    return f"move of {model}"


def _commands(api: Api, model: str, versions: list[str]) -> None:
    """Show the commands, where no retraining function moves the pointer."""
    if not api.user.may("promote"):
        st.info(t("registry.no_right"), icon=":material/lock:")
        return
    st.write(t("registry.command"))
    st.code(f"python -m training promote --model {model} --version {versions[0]}", language="sh")
    st.code(f"python -m training rollback --model {model}", language="sh")


def _history(pointer: PointerState) -> None:
    rows = [
        {
            t("registry.when"): moment(move.when),
            t("registry.action"): words(move.action),
            t("registry.version"): move.champion.version,
            t("registry.who"): move.who,
            t("registry.second_person"): move.approved_by or "",
            t("registry.reason"): move.reason or "",
        }
        for move in pointer.moves
    ]
    with st.expander(t("registry.history", moves=len(rows))):
        plain_table(rows, f"moves-{pointer.model}")


def _choose(model: str, pointer: PointerState, versions: list[str]) -> None:
    why, promoted = f"why {model}", f"promoted {model}"

    def offer(verb: str) -> None:
        # What was entered last, which may be newer than the page that shows the button.
        version = st.session_state[promoted] if verb == "promote" else pointer.previous
        if version is None:
            return
        st.session_state[_form(model)] = ChampionMove(
            verb=verb,
            version=version,
            champion=pointer.champion,
            sequence=pointer.sequence,
            reason=one_line(st.session_state[why]) or None,
        )

    st.text_input(t("registry.why"), key=why)
    left, right = st.columns(2, vertical_alignment="bottom")
    others = [name for name in versions if name != pointer.champion]
    left.selectbox(t("registry.promoted_version"), others, key=promoted)
    left.button(
        t("registry.promote"),
        on_click=offer,
        args=("promote",),
        disabled=not others,
        icon=":material/upgrade:",
    )
    right.button(
        t("registry.roll_back", version=pointer.previous or NOTHING),
        on_click=offer,
        args=("roll_back",),
        disabled=pointer.previous is None,
        icon=":material/undo:",
    )


def _confirm(api: Api, model: str, move: ChampionMove) -> None:
    """Say what will change, and change it once that is confirmed."""
    sentence = t(
        "registry.becomes",
        version=move.version,
        model=model,
        champion=move.champion or t("decision.none"),
    )
    with st.container(border=True):
        st.markdown(f"**{sentence}**")
        st.caption(t("registry.follows"))
        left, right, _ = st.columns([1, 1, 3])
        is_confirmed = left.button(t("registry.confirm"), type="primary", key=f"confirm {model}")
        if right.button(t("actions.back"), key=f"back {model}"):
            del st.session_state[_form(model)]
            st.rerun()
    if is_confirmed:
        make_call = registry.promote if move.verb == "promote" else registry.roll_back
        call = make_call(model, move.version, move.sequence, move.reason)
        try:
            moved = api.retraining(call)
        except ClientError as error:  # somebody else may have moved it: going back reads it anew
            show_error(error)
            return
        del st.session_state[_form(model)]
        notice_after(_form(model), _outcome(moved))
        st.rerun()


def _outcome(moved: PointerMoved) -> str:
    key = "registry.waits" if moved.status.startswith("waiting") else "registry.moved"
    return t(key, version=moved.version, status=moved.status, model=moved.model)
