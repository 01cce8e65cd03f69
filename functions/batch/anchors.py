"""Anchors of a run: its plan, and how each part ends, where nobody replaces them.

They are in `DECISION_ANCHOR_STORE`, else beside the results. Each carries a mark of the key of the
decision log, so that without the key nobody can write another one.
"""

import hmac
import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic_core import to_json

from models.errors import ObjectExistsError, ObjectMissingError
from models.evidence.hash_chain import Head, Seal
from models.stores.store import Store

UNANCHORED = "its anchor is missing, or was written without the key"


class PartAnchor(NamedTuple):
    """The end of a part's chain, None if no row was scored, and the hashes of its objects."""

    head: Head | None
    sha256: dict[str, str]


@dataclass(frozen=True, slots=True)
class RunAnchors:
    """Where the anchors of runs are: `folder` is empty, or ends with a slash."""

    store: Store
    folder: str = ""

    def write_run(self, seal: Seal, run: str, place: str, plan_sha256: str) -> None:
        """Anchor the plan of a run; `place` is the URI of the folder of its results."""
        members = {"format": 1, "run": run, "place": place, "plan": plan_sha256}
        self._write(seal, f"runs/{run}.json", members)

    def write_part(self, seal: Seal, chain: str, anchor: PartAnchor) -> None:
        """Anchor a part under the name of its chain."""
        head = anchor.head
        members = {
            "format": 1,
            "chain": chain,
            "head": str(head) if head else None,
            "sha256": anchor.sha256,
        }
        self._write(seal, f"{chain}/{head.sequence if head else 0:012d}.json", members)

    def read_run(self, seal: Seal | None, run: str) -> str | None:
        """Return the hash of a run's plan, or None without an anchor that the seal has marked."""
        members = self._read(seal, f"{self.folder}anchors/runs/{run}.json")
        return members["plan"] if members and members.get("run") == run else None

    def read_part(self, seal: Seal | None, chain: str) -> PartAnchor | None:
        """Return how a part ends, or None without one anchor that the seal has marked."""
        names = self.store.names(f"{self.folder}anchors/{chain}/")
        members = self._read(seal, names[0]) if len(names) == 1 else None
        if not members or members.get("chain") != chain:
            return None
        text = members["head"]
        if text is None:
            return PartAnchor(None, members["sha256"])
        name, sequence, link = text.split(":")
        return PartAnchor(Head(name, int(sequence), link), members["sha256"])

    def list_places(self) -> list[str]:
        """Return the folder of every run that was begun."""
        names = self.store.names(f"{self.folder}anchors/runs/")
        documents = (json.loads(self.store.read(name).data) for name in names)
        return sorted({document["place"] for document in documents})

    def _write(self, seal: Seal, name: str, members: dict[str, Any]) -> None:
        document = json.dumps(members | {"mark": seal.anchor_mark(to_json(members))}).encode()
        create_once(self.store, f"{self.folder}anchors/{name}", document)

    def _read(self, seal: Seal | None, name: str) -> dict[str, Any] | None:
        try:
            members: dict[str, Any] = json.loads(self.store.read(name).data)
            mark = str(members.pop("mark"))
        except (ObjectMissingError, ValueError, KeyError, AttributeError):
            return None
        is_marked = seal is None or hmac.compare_digest(seal.anchor_mark(to_json(members)), mark)
        return members if is_marked else None


def find_anchors(anchors: Store | None, output: Store, folder: str) -> RunAnchors:
    """Return where the anchors of a run are: in a store of their own, else in the run's folder."""
    return RunAnchors(output, f"{folder}/") if anchors is None else RunAnchors(anchors)


def create_once(store: Store, name: str, data: bytes) -> None:
    """Write an object, unless it is there."""
    try:
        store.create(name, data)
    except ObjectExistsError:
        # Another task had the same part, or our own write succeeded and its reply was lost.
        return
