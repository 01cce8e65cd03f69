"""One task of one request, from its file to its results: what commands, servers and jobs share."""

from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from functions.batch.anchors import find_anchors
from functions.batch.dry_run import check_file
from functions.batch.part_scoring import PartScorer
from functions.batch.plans import (
    BatchRequest,
    Planning,
    RunPlan,
    find_file,
    make_plan,
    run_prefix,
    settle_plan,
)
from functions.batch.runs import RunFiles, Shard, finish_run, run_task
from functions.batch.settings import TaskSettings
from models.contract import CreditModel
from models.errors import DeclarationError
from models.registry.serving import LoadedVersion, load_version
from models.stores.store import Store

MustStop = Callable[[], bool]
Advance = Callable[[int], None]
Show = Callable[[int, Shard], AbstractContextManager[Advance]]


def show_nothing(_rows: int, _shard: Shard) -> AbstractContextManager[Advance]:
    """Show no progress."""
    return nullcontext(lambda _rows: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTask:
    """What a task scores, where it writes, and who wants to know.

    `uri` is the output's. `folder` is the place of the run's own folder in the output, empty or
    with a slash at its end. `show` is told of the rows of this task before they are scored.
    """

    settings: TaskSettings
    request: BatchRequest
    output: Store
    uri: str
    folder: str = ""
    must_stop: MustStop = field(default=lambda: False)
    show: Show = show_nothing

    @property
    def model(self) -> type[CreditModel]:
        """The credit model of the request; an unknown name raises UnknownModelError."""
        return self.settings.catalogue[self.request.model]

    def check(self) -> dict[str, Any]:
        """Check every row of the file, and write nothing. Errors are those of `make_plan`."""
        with closing(find_file(self.request, self.model)) as file:
            return check_file(file, self.model, make_plan(self.request, file, self._planning()))

    def score(self) -> dict[str, Any]:
        """Score the parts of this task; return what the last line of a command prints.

        Raises
        ------
        DataError, DeclarationError
            If the file, the request or a setting cannot be used.
        StoppedError
            If the task must stop.
        """
        settings, model = self.settings, self.model
        with closing(find_file(self.request, model)) as file:
            files = self._place_files(run_prefix(file))
            plan = settle_plan(
                self.output,
                files.prefix,
                self.request,
                lambda: make_plan(self.request, file, self._planning()),
            )
            loaded = _load(plan, model, settings)
            files.anchor_plan(settings.seal, plan.nonce, f"{self.uri.rstrip('/')}/{files.prefix}")
            rows = sum(part.rows for part in settings.shard.select(plan.list_parts()))
            with self.show(rows, settings.shard) as advance:
                scorer = PartScorer(
                    plan, file, model, loaded, settings.seal, self.must_stop, advance
                )
                for _ in run_task(scorer, files, settings.shard):
                    pass
            return _describe(files, rows, finish_run(plan, files))

    def _place_files(self, name: str) -> RunFiles:
        prefix = self.folder + name
        anchors = find_anchors(self.settings.anchors, self.output, prefix)
        return RunFiles(self.output, prefix, anchors)

    def _planning(self) -> Planning:
        now = datetime.now(UTC)
        return Planning(self.settings.store, self.model, self.settings.seal, now)


def _load(plan: RunPlan, model: type[CreditModel], settings: TaskSettings) -> LoadedVersion:
    if plan.key != settings.seal.name:
        message = "DECISION_LOG_KEY: the run was begun with another key; use the same in all tasks"
        raise DeclarationError(message)
    return load_version(settings.store, model, plan.version)


def _describe(files: RunFiles, rows: int, manifest: dict[str, Any] | None) -> dict[str, Any]:
    place = {"output": files.prefix, "rows": rows}
    if manifest is None:
        return {"outcome": "shard_done", **place}
    members = ("model", "model_version", "rows", "scored", "faulty", "decisions")
    return {"outcome": "scored", **place, **{name: manifest[name] for name in members}}
