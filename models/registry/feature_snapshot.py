"""Features of applicants by identifier, as they stood at the end of a day.

They are written once and read one shard at a time. A day is complete when its index is there, which
names the run whose shards it means. A shard holds the rows of the identifiers whose hash begins
with its name.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from models.errors import DataError, ObjectExistsError, ObjectMissingError, StoreUnavailableError
from models.registry.store_paths import snapshot_index_path, snapshot_shard_path
from models.stores.store import Reader, Store

FORMAT = 1
ROWS_OF_A_SHARD = 250  # about: what one lookup reads
MOST_DIGITS = 4
RUN_DIGITS = 16

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FeatureSnapshot:
    """A published day: `digits` of an identifier's hash name its shard."""

    model: str
    day: date
    run: str
    digits: int
    rows: int

    def shard(self, identifier: str) -> str:
        """Name the shard that an identifier is in."""
        return hashlib.sha256(identifier.encode()).hexdigest()[: self.digits]


def publish_snapshot(
    store: Store, model_name: str, day: date, rows: Iterable[tuple[str, Fields]]
) -> FeatureSnapshot:
    """Write the features of a day: its shards, then its index. The same rows again change nothing.

    Raises
    ------
    DataError
        If the day is published already, with other rows.
    StoreUnavailableError
        If the store cannot be reached; a second run then ends what this one began.
    """
    by_identifier = dict(rows)
    content = json.dumps(by_identifier, sort_keys=True, separators=(",", ":")).encode()
    snapshot = FeatureSnapshot(
        model=model_name,
        day=day,
        run=hashlib.sha256(content).hexdigest()[:RUN_DIGITS],
        digits=_digits(len(by_identifier)),
        rows=len(by_identifier),
    )
    shards: dict[str, dict[str, Fields]] = {}
    for identifier, fields in sorted(by_identifier.items()):
        shards.setdefault(snapshot.shard(identifier), {})[identifier] = fields
    for name, members in shards.items():
        _create_once(store, _shard_path(snapshot, name), _written(members))
    index = {
        "format": FORMAT,
        "run": snapshot.run,
        "digits": snapshot.digits,
        "rows": snapshot.rows,
    }
    path = snapshot_index_path(model_name, day)
    _create_once(store, path, _written(index))
    if (published := _read_index(store, model_name, day)) != snapshot:
        run = published.run if published else "unreadable"
        message = (
            f"the features of {model_name} on {day} are published already, as run {run}; "
            "publish the next day instead"
        )
        raise DataError(message)
    return snapshot


def find_snapshot(
    reader: Reader, model_name: str, today: date, max_age_days: int
) -> FeatureSnapshot | None:
    """Find the newest published day that is at most so many days old, without listing the store.

    Raises
    ------
    StoreUnavailableError
        If the store cannot be reached.
    """
    for age in range(max_age_days + 1):
        snapshot = _read_index(reader, model_name, today - timedelta(days=age))
        if snapshot is not None:
            return snapshot
    return None


def read_shard(reader: Reader, snapshot: FeatureSnapshot, name: str) -> dict[str, dict[str, Any]]:
    """Read the rows of one shard, by identifier; none if nobody is in it.

    Raises
    ------
    StoreUnavailableError
        If the store cannot be reached, or the shard is not JSON.
    """
    try:
        data = reader.read(_shard_path(snapshot, name)).data
    except ObjectMissingError:
        return {}
    try:
        rows: dict[str, dict[str, Any]] = json.loads(data)
    except ValueError as error:
        message = f"shard {name or 'all'} of {snapshot.model} is not as it was published"
        raise StoreUnavailableError(message) from error
    return rows


def _digits(rows: int) -> int:
    digits = 0
    while digits < MOST_DIGITS and rows > ROWS_OF_A_SHARD * 16**digits:
        digits += 1
    return digits


def _shard_path(snapshot: FeatureSnapshot, name: str) -> str:
    return snapshot_shard_path(snapshot.model, snapshot.day, snapshot.run, name)


def _read_index(reader: Reader, model_name: str, day: date) -> FeatureSnapshot | None:
    """Read the index of a day; one that cannot be read, or of another format, counts as none."""
    try:
        index = json.loads(reader.read(snapshot_index_path(model_name, day)).data)
        if index.pop("format") != FORMAT:
            return None
        return FeatureSnapshot(model=model_name, day=day, **index)
    except (ObjectMissingError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _create_once(store: Store, name: str, data: bytes) -> None:
    """Create an object, unless an earlier run of the same content did."""
    try:
        store.create(name, data)
    except ObjectExistsError:
        return


def _written(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
