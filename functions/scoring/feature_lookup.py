"""Features of applicants who are named by their identifier alone, from a published snapshot."""

import asyncio
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, TypeVar

from functions.web.problems import Fault, TemporaryError, reject_faults
from models.contract import CreditModel, find_identifier, name_from_model
from models.errors import StoreUnavailableError
from models.registry.feature_snapshot import FeatureSnapshot, find_snapshot, read_shard
from models.stores.store import Reader

READS_AT_ONCE = 8
MOST_SHARDS = 64  # in memory, the last used
RETRY_SECONDS = 30
LOOKUP_SECONDS = 4.5  # a caller waits no longer, as for a cold start
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
        self._snapshots: dict[str, tuple[FeatureSnapshot | None, float]] = {}
        self._lock = threading.Lock()  # held for a look into memory, never for a read
        self._shards: OrderedDict[tuple[str, str], Shard] = OrderedDict()

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
        name = find_identifier(model)
        identifiers = [_identifier_alone(name, value) for value in values]
        if name is None or not any(identifiers):
            return None
        pairs = list(zip(identifiers, paths, strict=True))
        reject_faults([Fault(path, MIXED) for identifier, path in pairs if identifier is None])
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                return await self._look_up(model, name, [i for i in identifiers if i], paths)
        except (StoreUnavailableError, TimeoutError) as error:
            message = "the features of applicants cannot be read now"
            raise TemporaryError(message, RETRY_SECONDS) from error

    async def _look_up(
        self, model: type[CreditModel], name: str, identifiers: list[str], paths: list[str]
    ) -> CompleteRows:
        model_name = name_from_model(model)
        if not self._is_fresh(model_name):
            await self._read(partial(self._refresh, model_name))
        snapshot = self._current_snapshot(model_name)
        wanted = {snapshot.shard(identifier) for identifier in identifiers}
        features = {
            i: row for shard in await self._gather_shards(snapshot, wanted) for i, row in shard
        }
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

    async def _gather_shards(
        self, snapshot: FeatureSnapshot, names: set[str]
    ) -> list[Iterable[tuple[str, Mapping[str, Any]]]]:
        """Take shards from memory, and read the others; a failure ends what still waits."""
        held = {name: shard for name in names if (shard := self._held(snapshot, name)) is not None}
        reads = [
            asyncio.ensure_future(self._read(partial(self._read_shard, snapshot, name)))
            for name in names - held.keys()
        ]
        try:
            read = await asyncio.gather(*reads)
        except BaseException:
            for waiting in reads:
                waiting.cancel()
            raise
        return [shard.items() for shard in (*held.values(), *read)]

    async def _read(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    def _is_fresh(self, model_name: str) -> bool:
        _, checked_at = self._snapshots.get(model_name, (None, -math.inf))
        return self._clock() - checked_at < self._refresh_seconds

    def _current_snapshot(self, model_name: str) -> FeatureSnapshot:
        held, _ = self._snapshots.get(model_name, (None, 0.0))
        if held is None or (self._now().date() - held.day).days > self._max_age_days:
            days = f"the last {self._max_age_days} days" if self._max_age_days else "today"
            message = f"no features of {model_name} of {days} are published; send the fields"
            raise TemporaryError(message, RETRY_SECONDS)
        return held

    def _refresh(self, model_name: str) -> None:
        """Look for a newer day; until there is one, the last one serves."""
        held, _ = self._snapshots.get(model_name, (None, 0.0))
        if held is not None:
            self._snapshots[model_name] = (held, self._clock())
        today = self._now().date()
        try:
            newest = find_snapshot(self._reader, model_name, today, self._max_age_days)
        except StoreUnavailableError:
            if held is None:
                raise
            return
        self._snapshots[model_name] = (newest, self._clock())

    def _held(self, snapshot: FeatureSnapshot, name: str) -> Shard | None:
        with self._lock:
            shard = self._shards.get((snapshot.run, name))
            if shard is not None:
                self._shards.move_to_end((snapshot.run, name))
            return shard

    def _read_shard(self, snapshot: FeatureSnapshot, name: str) -> Shard:
        shard = read_shard(self._reader, snapshot, name)
        with self._lock:
            self._shards[snapshot.run, name] = shard
            while len(self._shards) > MOST_SHARDS:
                self._shards.popitem(last=False)
        return shard


def _identifier_alone(name: str | None, row: object) -> str | None:
    if name and isinstance(row, dict) and row.keys() == {name}:
        value = row[name]
        return value if isinstance(value, str) and value else None
    return None
