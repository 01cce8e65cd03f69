"""How often persons decide against the model, and how those loans fare."""

import streamlit as st

from functions.client import lending_endpoints as book
from functions.dashboard.api import Api
from functions.dashboard.components.tiles import Tile, tile_row
from functions.dashboard.display import number, percent, t


def override_tiles(api: Api) -> None:
    """Show the figures to whoever sees the portfolio."""
    if not api.user.may("portfolio"):
        return
    st.subheader(t("reviews.overrides"))
    figures = api.lending(book.overrides())
    tiles = [
        Tile(name="reviewed", value=number(figures.reviewed)),
        Tile(name="overrides", value=number(figures.overrides)),
        Tile(name="override_rate", value=percent(figures.override_rate)),
        Tile(name="override_default_rate", value=percent(figures.override_default_rate)),
        Tile(name="other_default_rate", value=percent(figures.other_default_rate)),
    ]
    tile_row(api, tiles, across=3)
