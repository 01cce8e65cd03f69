"""Verification of a decision log: whether it is complete and unchanged, and if not, which lines."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from models.evidence.hash_chain import (
    UNKEYED,
    Head,
    Seal,
    commitment_from_record,
    link_content,
)
from models.evidence.log_reader import LogLine
from models.evidence.records import ERASURE_MARKS, PERSONAL, DecisionRecord

PREAMBLE = {"severity": "INFO", "message": "decision", "record": "decision"}
MEMBERS = {*PREAMBLE, "time", *DecisionRecord.__annotations__}


class LogFault(NamedTuple):
    """What is wrong at a line; line 0 is the file as a whole."""

    line: int
    detail: str


class ChainLink(NamedTuple):
    """Where a valid record stands, in the file and in its chain."""

    line: int
    sequence: int
    previous: str
    link: str


@dataclass(slots=True)
class Findings:
    """What a log holds, and its faults in order of lines.

    `invalid` maps the line of each invalid record to the chain it claims; `fragments` are lines.
    """

    faults: list[LogFault] = field(default_factory=list)
    chains: dict[str, list[ChainLink]] = field(default_factory=lambda: defaultdict(list))
    invalid: dict[int, str] = field(default_factory=dict)
    fragments: list[int] = field(default_factory=list)
    erased: int = 0
    unkeyed: int = 0

    @property
    def records(self) -> int:
        """How many records there are, valid or not."""
        return len(self.invalid) + sum(len(links) for links in self.chains.values())

    def heads(self) -> list[Head]:
        """Return the last valid record of every chain."""
        last = {name: max(links, key=lambda p: p.sequence) for name, links in self.chains.items()}
        return [Head(name, link.sequence, link.link) for name, link in last.items()]


def verify(lines: Iterable[LogLine], seals: Sequence[Seal], heads: Iterable[Head] = ()) -> Findings:
    """Check every record by itself, then each chain's order, gaps and end.

    A chain's end can be checked only against a head. Other lines of a log are skipped.
    """
    findings = Findings()
    seals_by_name = {seal.name: seal for seal in seals}
    for line in lines:
        if line.record is not None:
            _add_record(findings, line.number, line.record, seals_by_name)
        elif line.holds_fragment:
            findings.fragments.append(line.number)
    for name, links in findings.chains.items():
        findings.faults += _check_chain(links, _invalid_lines(name, findings))
    for head in heads:
        findings.faults += _check_head(head, findings)
    findings.faults.sort()
    return findings


def check_record(record: Mapping[str, Any], seals: Mapping[str, Seal]) -> str | None:
    """Say what is wrong with a record by itself; None if nothing is."""
    try:
        return _check_record(record, seals)
    except (TypeError, ValueError, AttributeError, KeyError):
        return "edited: it does not have the shape of a record"


def _check_record(record: Mapping[str, Any], seals: Mapping[str, Seal]) -> str | None:
    if record.get("link") is None:
        return "it is not part of any chain"
    seal = seals.get(str(record.get("key")))
    if seal is None:
        return "made with a key that is not in DECISION_LOG_KEY"
    expected = PREAMBLE | {"time": record.get("decided_at")}
    unexpected = {n for n, v in record.items() if v is not None and n not in MEMBERS}
    if unexpected or any(record.get(name, value) != value for name, value in expected.items()):
        return "edited: unexpected member or value"
    if record["link"] != seal.link(link_content(record)):
        return "edited: its link does not match its content"
    return _check_personal_part(record, seal)


def _check_personal_part(record: Mapping[str, Any], seal: Seal) -> str | None:
    if all(record.get(name) is None for name in PERSONAL):
        mark = seal.erasure(record["link"], str(record.get("erased_at")))
        if record.get("erasure") == mark:
            return None
        return "its personal data is gone, but was not erased with the key"
    if any(record.get(name) is not None for name in ERASURE_MARKS):
        return "edited: it is marked as erased, but holds personal data"
    is_intact = commitment_from_record(record) == record["commitment"]
    return None if is_intact else "edited: its personal data is not what was recorded"


def _add_record(
    findings: Findings, number: int, record: Mapping[str, Any], seals: Mapping[str, Seal]
) -> None:
    chain = str(record.get("chain"))
    if detail := check_record(record, seals):
        findings.faults.append(LogFault(number, detail))
        findings.invalid[number] = chain
        return
    link = ChainLink(number, int(record["sequence"]), record["previous"], record["link"])
    findings.chains[chain].append(link)
    findings.erased += record.get("erasure") is not None
    findings.unkeyed += record["key"] == UNKEYED


def _invalid_lines(chain: str, findings: Findings) -> list[int]:
    """Lines that may have held a record of this chain before they were edited."""
    return [
        line
        for line, claimed in findings.invalid.items()
        if claimed == chain or claimed not in findings.chains
    ]


def _check_chain(links: Sequence[ChainLink], invalid: Sequence[int]) -> list[LogFault]:
    faults: list[LogFault] = []
    unique: dict[int, ChainLink] = {}
    for link in links:
        if first := unique.get(link.sequence):
            faults.append(LogFault(link.line, f"it repeats line {first.line}"))
        else:
            unique[link.sequence] = link
    ordered = sorted(unique.values(), key=lambda link: link.sequence)
    for link, line in zip(ordered, sorted(p.line for p in ordered), strict=True):
        if link.line != line:
            faults.append(LogFault(link.line, f"out of order: it belongs at line {line}"))
    before = ChainLink(0, -1, "", "")
    for link in ordered:
        faults += _check_step(before, link, invalid)
        before = link
    return faults


def _check_step(before: ChainLink, link: ChainLink, invalid: Sequence[int]) -> list[LogFault]:
    missing = link.sequence - before.sequence - 1
    if missing:
        edited = sum(before.line < line < link.line for line in invalid)
        detail = f"before it records {before.sequence + 1} to {link.sequence - 1} are missing"
        return [LogFault(link.line, detail)] if missing > edited else []
    if link.previous != before.link:
        detail = f"it does not follow from line {before.line}: one of them was replaced"
        return [LogFault(link.line, detail)]
    return []


def _check_head(head: Head, findings: Findings) -> list[LogFault]:
    links = findings.chains.get(head.chain)
    invalid = _invalid_lines(head.chain, findings)
    if not links:
        detail = f"chain {head.chain}: all of its records are missing, {head.sequence + 1} or more"
        return [LogFault(0, detail)] if head.sequence + 1 > len(invalid) else []
    last = max(links, key=lambda link: link.sequence)
    missing = head.sequence - last.sequence
    if missing > sum(line > last.line for line in invalid):
        detail = f"cut: after it records {last.sequence + 1} to {head.sequence} are missing"
        return [LogFault(last.line, detail)]
    at_head = [link for link in links if link.sequence == head.sequence]
    return [
        LogFault(link.line, "it is not the record that the head names")
        for link in at_head
        if link.link != head.link
    ]
