"""What monitoring says of a model in service: read by day, without listing the store."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from models.errors import ObjectMissingError
from models.figures import Figure
from models.registry.monitored_figures import list_figures
from models.registry.store_paths import monitoring_path
from models.stores.store import Reader

MOST_DAYS = 3  # after which nobody relies on what was measured
MOST_OVERDUE_DAYS = 14  # after which a model counts as one that nobody monitors
MOST_ATTEMPTS = 99

Status = Literal["OK", "DEGRADED"]


class MonitoredStatus(TypedDict):
    """The last monitored day of a version, and the signals that fired on it."""

    day: Annotated[date, Field(description="The monitored day, in UTC.")]
    status: Annotated[Status, Field(description="DEGRADED if a signal fired.")]
    version: Annotated[str, Field(description="The version that was monitored.")]
    signals: Annotated[list[str], Field(description="What fired: the figure and its subject.")]


@dataclass(frozen=True, slots=True)
class MonitoredModel:
    """The last monitored day of a model: what callers are told, and figures for Prometheus."""

    status: MonitoredStatus
    figures: tuple[Figure, ...]


def find_monitored(store: Reader, model_name: str, today: date) -> MonitoredModel | None:
    """Read what was monitored today or on one of the two days before, or return None.

    A document that cannot be read counts as none: monitoring never stops a model.

    Raises
    ------
    StoreUnavailableError
        If the store cannot be reached.
    """
    for days in range(MOST_DAYS):
        data = find_monitored_day(store, model_name, today - timedelta(days=days))
        if data is not None:
            return _read_document(data)
    return None


def find_last_day(store: Reader, model_name: str, today: date) -> date | None:
    """Return the last monitored day before those of `find_monitored`, within two weeks, or None.

    Raises
    ------
    StoreUnavailableError
        If the store cannot be reached.
    """
    for days in range(MOST_DAYS, MOST_OVERDUE_DAYS + 1):
        day = today - timedelta(days=days)
        try:
            store.read(monitoring_path(model_name, day, 1))
        except ObjectMissingError:
            continue
        return day
    return None


def find_monitored_day(store: Reader, model_name: str, day: date) -> bytes | None:
    """Read what monitoring wrote for a day, its last attempt, or return None.

    Raises
    ------
    StoreUnavailableError
        If the store cannot be reached.
    """
    data = None
    for attempt in range(1, MOST_ATTEMPTS + 1):
        try:
            data = store.read(monitoring_path(model_name, day, attempt)).data
        except ObjectMissingError:
            break
    return data


def _read_document(data: bytes) -> MonitoredModel | None:
    try:
        document = json.loads(data)
        fired = [
            f"{signal['name']}: {signal['subject']}"
            for signal in document["signals"]
            if signal["state"] == "fired"
        ]
        members = {name: document[name] for name in ("day", "status", "version")}
        status = TypeAdapter(MonitoredStatus).validate_python(members | {"signals": fired})
        return MonitoredModel(status, tuple(list_figures(document)))
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError):
        return None
