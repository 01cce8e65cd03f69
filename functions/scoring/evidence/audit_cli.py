"""`python -m functions.scoring audit`: verify, replay, export from and erase in a log."""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from functions.scoring.evidence.decision_log import open_private
from functions.scoring.evidence.replay import Difference, load_by_name, replay
from functions.scoring.settings import EvidenceSettings, read_evidence_settings
from models.errors import SuretyError
from models.evidence.hash_chain import UNKEYED, Head, Seal
from models.evidence.log_reader import DecisionLogError, LogLine, read_lines
from models.evidence.log_verification import check_record, verify
from models.evidence.records import PERSONAL
from models.stores.store import Store
from models.stores.uri import open_store

HEAD = re.compile(r"([0-9a-f]{16}):(\d{1,15}):([0-9a-f]{64})", re.ASCII)
ANCHOR = re.compile(r"anchors/([0-9a-f]{16})/(\d{12,15})\.json", re.ASCII)
EXIT_SOUND, EXIT_FAULTY, EXIT_UNUSABLE = 0, 1, 2


def main(arguments: Sequence[str]) -> int:
    """Run a command. 0: no faults; 1: faults, each printed; 2: it cannot be decided."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options, read_evidence_settings())
    except (SuretyError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m functions.scoring",
        description="Without arguments: serve. `openapi`: print the OpenAPI document.",
    )
    audit = parser.add_subparsers(required=True).add_parser("audit", help="read a decision log")
    commands = audit.add_subparsers(required=True)
    verify_parser = commands.add_parser(
        "verify", help="find edits, removals, reorderings and truncated logs"
    )
    verify_parser.set_defaults(run=_verify)
    verify_parser.add_argument(
        "--head", type=_head, action="append", default=[], help="the known end of a chain"
    )
    verify_parser.add_argument("--anchors", type=str, help="store URI of DECISION_ANCHOR_STORE")
    replay_parser = commands.add_parser("replay", help="decide again from the recorded features")
    replay_parser.set_defaults(run=_replay)
    replay_parser.add_argument("--version", required=True, help="the version that decides")
    replay_parser.add_argument("--store", help="model store URI, if it is not MODEL_STORE")
    export_parser = commands.add_parser("export", help="print an applicant's records")
    export_parser.set_defaults(run=_export)
    erase_parser = commands.add_parser("erase", help="copy a log without an applicant's data")
    erase_parser.set_defaults(run=_erase)
    erase_parser.add_argument("--output", type=Path, required=True, help="a file to be created")
    for command in (export_parser, erase_parser):
        command.add_argument(
            "--applicant",
            type=_not_empty,
            required=True,
            help="the applicant's id, as X-Applicant-Id or the row stated it",
        )
    for command in (verify_parser, replay_parser, export_parser, erase_parser):
        command.add_argument("file", type=Path, help="decision records, one a line")
    return parser


def _not_empty(text: str) -> str:
    if not text:
        message = "must not be empty"
        raise argparse.ArgumentTypeError(message)
    return text


def _verify(options: argparse.Namespace, settings: EvidenceSettings) -> int:
    heads: list[Head] = list(options.head)
    if options.anchors:
        heads += read_anchored_heads(open_store(options.anchors))
    findings = verify(read_lines(options.file), settings.seals, heads)
    for fault in findings.faults:
        print(f"line {fault.line}: {fault.detail}" if fault.line else fault.detail)
    if not findings.records:
        message = f"{options.file} holds no decision record"
        raise DecisionLogError(message)
    for line in findings.fragments:
        print(f"line {line}: fragment of a record that was cut, or whose writing failed")
    for head in findings.heads():
        print(f"head {head}")
    if not heads:
        print("ends of chains not checked: give --head or --anchors")
    if findings.unkeyed:
        print(f"{findings.unkeyed} records were made without a key: anyone could have made them")
    counts = f"{findings.records} records in {len(findings.chains)} chains"
    print(f"{counts}, {findings.erased} erased: {len(findings.faults)} faults")
    return EXIT_FAULTY if findings.faults else EXIT_SOUND


def read_anchored_heads(store: Store) -> list[Head]:
    """Read the newest anchored head of every chain.

    Raises
    ------
    DecisionLogError
        If there is none, or an object under `anchors/` is not an anchor.
    """
    newest: dict[str, str] = {}
    for name in store.names("anchors/"):  # sorted, and a chain's names sort as its records do
        if match := ANCHOR.fullmatch(name):
            newest[match[1]] = name
    if not newest:
        message = "there is no anchor in this store"
        raise DecisionLogError(message)
    return [_read_anchor(store, name) for name in newest.values()]


def _read_anchor(store: Store, name: str) -> Head:
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


def _replay(options: argparse.Namespace, settings: EvidenceSettings) -> int:
    store = open_store(options.store) if options.store else settings.store
    names = {str(line.record.get("model")) for line in read_lines(options.file) if line.record}
    models = sorted(names & set(settings.catalogue))
    loaded = load_by_name(store, settings.catalogue, models, options.version)
    result = replay(read_lines(options.file), loaded)
    for flip in result.flips:
        print(_describe_flip(flip))
    version = f"{loaded.manifest.model} {loaded.version}"
    counts = f"{result.replayed} decisions replayed by {version}, {result.skipped} skipped"
    flips = f"{len(result.flips)} flips"
    print(f"{counts}: {flips}, {len(result.differences)} differences in its own decisions")
    return EXIT_FAULTY if result.flips or result.differences else EXIT_SOUND


def _describe_flip(flip: Difference) -> str:
    record, decision = flip.record, flip.decision
    before, after = record["probability_of_default"], decision.probability_of_default
    change = f"{record['decision']} -> {decision.decision} ({before:.6f} -> {after:.6f})"
    return f"line {flip.line}: {record.get('decision_id')} {change}"


def _export(options: argparse.Namespace, settings: EvidenceSettings) -> int:
    count = 0
    for line in _lines_of_applicant(options, settings.seals):
        print(json.dumps(line.record))
        count += 1
    print(f"{count} records of this applicant", file=sys.stderr)
    return EXIT_SOUND if count else EXIT_FAULTY


def _erase(options: argparse.Namespace, settings: EvidenceSettings) -> int:
    seals = {seal.name: seal for seal in settings.seals}
    numbers = {line.number for line in _lines_of_applicant(options, settings.seals)}
    if not numbers:
        print("no record of this applicant: nothing was written")
        return EXIT_FAULTY
    erased_at = datetime.now(UTC).isoformat()
    with open_private(options.output, "xb") as output:
        for line in read_lines(options.file):
            is_theirs = line.number in numbers
            output.write(_erase_line(line, seals, erased_at) if is_theirs else line.raw)
    print(f"{len(numbers)} records erased; replace the old file and its copies with the new one")
    return EXIT_SOUND


def _erase_line(line: LogLine, seals: dict[str, Seal], erased_at: str) -> bytes:
    record = line.record or {}
    mark = seals[record["key"]].erasure(record["link"], erased_at)
    remaining = {name: value for name, value in record.items() if name not in PERSONAL}
    return json.dumps(remaining | {"erased_at": erased_at, "erasure": mark}).encode() + b"\n"


def _lines_of_applicant(options: argparse.Namespace, seals: Sequence[Seal]) -> Iterator[LogLine]:
    """Return lines with an applicant's records.

    Raises
    ------
    DecisionLogError
        Without a key, or with one that did not make some of the records: their applicants are
        unknown. Or if a record was edited: erasing it would hide that.
    """
    by_name = {seal.name: seal for seal in seals}
    if UNKEYED in by_name:
        message = "DECISION_LOG_KEY is not set: without it no applicant's records can be found"
        raise DecisionLogError(message)
    pseudonyms = {seal.pseudonym(options.applicant) for seal in seals}
    for line in read_lines(options.file):
        if line.record and line.record.get("key") not in {*by_name, UNKEYED, None}:
            message = f"line {line.number}: made with a key that is not in DECISION_LOG_KEY"
            raise DecisionLogError(message)
        if line.record and line.record.get("applicant") in pseudonyms:
            if fault := check_record(line.record, by_name):
                message = f"line {line.number}: {fault}"
                raise DecisionLogError(message)
            yield line
