"""What all sessions of this process share: settings, and one connection to each API.

A connection carries no credential: each call brings the token of the person it is made for.
"""

from dataclasses import dataclass

from functions.client.clients import Surety
from functions.client.retries import Retries
from functions.dashboard.settings import DashboardSettings

CALL_SECONDS = 15.0
RETRIES = Retries(most=2, longest_pause_seconds=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The settings of this process and its connections."""

    settings: DashboardSettings
    lending: Surety
    scoring: Surety | None

    def close(self) -> None:
        """Close the connections."""
        self.lending.close()
        if self.scoring:
            self.scoring.close()


_open: list[Services] = []


def connect(settings: DashboardSettings) -> Services:
    """Connect to the APIs; pages then get these by `services`."""
    lending = Surety(settings.lending_url, timeout=CALL_SECONDS, retries=RETRIES)
    scoring = None
    if settings.scoring_url:
        scoring = Surety(settings.scoring_url, timeout=CALL_SECONDS, retries=RETRIES)
    use(Services(settings=settings, lending=lending, scoring=scoring))
    return services()


def use(opened: Services) -> None:
    """Make pages use these services."""
    _open[:] = [opened]


def close_all() -> None:
    """Close what is open; pages have nothing to ask afterwards."""
    for opened in _open:
        opened.close()
    _open.clear()


def services() -> Services:
    """Return what `connect` opened."""
    return _open[0]
