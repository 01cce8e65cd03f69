"""Choosing a credit model; `?model=` in the URL."""

import streamlit as st

from functions.client import endpoints
from functions.dashboard.api import Api
from functions.dashboard.display import t


def choose_model(api: Api) -> str:
    """Return the model that is chosen: at first the one that decides on loans."""
    names = api.scoring(endpoints.models()).models
    first = names.index("instalment") if "instalment" in names else 0
    chosen = st.selectbox(t("models.model"), names, index=first, key="model", bind="query-params")
    return chosen or names[first]
