"""What all sessions of this process share: settings, and one connection to each API.

A connection carries no credential of a person: each call brings the token of who it is made for.
"""

from dataclasses import dataclass

from functions.client.clients import Surety
from functions.client.credentials import PlatformCredential, google_id_token
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

    def open_to(url: str, seconds: float = CALL_SECONDS, retries: Retries = RETRIES) -> Surety:
        identity = PlatformCredential(google_id_token(url)) if settings.has_identity else None
        return Surety(url, credential=identity, timeout=seconds, retries=retries)

    batch, retrain = settings.batch_url, settings.retrain_url
    use(
        Services(
            settings=settings,
            lending=open_to(settings.lending_url),
            scoring=open_to(settings.scoring_url) if settings.scoring_url else None,
            # Files travel over these, and a version is loaded before it is promoted.
            batches=open_to(batch, FILE_SECONDS, FILE_RETRIES) if batch else None,
            retraining=open_to(retrain, FILE_SECONDS, FILE_RETRIES) if retrain else None,
        )
    )
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
