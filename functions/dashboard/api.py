"""The APIs as one user sees them: every call brings the user's token.

What was read is kept for some seconds in the session, never across sessions, and forgotten as soon
as this session changes something.
"""

import time
from typing import Any

import streamlit as st

from functions.client.clients import Surety
from functions.client.endpoints import Call, ResponseType, with_credential
from functions.client.errors import UnavailableError
from functions.client.lending_endpoints import QUESTIONS
from functions.dashboard.display import t
from functions.dashboard.runtime import Services
from functions.dashboard.session import User

FRESH_SECONDS = 5.0
RESPONSES = "responses"


class Api:
    """The functions that this deployment has, called as a user."""

    def __init__(self, user: User, opened: Services) -> None:
        self.user = user
        self._services = opened

    @property
    def has_scoring(self) -> bool:
        """Whether there is a scoring function to ask."""
        return self._services.scoring is not None

    @property
    def has_batches(self) -> bool:
        """Whether there is a batch function to ask."""
        return self._services.batches is not None

    @property
    def has_retraining(self) -> bool:
        """Whether there is a retraining function, which moves pointers."""
        return self._services.retraining is not None

    @property
    def explains(self) -> bool:
        """Whether the user may ask the scoring function why, and what if."""
        return self.has_scoring and self.user.may("explain", "simulate")

    def lending(self, call: Call[ResponseType]) -> ResponseType:
        """Ask the loan book."""
        return self._ask(self._services.lending, call)

    def scoring(self, call: Call[ResponseType]) -> ResponseType:
        """Ask the scoring function."""
        if self._services.scoring is None:
            raise UnavailableError(t("errors.no_scoring"))
        return self._ask(self._services.scoring, call)

    def batches(self, call: Call[ResponseType]) -> ResponseType:
        """Ask the batch function; nothing is kept, for a batch moves on."""
        if self._services.batches is None:
            raise UnavailableError(t("errors.no_batches"))
        return self._services.batches.request(with_credential(call, self.user.token))

    def retraining(self, call: Call[ResponseType]) -> ResponseType:
        """Ask the retraining function; what was read is forgotten, for the champion may move."""
        if self._services.retraining is None:
            raise UnavailableError(t("errors.no_retraining"))
        st.session_state.pop(RESPONSES, None)
        return self._services.retraining.request(with_credential(call, self.user.token))

    def _ask(self, connection: Surety, call: Call[ResponseType]) -> ResponseType:
        responses: dict[Any, Any] = st.session_state.setdefault(RESPONSES, {})
        # Some questions change nothing, though they are sent by POST.
        is_question = (
            call.method == "GET" or call.path in QUESTIONS or call.path.startswith("/v1/models/")
        )
        if not is_question:
            responses.clear()
            return connection.request(with_credential(call, self.user.token))
        name, now = (call.path, call.body), time.monotonic()
        if name in responses and now - responses[name][0] < FRESH_SECONDS:
            response: ResponseType = responses[name][1]
            return response
        for old in [
            key for key, (read_at, _) in responses.items() if now - read_at > FRESH_SECONDS
        ]:
            del responses[old]
        response = connection.request(with_credential(call, self.user.token))
        responses[name] = (now, response)
        return response
