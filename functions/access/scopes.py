"""Scopes a caller may hold, and the roles of tokens that hold them.

Which scope a route requires is declared by the contract that brings the route.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

Scope = Literal["score", "explain", "simulate", "models", "metrics", "train", "promote"]

ROLES: Mapping[str, frozenset[Scope]] = MappingProxyType(
    {
        "admin": frozenset(get_args(Scope)),
        "officer": frozenset({"score", "explain", "simulate", "models"}),
        "auditor": frozenset({"models", "metrics"}),
        "client": frozenset({"score", "explain", "models"}),
    }
)
