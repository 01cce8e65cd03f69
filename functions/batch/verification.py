"""Verification of a run's records: every part against its links, its anchor and its manifest."""

import hashlib
import io
import json
from collections.abc import Mapping
from typing import Any

from functions.batch.runs import SUCCESS
from models.errors import DataError, ObjectMissingError
from models.evidence.batch_verification import verify_part
from models.evidence.hash_chain import Head, Seal
from models.stores.store import OpenedStore

MOST_FAULTS = 100  # that are listed; all are counted


def verify_runs(
    store: OpenedStore, anchors: OpenedStore | None, seals: Mapping[str, Seal]
) -> dict[str, Any]:
    """Verify every run below a folder that has ended.

    Raises
    ------
    DataError
        If there is none.
    """
    ends = [n.removesuffix(f"/{SUCCESS}") for n in store.names("") if n.endswith(f"/{SUCCESS}")]
    if not ends:
        message = "--output: no run below it has ended; name the folder that `score` wrote to"
        raise DataError(message)
    faults, rows = list[dict[str, Any]](), 0
    for prefix in ends:
        manifest = json.loads(store.read(f"{prefix}/manifest.json").data)
        rows += manifest["scored"]
        for part in manifest["parts"]:
            faults += _verify_part(store, anchors, seals, (prefix, part))
    outcome = "verified" if not faults else "faulty"
    return {
        "outcome": outcome,
        "runs": len(ends),
        "rows": rows,
        "faults": len(faults),
        "first_faults": faults[:MOST_FAULTS],
    }


def _verify_part(
    store: OpenedStore,
    anchors: OpenedStore | None,
    seals: Mapping[str, Seal],
    part: tuple[str, dict[str, Any]],
) -> list[dict[str, Any]]:
    prefix, listed = part
    number = f"{listed['part']:05d}"
    name = f"{prefix}/records-{number}.parquet"
    try:
        records = store.download(name)
        results = store.download(f"{prefix}/part-{number}.parquet")
    except ObjectMissingError as error:
        return [{"object": name, "row": 0, "detail": str(error)}]
    summary = json.loads(store.read(f"{prefix}/summary-{number}.json").data)
    head = _read_anchor(store, anchors, prefix, summary["head"])
    faults = [
        {"object": name, "row": fault.row, "detail": fault.detail}
        for fault in verify_part(io.BytesIO(records), seals, head)
    ]
    if hashlib.sha256(results).hexdigest() != listed["sha256"]["results"]:
        detail = "edited: the results are not those of the manifest"
        faults.append({"object": f"{prefix}/part-{number}.parquet", "row": 0, "detail": detail})
    return faults


def _read_anchor(
    store: OpenedStore, anchors: OpenedStore | None, prefix: str, text: str | None
) -> Head | None:
    """Return the head as it is anchored, where nobody replaces it; else as the summary has it."""
    if text is None:
        return None
    chain, sequence, link = text.split(":")
    name = f"anchors/{chain}/{int(sequence):012d}.json"
    try:
        data = anchors.read(name) if anchors else store.read(f"{prefix}/{name}")
        chain, sequence, link = json.loads(data.data)["head"].split(":")
    except ObjectMissingError:
        return Head(chain, int(sequence), "its anchor is missing")
    return Head(chain, int(sequence), link)
