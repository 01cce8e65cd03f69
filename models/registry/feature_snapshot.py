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
    """A published day: `digits` of an identifier's hash name its shard, one of `shards`."""

    model: str
    day: date
    run: str
    digits: int
    rows: int
    shards: tuple[str, ...]

    def shard(self, identifier: str) -> str:
        """Name the shard that an identifier is in."""
        return _shard_name(identifier, self.digits)


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
    by_identifier = dict(sorted(rows))
    digits = _digits(len(by_identifier))
    shards: dict[str, dict[str, Fields]] = {}
    for identifier, fields in by_identifier.items():
        shards.setdefault(_shard_name(identifier, digits), {})[identifier] = fields
    snapshot = FeatureSnapshot(
        model=model_name,
        day=day,
        run=hashlib.sha256(_written(by_identifier)).hexdigest()[:RUN_DIGITS],
        digits=digits,
        rows=len(by_identifier),
        shards=tuple(sorted(shards)),
    )
    for name, members in shards.items():
        _create_once(store, _shard_path(snapshot, name), _written(members))
    _create_once(store, snapshot_index_path(model_name, day), _index(snapshot))
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
    """Read the rows of one shard, by identifier; none if it was published without anybody.

    Raises
    ------
    StoreUnavailableError
        If the store cannot be reached, or the shard is missing or not JSON.
    """
    if name not in snapshot.shards:
        return {}
    try:
        rows: dict[str, dict[str, Any]] = json.loads(reader.read(_shard_path(snapshot, name)).data)
    except (ObjectMissingError, ValueError) as error:
        message = f"shard {name or 'all'} of {snapshot.model} is not as it was published"
        raise StoreUnavailableError(message) from error
    return rows


def _shard_name(identifier: str, digits: int) -> str:
    return hashlib.sha256(identifier.encode()).hexdigest()[:digits]


def _index(snapshot: FeatureSnapshot) -> bytes:
    members = ("run", "digits", "rows", "shards")
    return _written({"format": FORMAT, **{name: getattr(snapshot, name) for name in members}})


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
        shards = tuple(map(str, index.pop("shards")))
        return FeatureSnapshot(model=model_name, day=day, shards=shards, **index)
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
