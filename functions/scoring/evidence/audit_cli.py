"""`python -m functions.scoring audit`: verify, replay, export from and erase in a log."""

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from functions.scoring.evidence.decision_log import open_private
from functions.scoring.evidence.replay import Difference, load_by_name, replay
from functions.scoring.settings import EvidenceSettings, read_evidence_settings
from models.errors import SuretyError
from models.evidence.erasure import DecisionSelection, erase, is_erased
from models.evidence.hash_chain import UNKEYED, Head, Seal
from models.evidence.log_reader import (
    DecisionLogError,
    LogFiles,
    LogLine,
    decisions_in,
    read_lines,
)
from models.evidence.log_verification import WHOLE_LOG, Findings, LogFault, Window, verify
from models.evidence.record_check import check_record
from models.stores.store import Store
from models.stores.uri import open_store

HEAD = re.compile(r"([0-9a-f]{16}):(\d{1,15}):([0-9a-f]{64})", re.ASCII)
ANCHOR = re.compile(r"anchors/([0-9a-f]{16})/(\d{12,15})\.json", re.ASCII)
FILES = "decision records, one a line: a log, or what Google Cloud exports; or a folder of such"
IN_USE = """If the service still writes to {file}, do it in this order, so that no record is lost:
  mv {file} {file}.1     # the service goes on in a new {file}
  audit erase {file}.1 {selected} --output {output}
  mv {output} {file}.1"""
UNKNOWN_BEFORE = "nothing shows whether those before it are older than the window or were removed"
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
    export_parser = commands.add_parser("export", help="print decisions about an applicant")
    export_parser.set_defaults(run=_export)
    erase_parser = commands.add_parser("erase", help="copy a log without some decisions' data")
    erase_parser.set_defaults(run=_erase)
    erase_parser.add_argument("--output", type=Path, required=True, help="a file to be created")
    for command in (export_parser, erase_parser):
        _add_selection(command)
    for name, text in (("from", "decided at this time or later"), ("to", "decided by this time")):
        verify_parser.add_argument(f"--{name}", dest=name + "_", type=_time, help=text)
    verify_parser.add_argument("--model", help="only records of this model")
    for command in (verify_parser, replay_parser, export_parser):
        command.add_argument("files", type=Path, nargs="+", metavar="file", help=FILES)
    erase_parser.add_argument("file", type=Path, help="one such file")
    return parser


def _add_selection(command: argparse.ArgumentParser) -> None:
    """Let a command say which decisions it means."""
    command.add_argument(
        "--applicant",
        type=_not_empty,
        help="the applicant's id, as X-Applicant-Id or the row stated it",
    )
    command.add_argument(
        "--decision",
        type=_not_empty,
        action="append",
        default=[],
        help="the id of a decision, as its response stated it; repeatable",
    )


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"must be a time such as 2026-11-21 or 2026-11-21T01:44:00Z, not {text!r}"
        raise argparse.ArgumentTypeError(message) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _not_empty(text: str) -> str:
    if not text:
        message = "must not be empty"
        raise argparse.ArgumentTypeError(message)
    return text


def _verify(options: argparse.Namespace, settings: EvidenceSettings) -> int:
    heads: list[Head] = list(options.head)
    window = Window(since=options.from_, until=options.to_, model=options.model)
    if options.anchors:
        heads += read_anchored_heads(open_store(options.anchors), window)
    lines = LogFiles(options.files)
    findings = verify(lines, settings.seals, heads, window)
    for fault in findings.faults:
        print(f"{_locate(lines, fault)}: {fault.detail}" if fault.line else fault.detail)
    if not findings.records and not findings.faults:
        message = f"no decision record in {' '.join(map(str, options.files))}"
        raise DecisionLogError(message + " within --from, --to and --model" * (window != WHOLE_LOG))
    _print_notes(findings, lines)
    if not heads:
        print("ends of chains not checked: give --head or --anchors")
    records = f"{findings.records} records of {len(findings.chains)} chains"
    counts = f"{findings.decisions} decisions in {records}, {findings.erased} erased"
    print(f"{counts}: {findings.fault_count} faults")
    return EXIT_FAULTY if findings.fault_count else EXIT_SOUND


def _locate(lines: LogFiles, fault: LogFault) -> str:
    place = f", decision {fault.place}" if fault.place else ""
    return f"{lines.locate(fault.line)}{place}"


def _print_notes(findings: Findings, lines: LogFiles) -> None:
    """Print what is no fault, and worth knowing."""
    if len(findings.faults) < findings.fault_count:
        print(f"and {findings.fault_count - len(findings.faults)} more faults")
    for line in findings.fragments:
        print(f"{lines.locate(line)}: fragment of a record that was cut, or whose writing failed")
    for chain, sequence in findings.begins.items():
        print(f"chain {chain} begins at record {sequence}; {UNKNOWN_BEFORE}")
    if findings.unproved:
        cause = "they are of other models, or were removed"
        print(f"{findings.unproved} records between those of this model are not there: {cause}")
    for head in findings.heads():
        print(f"head {head}")
    if findings.repeated:
        print(f"{findings.repeated} records were delivered more than once, the same each time")
    if findings.unkeyed:
        print(f"{findings.unkeyed} records were made without a key: anyone could have made them")


def read_anchored_heads(store: Store, window: Window = WHOLE_LOG) -> list[Head]:
    """Read the newest anchored head of every chain, of those written within a window.

    Raises
    ------
    DecisionLogError
        If there is none, or an object under `anchors/` is not an anchor.
    """
    by_chain: dict[str, list[str]] = defaultdict(list)
    for name in store.names("anchors/"):  # sorted, and a chain's names sort as its records do
        if match := ANCHOR.fullmatch(name):
            by_chain[match[1]].append(name)
    if not by_chain:
        message = "there is no anchor in this store"
        raise DecisionLogError(message)
    newest = (_newest_anchor(store, names, window) for names in by_chain.values())
    return [head for head in newest if head is not None]


def _newest_anchor(store: Store, names: Sequence[str], window: Window) -> Head | None:
    """Read the newest anchor of a chain that the window's records must reach, if there is one."""
    for name in reversed(names):
        head, at = _read_anchor(store, name)
        if window.since and at < window.since:
            return None  # all of its records may have been decided before the window
        if window.until is None or at <= window.until:
            return head
    return None


def _read_anchor(store: Store, name: str) -> tuple[Head, datetime]:
    try:
        document = json.loads(store.read(name).data)
        return _head(document["head"]), datetime.fromisoformat(document["at"])
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
    lines = LogFiles(options.files)
    names = {str(line.record.get("model")) for line in lines if line.record}
    models = sorted(names & set(settings.catalogue))
    loaded = load_by_name(store, settings.catalogue, models, options.version)
    result = replay(lines, loaded)
    for flip in result.flips:
        print(f"{lines.locate(flip.line)}: {_describe_flip(flip)}")
    version = f"{loaded.manifest.model} {loaded.version}"
    counts = f"{result.replayed} decisions replayed by {version}, {result.skipped} skipped"
    flips = f"{len(result.flips)} flips"
    print(f"{counts}: {flips}, {len(result.differences)} differences in its own decisions")
    return EXIT_FAULTY if result.flips or result.differences else EXIT_SOUND


def _describe_flip(flip: Difference) -> str:
    record, decision = flip.record, flip.decision
    before, after = record["probability_of_default"], decision.probability_of_default
    change = f"{record['decision']} -> {decision.decision} ({before:.6f} -> {after:.6f})"
    return f"{record.get('decision_id')} {change}"


def _export(options: argparse.Namespace, settings: EvidenceSettings) -> int:
    selection = _selection(options, settings.seals)
    count = 0
    for line in _selected_lines(LogFiles(options.files), selection, settings.seals):
        for decision in decisions_in(line.record or {}):
            if selection.includes(decision):
                print(json.dumps(decision))
                count += 1
    print(f"{count} decisions about this applicant, or of these ids", file=sys.stderr)
    return EXIT_SOUND if count else EXIT_FAULTY


def _erase(options: argparse.Namespace, settings: EvidenceSettings) -> int:
    seals = {seal.name: seal for seal in settings.seals}
    lines = read_lines(options.file)
    selection = _selection(options, settings.seals)
    numbers = {
        line.number
        for line in _selected_lines(lines, selection, settings.seals)
        if any(selection.includes(d) and not is_erased(d) for d in decisions_in(line.record or {}))
    }
    if not numbers:
        print("no decision about this applicant or of these ids is left: nothing was written")
        return EXIT_FAULTY
    count, erased_at = 0, datetime.now(UTC).isoformat()
    with open_private(options.output, "xb") as output:
        for line in lines:
            raw = line.raw
            if line.number in numbers and line.record:
                seal = seals[line.record["key"]]
                record, erased = erase(line.record, selection, seal, erased_at)
                raw, count = line.with_record(record), count + erased
            output.write(raw)
    print(f"{count} decisions erased; replace the old file and its copies with the new one.")
    selected = "--applicant ID" if options.applicant else "--decision ID"
    print(IN_USE.format(file=options.file, output=options.output, selected=selected))
    return EXIT_SOUND


def _selection(options: argparse.Namespace, seals: Sequence[Seal]) -> DecisionSelection:
    """Return the decisions that the options name.

    Raises
    ------
    DecisionLogError
        If they name none, or an applicant without a key: nobody has a pseudonym then.
    """
    if not (options.applicant or options.decision):
        message = "name an --applicant, or decisions by --decision"
        raise DecisionLogError(message)
    if not options.applicant:
        return DecisionSelection(decision_ids=frozenset(options.decision))
    if any(seal.name == UNKEYED for seal in seals):
        message = (
            "DECISION_LOG_KEY is not set: without it no applicant's records can be found; use "
            "--decision"
        )
        raise DecisionLogError(message)
    names = (seal.pseudonym(options.applicant) for seal in seals)
    return DecisionSelection(frozenset(filter(None, names)), frozenset(options.decision))


def _selected_lines(
    lines: LogFiles, selection: DecisionSelection, seals: Sequence[Seal]
) -> Iterator[LogLine]:
    """Return lines with decisions that are meant.

    Raises
    ------
    DecisionLogError
        If a key made some of the records that is not given: their applicants are unknown. Or if a
        record was edited: erasing it would hide that.
    """
    by_name = {seal.name: seal for seal in seals}
    for line in lines:
        key = (line.record or {}).get("key")
        if selection.pseudonyms and key not in {*by_name, UNKEYED, None}:
            message = f"line {line.number}: made with a key that is not in DECISION_LOG_KEY"
            raise DecisionLogError(message)
        record = line.record or {}
        if any(map(selection.includes, decisions_in(record))):
            if faults := check_record(record, by_name):
                message = f"line {line.number}: {faults[0].detail}"
                raise DecisionLogError(message)
            yield line
