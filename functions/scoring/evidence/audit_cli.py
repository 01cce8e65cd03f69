"""`python -m functions.scoring audit`: a decision log as evidence, and as a person's data."""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from functions.scoring.evidence.replay import Difference, load_by_name, replay
from functions.scoring.settings import AuditSettings, read_audit_settings
from models.errors import SuretyError
from models.evidence.hash_chain import PERSONAL, UNKEYED, Head, Seal
from models.evidence.log_reader import DecisionLogError, Line, read_lines
from models.evidence.log_verification import fault_of, verify
from models.evidence.records import open_private
from models.stores.store import Store
from models.stores.uri import open_store

HEAD = re.compile(r"([0-9a-f]{16}):(\d{1,15}):([0-9a-f]{64})", re.ASCII)
ANCHOR = re.compile(r"anchors/([0-9a-f]{16})/(\d{12,15})\.json", re.ASCII)
SOUND, FAULTY, IMPOSSIBLE = 0, 1, 2


def main(arguments: Sequence[str]) -> int:
    """Run a command: 0 all is well, 1 it is not and why, 2 it could not be told."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options, read_audit_settings())
    except (SuretyError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return IMPOSSIBLE
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m functions.scoring",
        description="Without arguments: serve. `openapi`: print its document.",
    )
    audit = parser.add_subparsers(required=True).add_parser("audit", help="read a decision log")
    commands = audit.add_subparsers(required=True)
    check = commands.add_parser("verify", help="find edits, removals, reorderings and cut tails")
    check.set_defaults(run=_verify)
    check.add_argument("--head", type=_head, action="append", default=[], help="a known end")
    check.add_argument("--anchors", type=str, help="store URI of DECISION_ANCHOR_STORE")
    again = commands.add_parser("replay", help="decide again from the recorded features")
    again.set_defaults(run=_replay)
    again.add_argument("--version", required=True, help="the version to decide by")
    again.add_argument("--store", help="model store URI, if it is not MODEL_STORE")
    show = commands.add_parser("export", help="print an applicant's records")
    show.set_defaults(run=_export)
    erase = commands.add_parser("erase", help="copy a log without an applicant's data")
    erase.set_defaults(run=_erase)
    erase.add_argument("--output", type=Path, required=True, help="a file that is not there yet")
    for command in (show, erase):
        command.add_argument(
            "--applicant", type=_named, required=True, help="as X-Applicant-Id, or the row, said it"
        )
    for command in (check, again, show, erase):
        command.add_argument("file", type=Path, help="decision records, one a line")
    return parser


def _named(text: str) -> str:
    if not text:
        message = "an applicant must be named"
        raise argparse.ArgumentTypeError(message)
    return text


def _verify(options: argparse.Namespace, settings: AuditSettings) -> int:
    heads: list[Head] = list(options.head)
    if options.anchors:
        heads += read_anchored_heads(open_store(options.anchors))
    found = verify(read_lines(options.file), settings.seals, heads)
    for fault in found.faults:
        print(f"line {fault.line}: {fault.what}" if fault.line else fault.what)
    if not found.records:
        message = f"{options.file} holds no decision record"
        raise DecisionLogError(message)
    for line in found.remains:
        print(f"line {line}: remains of a record, of one whose writing failed or that was cut")
    for head in found.heads():
        print(f"head {head}")
    if not heads:
        print("ends of chains not checked: give --head or --anchors")
    if found.unkeyed:
        print(f"{found.unkeyed} records were made without a key: anybody could make them")
    said = f"{found.records} records in {len(found.chains)} chains, {found.erased} erased"
    print(f"{said}: {len(found.faults)} faults")
    return FAULTY if found.faults else SOUND


def read_anchored_heads(store: Store) -> list[Head]:
    """The newest anchored head of every chain.

    Raises
    ------
    DecisionLogError
        If there is none, or an anchor is not one.
    """
    newest: dict[str, str] = {}
    for name in store.names("anchors/"):  # sorted, and a chain's names sort as its records do
        if match := ANCHOR.fullmatch(name):
            newest[match[1]] = name
    if not newest:
        message = "there is no anchor in this store"
        raise DecisionLogError(message)
    return [_anchor(store, name) for name in newest.values()]


def _anchor(store: Store, name: str) -> Head:
    try:
        return _head(json.loads(store.read(name).data)["head"])
    except (ValueError, KeyError, TypeError, argparse.ArgumentTypeError) as error:
        message = f"{name}: not an anchor"
        raise DecisionLogError(message) from error


def _head(text: str) -> Head:
    match = HEAD.fullmatch(text)
    if match is None:
        message = f"a head is chain:sequence:link, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return Head(match[1], int(match[2]), match[3])


def _replay(options: argparse.Namespace, settings: AuditSettings) -> int:
    store = open_store(options.store) if options.store else settings.store
    names = {str(line.record.get("model")) for line in read_lines(options.file) if line.record}
    models = sorted(names & set(settings.catalogue))
    loaded = load_by_name(store, settings.catalogue, models, options.version)
    found = replay(read_lines(options.file), loaded)
    for flip in found.flips:
        print(_shown(flip))
    said = f"{found.replayed} decisions replayed by {loaded.manifest.model} {loaded.version}"
    flipped = f"{len(found.flips)} flips, {len(found.differences)} differences in its own decisions"
    print(f"{said}, {found.passed_over} passed over: {flipped}")
    return FAULTY if found.flips or found.differences else SOUND


def _shown(flip: Difference) -> str:
    before, now = flip.record, flip.now
    probabilities = f"{before['probability_of_default']:.6f} -> {now.probability_of_default:.6f}"
    decisions = f"{before['decision']} -> {now.decision}"
    return f"line {flip.line}: {before.get('decision_id')} {decisions} ({probabilities})"


def _export(options: argparse.Namespace, settings: AuditSettings) -> int:
    count = 0
    for line in _of_applicant(options, settings.seals):
        print(json.dumps(line.record))
        count += 1
    print(f"{count} records of this applicant", file=sys.stderr)
    return SOUND if count else FAULTY


def _erase(options: argparse.Namespace, settings: AuditSettings) -> int:
    known = {seal.name: seal for seal in settings.seals}
    theirs = {line.number for line in _of_applicant(options, settings.seals)}
    if not theirs:
        print("no record of this applicant: nothing was written")
        return FAULTY
    erased_at = datetime.now(UTC).isoformat()
    with open_private(options.output, "xb") as output:
        for line in read_lines(options.file):
            output.write(_erased(line, known, erased_at) if line.number in theirs else line.raw)
    print(f"{len(theirs)} records erased; replace the old file, and its copies, by the new one")
    return SOUND


def _erased(line: Line, known: dict[str, Seal], erased_at: str) -> bytes:
    record = line.record or {}
    mark = known[record["key"]].erasure(record["link"], erased_at)
    kept = {name: value for name, value in record.items() if name not in PERSONAL}
    return json.dumps(kept | {"erased_at": erased_at, "erasure": mark}).encode() + b"\n"


def _of_applicant(options: argparse.Namespace, seals: Sequence[Seal]) -> Iterator[Line]:
    """Lines with an applicant's records.

    Raises
    ------
    DecisionLogError
        Without a key or one that made other records: whose those are cannot be told. Or if such a
        record is not as it was written: erasing it would hide that.
    """
    known = {seal.name: seal for seal in seals}
    if UNKEYED in known:
        message = "DECISION_LOG_KEY is not set: without it no applicant's records can be told"
        raise DecisionLogError(message)
    pseudonyms = {seal.pseudonym(options.applicant) for seal in seals}
    for line in read_lines(options.file):
        if line.record and line.record.get("key") not in {*known, UNKEYED, None}:
            message = f"line {line.number}: made with a key that is not given"
            raise DecisionLogError(message)
        if line.record and line.record.get("applicant") in pseudonyms:
            if fault := fault_of(line.record, known):
                message = f"line {line.number}: {fault}"
                raise DecisionLogError(message)
            yield line
