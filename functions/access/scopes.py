"""Scopes a caller may hold, and the roles of tokens that hold them.

Which scope a route requires is declared by the contract that brings the route.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

Scope = Literal[
    "score",
    "batches",
    "explain",
    "simulate",
    "models",
    "metrics",
    "train",
    "promote",
    # Of the loan book. `book` reads customers and loans, `adjust` changes what is owed. `alerts`
    # are about all branches. `administer` is about webhooks and imports.
    "applications",
    "apply",
    "book",
    "portfolio",
    "alerts",
    "originate",
    "decide",
    "disburse",
    "collect",
    "adjust",
    "audit",
    "administer",
]

ROLES: Mapping[str, frozenset[Scope]] = MappingProxyType(
    {
        "admin": frozenset(get_args(Scope)),
        "officer": frozenset(
            {
                *("score", "batches", "explain", "simulate", "models", "applications", "apply"),
                *("book", "portfolio", "originate", "disburse", "collect"),
            }
        ),
        "auditor": frozenset(
            {"models", "metrics", "applications", "book", "portfolio", "alerts", "audit"}
        ),
        "client": frozenset({"score", "explain", "simulate", "models", "applications", "apply"}),
        "collector": frozenset({"book", "collect"}),
        "manager": frozenset(
            {
                *("applications", "apply", "book", "portfolio", "originate", "decide"),
                *("disburse", "collect", "adjust", "explain", "simulate", "models"),
            }
        ),
        "risk": frozenset(
            {
                *("applications", "book", "portfolio", "alerts"),
                *("explain", "simulate", "models", "metrics"),
            }
        ),
    }
)
