"""Verification of runs: everything that was written, against anchors that nobody replaces.

Neither manifest nor summaries are believed: what must be there follows from the anchored plan, and
what it must be from the anchor of each part.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.batch.anchors import UNANCHORED, RunAnchors, find_anchors
from functions.batch.part_verification import PartCheck, PartFault
from functions.batch.plans import RunPlan, parse_plan
from functions.batch.runs import SUCCESS, build_manifest, sha256_hex
from models.errors import DataError, ObjectMissingError
from models.evidence.batch_records import chain_name
from models.evidence.hash_chain import Seal
from models.stores.store import OpenedStore

MOST_FAULTS = 100  # that are listed; all are counted
ALWAYS = ("plan.json", "manifest.json", SUCCESS)
REMOVED = "removed: it was begun, as its anchor says, and is not there"
NOT_ENDED = "every part is anchored, but it is not there: repeat the command, or it was removed"


def verify_runs(
    store: OpenedStore, anchors: OpenedStore | None, seals: Mapping[str, Seal], uri: str
) -> dict[str, Any]:
    """Verify every run below a folder; `uri` is the folder's.

    Raises
    ------
    DataError
        If there is none.
    """
    names = store.names("")
    folders = {n.removesuffix(f"/{end}") for n in names for end in ALWAYS if n.endswith(f"/{end}")}
    faults = []
    for place in RunAnchors(anchors).list_places() if anchors else ():
        folder = place.removeprefix(f"{uri.rstrip('/')}/")
        if folder not in {place, *folders}:
            faults.append(PartFault(folder, 0, REMOVED))
    if not folders and not faults:
        message = "--output: no run was begun below it; name the folder that `score` wrote to"
        raise DataError(message)
    checks = []
    for folder in sorted(folders):
        checks.append(RunCheck(store, find_anchors(anchors, store, folder), seals, folder))
        faults += checks[-1].find_faults()
    return {
        "outcome": "verified" if not faults else "faulty",
        "runs": len(checks),
        "unfinished": sum(check.is_unfinished for check in checks),
        "rows": sum(check.rows for check in checks),
        "anchors": "in DECISION_ANCHOR_STORE" if anchors else "beside the results",
        "faults": len(faults),
        "first_faults": [fault._asdict() for fault in faults[:MOST_FAULTS]],
    }


@dataclass(slots=True)
class RunCheck:
    """The verification of one run; `rows` are those whose records were read."""

    store: OpenedStore
    anchors: RunAnchors
    seals: Mapping[str, Seal]
    folder: str
    rows: int = 0
    is_unfinished: bool = False
    faults: list[PartFault] = field(default_factory=list)

    def find_faults(self) -> list[PartFault]:
        """Check the plan, every part, the manifest, and that nothing else is there."""
        try:
            data = self.store.read(f"{self.folder}/plan.json").data
            plan = parse_plan(data, self.folder)
        except (ObjectMissingError, DataError) as error:
            return [self._fault("plan.json", f"{error}; without it no part can be checked")]
        anchored = self.anchors.read_run(self.seals.get(plan.key), plan.nonce)
        if anchored is None:
            self.faults.append(self._fault("plan.json", UNANCHORED))
        elif anchored != sha256_hex(data):
            return [self._fault("plan.json", "edited: it is not the plan that was anchored")]
        self._check_parts(plan)
        return self.faults

    def _check_parts(self, plan: RunPlan) -> None:
        names = set(self.store.names(f"{self.folder}/"))
        ended = f"{self.folder}/{SUCCESS}" in names
        expected = {f"{self.folder}/{name}" for name in ALWAYS}
        summaries: list[dict[str, Any]] = []
        for part in plan.list_parts():
            chain = chain_name(plan.nonce, plan.object, plan.generation, part.number)
            anchor = self.anchors.read_part(self.seals.get(plan.key), chain)
            check = PartCheck(self.store, self.folder, part, anchor)
            if anchor or ended:
                self.faults += check.find_faults(self.seals)
                self.rows += check.rows
            else:
                self.is_unfinished = True
            expected |= check.names
            summaries += [check.summary] if check.summary else []
        if not self.is_unfinished:
            self._check_end(plan, names, summaries)
        beside = f"{self.anchors.folder}anchors/"
        extra = sorted(n for n in names - expected if not n.startswith(beside))
        self.faults += [PartFault(name, 0, "it is none of this run's objects") for name in extra]

    def _check_end(self, plan: RunPlan, names: set[str], summaries: list[dict[str, Any]]) -> None:
        for name in ("manifest.json", SUCCESS):
            if f"{self.folder}/{name}" not in names:
                self.faults.append(self._fault(name, NOT_ENDED))
        if f"{self.folder}/manifest.json" not in names or len(summaries) < len(plan.parts):
            return
        manifest = json.dumps(build_manifest(plan, summaries), indent=1).encode()
        if self.store.read(f"{self.folder}/manifest.json").data != manifest:
            detail = "edited: it is not what follows from the parts"
            self.faults.append(self._fault("manifest.json", detail))

    def _fault(self, name: str, detail: str) -> PartFault:
        return PartFault(f"{self.folder}/{name}", 0, detail)
