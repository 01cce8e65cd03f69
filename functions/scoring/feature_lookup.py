"""Features of applicants who are named by their identifier alone, from a published snapshot."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, TypeVar

from functions.web.problems import Fault, TemporaryError, reject_faults
from models.contract import CreditModel, characteristics, name_from_model
from models.errors import StoreUnavailableError
from models.registry.feature_snapshot import FeatureSnapshot, find_snapshot, read_shard
from models.stores.store import Reader

READS_AT_ONCE = 8
MOST_SHARDS = 64  # in memory, the last used
RETRY_SECONDS = 30
MIXED = "Either every row is an identifier alone, or none is"

T = TypeVar("T")
Shard = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class CompleteRows:
    """Rows as a caller would have sent them, and the day that their features are from."""

    values: list[object]
    day: date


class FeatureLookup:
    """Finds what a snapshot has of applicants, and keeps what it read in memory.

    `now` is the time by which a snapshot's age counts; `clock` is in seconds.
    """

    def __init__(
        self,
        reader: Reader,
        max_age_days: int,
        refresh_seconds: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader = reader
        self._max_age_days = max_age_days
        self._refresh_seconds = refresh_seconds
        self._now = now
        self._clock = clock
        self._executor = ThreadPoolExecutor(READS_AT_ONCE, "features")
        self._snapshots: dict[str, tuple[FeatureSnapshot, float]] = {}
        self._shards: OrderedDict[tuple[FeatureSnapshot, str], Shard] = OrderedDict()

    async def complete(
        self, model: type[CreditModel], values: list[object], paths: list[str]
    ) -> CompleteRows | None:
        """Return rows with features in the place of identifiers; None if none stands alone.

        Raises
        ------
        RequestError
            If some rows are identifiers and others are not, or an identifier has no features.
        TemporaryError
            If there is no snapshot that is new enough, or it cannot be read now.
        """
        name = _identifier_name(model)
        identifiers = [_identifier_alone(name, value) for value in values]
        if name is None or not any(identifiers):
            return None
        pairs = list(zip(identifiers, paths, strict=True))
        reject_faults([Fault(path, MIXED) for identifier, path in pairs if identifier is None])
        try:
            return await self._look_up(model, name, [i for i in identifiers if i], paths)
        except (StoreUnavailableError, TimeoutError) as error:
            message = "the features of applicants cannot be read now"
            raise TemporaryError(message, RETRY_SECONDS) from error

    async def _look_up(
        self, model: type[CreditModel], name: str, identifiers: list[str], paths: list[str]
    ) -> CompleteRows:
        snapshot = await self._read(partial(self._current_snapshot, name_from_model(model)))
        wanted = {snapshot.shard(identifier) for identifier in identifiers}
        reads = [self._read(partial(self._shard, snapshot, shard)) for shard in wanted]
        shards = await asyncio.gather(*reads)
        features = {i: row for shard in shards for i, row in shard.items()}
        rule = f"The features of {snapshot.day} have nobody of this identifier; send the fields"
        reject_faults(
            [
                Fault(f"{path}.{name}", rule)
                for identifier, path in zip(identifiers, paths, strict=True)
                if identifier not in features
            ]
        )
        rows: list[object] = [{**features[i], name: i} for i in identifiers]
        return CompleteRows(rows, snapshot.day)

    async def _read(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    def _current_snapshot(self, model_name: str) -> FeatureSnapshot:
        today = self._now().date()
        held, checked_at = self._snapshots.get(model_name, (None, 0.0))
        is_fresh = held and self._clock() - checked_at < self._refresh_seconds
        if held is None or not is_fresh:
            held = find_snapshot(self._reader, model_name, today, self._max_age_days)
            if held is not None:
                self._snapshots[model_name] = (held, self._clock())
        if held is None or (today - held.day).days > self._max_age_days:
            days = f"the last {self._max_age_days} days" if self._max_age_days else "today"
            message = f"no features of {model_name} of {days} are published; send the fields"
            raise TemporaryError(message, RETRY_SECONDS)
        return held

    def _shard(self, snapshot: FeatureSnapshot, name: str) -> Shard:
        key = (snapshot, name)
        shard = self._shards.pop(key, None)
        if shard is None:
            shard = read_shard(self._reader, snapshot, name)
        self._shards[key] = shard
        while len(self._shards) > MOST_SHARDS:
            self._shards.popitem(last=False)
        return shard


def _identifier_name(model: type[CreditModel]) -> str | None:
    return next((c.name for c in characteristics(model) if c.identifier), None)


def _identifier_alone(name: str | None, row: object) -> str | None:
    if name and isinstance(row, dict) and row.keys() == {name}:
        value = row[name]
        return value if isinstance(value, str) and value else None
    return None
