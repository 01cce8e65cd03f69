"""Who is signed in: name, roles and the token that the APIs receive."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from functions.access.scopes import ROLES
from functions.dashboard.runtime import services


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody signed in. `scopes` choose pages and buttons alone: the APIs decide."""

    name: str
    token: str = field(repr=False)
    roles: tuple[str, ...]
    scopes: frozenset[str]
    customer_id: int | None = None

    def may(self, *scopes: str) -> bool:
        """Whether the roles hold all these scopes."""
        return self.scopes.issuperset(scopes)


def signed_in() -> User | None:
    """Return who is signed in; None before that."""
    if not st.user.is_logged_in:
        return None
    settings = services().settings
    token = st.user.tokens.get(settings.sign_in.token)
    if not token:
        return None
    return user_from_claims(st.user.to_dict(), token, settings.roles_claim)


def user_from_claims(claims: Mapping[str, Any], token: str, roles_claim: str) -> User:
    """Return the user that an ID token describes."""
    value: Any = claims.get(roles_claim)
    if value is None:
        value = claims
        for step in roles_claim.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
    names = value.split() if isinstance(value, str) else value or ()
    roles = tuple(name for name in names if isinstance(name, str))
    customer = claims.get("customer_id")
    return User(
        name=str(claims.get("name") or claims.get("email") or claims.get("sub") or ""),
        token=token,
        roles=roles,
        scopes=frozenset(scope for role in roles for scope in ROLES.get(role, ())),
        customer_id=customer if isinstance(customer, int) else None,
    )
