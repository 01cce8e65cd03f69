"""What all sessions of this process share: settings, and one connection to each API.

A connection carries no credential: each call brings the token of the person it is made for.
"""

from dataclasses import dataclass

from functions.client.clients import Surety
from functions.client.retries import Retries
from functions.dashboard.settings import DashboardSettings

CALL_SECONDS = 15.0
RETRIES = Retries(most=2, longest_pause_seconds=1.0)
FILE_SECONDS = 120.0
FILE_RETRIES = Retries(most=2, try_seconds=FILE_SECONDS, longest_pause_seconds=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The settings of this process and its connections."""

    settings: DashboardSettings
    lending: Surety
    scoring: Surety | None
    batches: Surety | None = None
    retraining: Surety | None = None

    def close(self) -> None:
        """Close the connections."""
        for connection in (self.lending, self.scoring, self.batches, self.retraining):
            if connection:
                connection.close()


_open: list[Services] = []


def connect(settings: DashboardSettings) -> Services:
    """Connect to the APIs; pages then get these by `services`."""
    use(
        Services(
            settings=settings,
            lending=Surety(settings.lending_url, timeout=CALL_SECONDS, retries=RETRIES),
            scoring=_optional(settings.scoring_url, CALL_SECONDS),
            # Files travel over these, and a version is loaded before it is promoted.
            batches=_optional(settings.batch_url, FILE_SECONDS, FILE_RETRIES),
            retraining=_optional(settings.retrain_url, FILE_SECONDS, FILE_RETRIES),
        )
    )
    return services()


def _optional(url: str | None, seconds: float, retries: Retries = RETRIES) -> Surety | None:
    return Surety(url, timeout=seconds, retries=retries) if url else None


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
