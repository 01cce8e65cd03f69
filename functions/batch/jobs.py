"""Batches as objects of a store: created once and never replaced, so that they survive a restart.

What a batch is doing follows from which objects exist: its request, its plan, the summaries of its
parts, and one object that says how it ended. A batch may be cancelled and resumed again and again:
`cancelled-N.json` stops it for the time N, and `resumed-N.json` takes that back.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json
from typing_extensions import TypedDict

from functions.batch.errors import BatchStateError, UnknownBatchError
from functions.batch.plans import BatchRequest, Reasons, RunPlan, read_plan
from functions.batch.runs import SUCCESS
from models.errors import ObjectExistsError, ObjectMissingError
from models.stores.store import OpenedStore

FOLDER = "batches/"
ID_DIGITS = 32
Ending = Literal["failed", "checked"]
Status = Literal["queued", "running", "succeeded", "checked", "failed", "cancelled"]


class BatchJob(BaseModel):
    """A batch as it was asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    request: BatchRequest
    owner: str | None
    dry_run: bool
    created_at: datetime

    @property
    def folder(self) -> str:
        """Where the objects of the batch are."""
        return f"{FOLDER}{self.id}/"


class BatchState(TypedDict):
    """A batch, and how far it is."""

    id: str
    status: Status
    model: str
    model_version: str | None
    input: str
    reasons: Reasons
    dry_run: bool
    created_at: datetime
    rows: int | None
    rows_done: int | None
    scored: int | None
    faulty: int | None
    decisions: dict[str, int] | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Jobs:
    """All batches of a store."""

    store: OpenedStore
    uri: str

    def create(self, job: BatchJob) -> BatchJob:
        """Write a batch, or return the one that was written first under its id.

        Raises
        ------
        BatchStateError
            If that one asks for something else.
        """
        try:
            self.store.create(f"{job.folder}batch.json", job.model_dump_json(indent=1).encode())
        except ObjectExistsError:
            first = self.read(job.id)
            if (first.request, first.dry_run) != (job.request, job.dry_run):
                message = "this Idempotency-Key was used for another batch; use a new one for this"
                raise BatchStateError(message) from None
            return first
        return job

    def upload(self, batch_id: str, name: str, data: bytes) -> str:
        """Write the file of a batch, and return its URI; the same key has the same content."""
        path = f"{FOLDER}{batch_id}/{name}"
        try:
            self.store.create(path, data)
        except ObjectExistsError:
            if self.store.download(path) != data:
                message = "this Idempotency-Key was used for another file; use a new one for this"
                raise BatchStateError(message) from None
        return f"{self.uri.rstrip('/')}/{path}"

    def read(self, batch_id: str) -> BatchJob:
        """Read a batch.

        Raises
        ------
        UnknownBatchError
            If there is none of this id.
        """
        try:
            data = self.store.read(f"{FOLDER}{batch_id}/batch.json").data
        except ObjectMissingError as error:
            raise UnknownBatchError from error
        return BatchJob.model_validate_json(data)

    def exists(self, batch_id: str) -> bool:
        """Whether a batch has this id."""
        return bool(self.store.names(f"{FOLDER}{batch_id}/batch.json"))

    def read_faults(self, prefix: str) -> Iterator[bytes]:
        """Yield the faults of the parts that are complete, one JSON object a line."""
        for name in self.store.names(f"{prefix}/faults-"):
            yield self.store.download(name)

    def end(self, job: BatchJob, ending: Ending, document: dict[str, Any]) -> None:
        """Write how a batch ended, unless that is written."""
        self._mark(f"{job.folder}{ending}.json", document)

    def cancel(self, job: BatchJob) -> None:
        """Write that a batch is to stop, unless that is written."""
        self._mark(self._name_stop(job), {"detail": "cancelled by its owner"})

    def resume(self, job: BatchJob) -> None:
        """Write that a batch goes on after all, unless it was not cancelled."""
        stop = self._name_stop(job)
        if self.store.names(stop):
            self._mark(stop.replace("/cancelled-", "/resumed-"), {})

    def find_ending(self, job: BatchJob) -> tuple[Status | None, dict[str, Any]]:
        """Return how a batch ended, and what was written of it; None if it has not."""
        names = self.store.names(job.folder)
        if any(name.endswith(f"/{SUCCESS}") for name in names):
            return "succeeded", {}
        stop = self._name_stop(job)
        objects: dict[Status, str] = {e: f"{job.folder}{e}.json" for e in get_args(Ending)}
        for ending, name in (objects | {"cancelled": stop}).items():
            if name in names:
                return ending, json.loads(self.store.read(name).data)
        return None, {}

    def is_cancelled(self, job: BatchJob) -> bool:
        """Whether somebody has cancelled a batch."""
        return bool(self.store.names(self._name_stop(job)))

    def list_open(self) -> list[BatchJob]:
        """Return the batches that have not ended, in the order of their creation."""
        suffix = "/batch.json"
        names = [name for name in self.store.names(FOLDER) if name.endswith(suffix)]
        jobs = [self.read(name.removeprefix(FOLDER).removesuffix(suffix)) for name in names]
        is_open = [job for job in jobs if self.find_ending(job)[0] is None]
        return sorted(is_open, key=lambda job: job.created_at)

    def find_run(self, job: BatchJob) -> tuple[str, RunPlan] | None:
        """Return folder and plan of a batch's run, if it has begun."""
        for name in self.store.names(job.folder):
            if name.endswith("/plan.json"):
                prefix = name.removesuffix("/plan.json")
                return prefix, read_plan(self.store, prefix)
        return None

    def _name_stop(self, job: BatchJob) -> str:
        """Name the object that cancels a batch, after the times that it was resumed."""
        resumed = len(self.store.names(f"{job.folder}resumed-"))
        return f"{job.folder}cancelled-{resumed:05d}.json"

    def _mark(self, name: str, document: dict[str, Any]) -> None:
        try:
            self.store.create(name, json.dumps(document).encode())
        except ObjectExistsError:
            return

    def describe(self, job: BatchJob) -> BatchState:
        """Describe a batch, and how far it is."""
        status, ending = self.find_ending(job)
        run = self.find_run(job)
        reply: BatchState = {
            "id": job.id,
            "status": status or ("running" if run else "queued"),
            "model": job.request.model,
            "model_version": run[1].version.version if run else ending.get("model_version"),
            "input": job.request.input,
            "reasons": job.request.reasons,
            "dry_run": job.dry_run,
            "created_at": job.created_at,
            "rows": run[1].rows if run else ending.get("rows"),
            "rows_done": None,
            "scored": None,
            "faulty": ending.get("faulty"),
            "decisions": None,
            "detail": ending.get("detail"),
        }
        return _add_progress(reply, self._summarise(run[0], run[1])) if run else reply

    def _summarise(self, prefix: str, plan: RunPlan) -> dict[str, Any]:
        """Add up the parts that are complete: from the manifest, once there is one."""
        names = self.store.names(f"{prefix}/")
        if f"{prefix}/manifest.json" in names:
            manifest: dict[str, Any] = json.loads(self.store.read(f"{prefix}/manifest.json").data)
            return manifest
        start = f"{prefix}/summary-"
        numbers = {int(n[len(start) : -len(".json")]) for n in names if n.startswith(start)}
        return {"rows": sum(part.rows for part in plan.list_parts() if part.number in numbers)}


def _add_progress(reply: BatchState, summary: dict[str, Any]) -> BatchState:
    reply["rows_done"] = summary["rows"]
    reply["scored"], reply["faulty"] = summary.get("scored"), summary.get("faulty")
    reply["decisions"] = summary.get("decisions")
    return reply


def batch_id(owner: str | None, key: str | None) -> str:
    """Name a batch: the same when its owner repeats the request under its key."""
    if key is None:
        return f"batch_{secrets.token_hex(ID_DIGITS // 2)}"
    return f"batch_{hashlib.sha256(to_json([owner, key])).hexdigest()[:ID_DIGITS]}"
