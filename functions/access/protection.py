"""From the settings of access to how a service is protected."""

from collections.abc import Sequence
from functools import partial

from functions.access.settings import Access, Auth
from functions.web.app_factory import Protection
from functions.web.contract import ScopedRoute
from functions.web.logs import log
from functions.web.settings import Listening

CREDENTIALS: dict[Auth, str] = {
    "iam": "A Google ID token whose audience is the service's own address",
    "api-key": "A key made by `python -m functions.access new`",
    "jwt": "A token of the configured issuer",
}


def protection_from(access: Access, listening: Listening) -> Protection:
    """Protect a service as its settings say, and warn if anyone can call it."""
    if access.auth == "none" and not listening.is_loopback:
        log("WARNING", "AUTH is none: anyone who can reach this port is answered")
    return Protection(
        guard=partial(_guard, access) if access.checks_callers else None,
        credential=CREDENTIALS.get(access.auth),
        covers_every_route=access.auth == "iam",
        origins=access.origins,
    )


def _guard(access: Access, routes: Sequence[ScopedRoute]) -> None:
    from functions.access.guard import guard_routes  # noqa: PLC0415 -- most settings need none

    guard_routes(routes, access)
