"""Tiles: one figure each, with what it means and what is behind it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import streamlit as st

from functions.dashboard.api import Api
from functions.dashboard.display import percent, points, t
from functions.dashboard.frame import link

Better = Literal["up", "down", "neither"]
HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A figure as it is written, its key in the catalogue, and the page with what is behind it."""

    name: str
    value: str
    target: str | None = None
    query: tuple[tuple[str, str], ...] = ()


def tile_row(api: Api, tiles: Sequence[Tile], across: int = 4) -> None:
    """Show tiles in rows."""
    for start in range(0, len(tiles), across):
        part = tiles[start : start + across]
        for column, tile in zip(st.columns(across), part, strict=False):
            with column:
                st.metric(
                    t(f"tiles.{tile.name}"),
                    tile.value,
                    help=t(f"tiles.{tile.name}_help"),
                    border=True,
                )
                if tile.target:
                    link(api, tile.target, t("tiles.behind"), **dict(tile.query))


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureChange:
    """A figure before and after, and which direction is for the better: blue says better."""

    label: str
    before: Decimal
    after: Decimal
    write: Callable[[Decimal], str]
    better: Better = "neither"

    @property
    def difference(self) -> Decimal:
        """The difference of the two as they are written: of per cents, to the hundredth."""
        if self.write is percent:
            return self.after.quantize(HUNDREDTH) - self.before.quantize(HUNDREDTH)
        return self.after - self.before

    @property
    def written(self) -> str:
        """By how much the figure changes, and from what."""
        write = points if self.write is percent else self.write
        change = f"{'+' if self.difference > 0 else ''}{write(self.difference)}"
        return t("changes.from", change=change, before=self.write(self.before))


def change_tiles(changes: Sequence[FigureChange]) -> None:
    """Show what figures become, and by how much they change."""
    for column, change in zip(st.columns(len(changes)), changes, strict=True):
        difference = change.difference
        is_better = (difference > 0) == (change.better == "up")
        colour: Literal["gray", "blue", "orange"] = "blue" if is_better else "orange"
        column.metric(
            change.label,
            change.write(change.after),
            delta=change.written if difference else None,
            delta_color="gray" if change.better == "neither" else colour,
            border=True,
            height="stretch",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A figure of the book and the bounds from which it needs attention, in per cent."""

    name: str
    value: float
    warns_at: float
    alarms_at: float | None = None
    is_low_bad: bool = False

    @property
    def level(self) -> str:
        """Return `ok`, `warning` or `alarm`."""

        def is_beyond(bound: float | None) -> bool:
            if bound is None:
                return False
            return self.value < bound if self.is_low_bad else self.value > bound

        if is_beyond(self.alarms_at):
            return "alarm"
        return "warning" if is_beyond(self.warns_at) else "ok"


def alert_strip(limits: Sequence[Limit]) -> None:
    """Show which figures are beyond their bounds, or that none is."""
    beyond = [limit for limit in limits if limit.level != "ok"]
    for limit in beyond:
        bound = limit.alarms_at if limit.level == "alarm" else limit.warns_at
        sentence = t(f"alerts.{limit.name}", value=f"{limit.value:.2f}", bound=f"{bound:g}")
        if limit.level == "alarm":
            st.error(sentence, icon=":material/warning:")
        else:
            st.warning(sentence, icon=":material/info:")
    if not beyond:
        st.success(t("alerts.none"), icon=":material/check_circle:")
