"""Verification of a decision log: whether it is complete and unchanged, and if not, which lines."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import compress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.evidence.hash_chain import UNKEYED, Head, Seal
from models.evidence.log_reader import LogLine
from models.evidence.record_check import check_record, is_erased, list_decisions


class LogFault(NamedTuple):
    """What is wrong at a line; line 0 is the file as a whole.

    `place` counts the decisions of the line's record from 1; 0 is the record as a whole.
    """

    line: int
    detail: str
    place: int = 0


class ChainIndex:
    """Where the valid records of one chain stand: 38 bytes for each, however long the log.

    Of each link the first 64 bits are kept. Each record has been checked against the whole of its
    own link before, so nobody without the key can make two that share them.
    """

    __slots__ = (
        *("are_inside", "are_plain", "last", "lines", "links", "previous", "sequences"),
        "sizes",
    )

    def __init__(self) -> None:
        self.sequences = array("q")
        self.lines = array("q")
        self.links = array("Q")
        self.previous = array("Q")
        self.sizes = array("i")  # decisions
        self.are_inside = array("b")  # the window
        self.are_plain = array("b")  # lines as the service wrote them
        self.last: tuple[int, str] = (-1, "")

    def __len__(self) -> int:
        """How many records there are."""
        return len(self.sequences)

    def add(self, line: int, record: Mapping[str, Any], *, is_inside: bool, is_plain: bool) -> None:
        """Note a record that is valid by itself."""
        sequence = int(record["sequence"])
        self.sequences.append(sequence)
        self.lines.append(line)
        self.links.append(_shorten(record["link"]))
        self.previous.append(_shorten(record["previous"]))
        self.sizes.append(len(list_decisions(record)))
        self.are_inside.append(is_inside)
        self.are_plain.append(is_plain)
        self.last = max(self.last, (sequence, record["link"]))


def _shorten(link: str) -> int:
    return int(link[:16] or "0", 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What of a log is verified: records decided within a time, or those of one model.

    Records outside the window help to show that nothing is missing within it, and may be missing
    themselves.
    """

    since: datetime | None = None
    until: datetime | None = None
    model: str | None = None

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Whether a valid record is in the window."""
        if self.model is not None and record["model"] != self.model:
            return False
        if self.since is None and self.until is None:
            return True
        decided_at = datetime.fromisoformat(record["decided_at"])
        is_early = self.since is not None and decided_at < self.since
        return not is_early and (self.until is None or decided_at <= self.until)


WHOLE_LOG = Window()
MAX_FAULTS = 10_000  # that are listed; all are counted
MAX_INVALID = 100_000  # lines that may explain a gap


@dataclass(slots=True)
class Findings:
    """What a log holds, and its faults in order of lines.

    `invalid` maps the line of each invalid record to the chain it claims; `fragments` are lines;
    `begins` maps a chain to its first record in the window, where nothing shows what was before it.
    `unproved` counts records that are missing between those of one model: they may be another's.
    """

    faults: list[LogFault] = field(default_factory=list)
    fault_count: int = 0
    chains: dict[str, ChainIndex] = field(default_factory=lambda: defaultdict(ChainIndex))
    invalid: dict[int, str] = field(default_factory=dict)
    invalid_count: int = 0
    fragments: list[int] = field(default_factory=list)
    begins: dict[str, int] = field(default_factory=dict)
    unproved: int = 0
    repeated: int = 0
    repeated_decisions: int = 0
    erased: int = 0
    unkeyed: int = 0

    @property
    def records(self) -> int:
        """How many records there are in the window, valid or not."""
        inside = sum(sum(chain.are_inside) for chain in self.chains.values())
        return self.invalid_count + inside - self.repeated

    @property
    def decisions(self) -> int:
        """How many decisions the valid records in the window have."""
        sizes = (s for c in self.chains.values() for s in compress(c.sizes, c.are_inside))
        return sum(sizes) - self.repeated_decisions

    def heads(self) -> list[Head]:
        """Return the last valid record of every chain."""
        return [Head(name, *chain.last) for name, chain in self.chains.items()]

    def report(self, faults: Iterable[LogFault]) -> None:
        """Count faults, and keep the first of them."""
        for fault in faults:
            self.fault_count += 1
            if len(self.faults) < MAX_FAULTS:
                self.faults.append(fault)


def verify(
    lines: Iterable[LogLine],
    seals: Sequence[Seal],
    heads: Iterable[Head] = (),
    window: Window = WHOLE_LOG,
) -> Findings:
    """Check every record by itself, then each chain's order, gaps and end.

    A chain's end can be checked only against a head. Other lines of a log are skipped. A record
    that was delivered twice is counted, and is no fault. Lines that a service wrapped may stand in
    any order.
    """
    findings = Findings()
    seals_by_name = {seal.name: seal for seal in seals}
    for line in lines:
        if line.record is not None:
            _add_record(findings, line, line.record, seals_by_name, window)
        elif line.holds_fragment:
            findings.fragments.append(line.number)
    for name, chain in findings.chains.items():
        _check_chain(name, chain, findings, window)
    for head in heads:
        findings.report(_check_head(head, findings))
    findings.faults.sort()
    return findings


def _add_record(
    findings: Findings,
    line: LogLine,
    record: Mapping[str, Any],
    seals: Mapping[str, Seal],
    window: Window,
) -> None:
    chain = str(record.get("chain"))
    if faults := check_record(record, seals):
        findings.report(LogFault(line.number, detail, place) for place, detail in faults)
        findings.invalid_count += 1
        if len(findings.invalid) < MAX_INVALID:
            findings.invalid[line.number] = chain
        return
    is_inside = window.holds(record)
    is_plain = line.wrapper is None
    findings.chains[chain].add(line.number, record, is_inside=is_inside, is_plain=is_plain)
    if is_inside:
        findings.erased += sum(map(is_erased, list_decisions(record)))
        findings.unkeyed += record["key"] == UNKEYED


def _invalid_lines(chain: str, findings: Findings) -> list[int]:
    """Lines that may have held a record of this chain before they were edited."""
    return [
        line
        for line, claimed in findings.invalid.items()
        if claimed == chain or claimed not in findings.chains
    ]


class _Links(NamedTuple):
    """The records of a chain by sequence number: one array each."""

    sequences: NDArray[np.int64]
    lines: NDArray[np.int64]
    links: NDArray[np.uint64]
    previous: NDArray[np.uint64]
    sizes: NDArray[np.int32]
    are_inside: NDArray[np.bool_]
    are_plain: NDArray[np.bool_]


def _check_chain(name: str, chain: ChainIndex, findings: Findings, window: Window) -> None:
    links = _sort_out_repeats(chain, findings)
    plain = links.lines[links.are_plain]
    expected = np.sort(plain)
    findings.report(
        LogFault(int(plain[i]), f"out of order: it belongs at line {expected[i]}")
        for i in np.flatnonzero(plain != expected)
    )
    _check_beginning(name, links, findings, window)
    steps = np.diff(links.sequences)
    is_replaced = (steps == 1) & (links.previous[1:] != links.links[:-1])
    findings.report(
        LogFault(
            int(links.lines[i + 1]),
            f"it does not follow from line {links.lines[i]}: one of them was replaced",
        )
        for i in np.flatnonzero(is_replaced)
    )
    firsts = np.flatnonzero(links.are_inside)[:1]
    for i in np.flatnonzero((steps > 1) & links.are_inside[1:]):
        if i + 1 in firsts and window.since:
            continue  # what is before the window may be missing
        if window.model is None:
            findings.report(_check_gap(name, links, int(i), findings))
        else:
            findings.unproved += int(steps[i]) - 1


def _check_beginning(name: str, links: _Links, findings: Findings, window: Window) -> None:
    """Check that a chain begins with its first record, or where the window does."""
    inside = np.flatnonzero(links.are_inside)
    if not len(inside):
        return
    first = int(inside[0])
    sequence, line = int(links.sequences[first]), int(links.lines[first])
    if sequence == 0:
        if links.previous[first]:
            detail = "it is the first of its chain, and names one before it"
            findings.report([LogFault(line, detail)])
    elif first and links.sequences[first - 1] == sequence - 1:
        return  # its predecessor is here, outside the window
    elif window.since or window.model:
        findings.begins[name] = sequence
    elif first == 0:
        findings.report(_check_gap(name, links, -1, findings))


def _sort_out_repeats(chain: ChainIndex, findings: Findings) -> _Links:
    """Sort a chain by sequence number; count repeats, and report what is no repeat."""
    order = np.lexsort((np.array(chain.lines), np.array(chain.sequences)))
    columns = (chain.sequences, chain.lines, chain.links, chain.previous, chain.sizes)
    flags = (np.array(column, dtype=bool) for column in (chain.are_inside, chain.are_plain))
    links = _Links(*(column[order] for column in (*map(np.array, columns), *flags)))
    is_first = np.concatenate([[True], np.diff(links.sequences) != 0])
    firsts = np.flatnonzero(is_first)[np.cumsum(is_first) - 1]  # of each record's position
    is_repeat = ~is_first & (links.links == links.links[firsts])
    findings.repeated += int((is_repeat & links.are_inside).sum())
    findings.repeated_decisions += int(links.sizes[is_repeat & links.are_inside].sum())
    findings.report(
        LogFault(
            int(links.lines[i]), f"it has the place of line {links.lines[firsts[i]]}, and differs"
        )
        for i in np.flatnonzero(~is_first & ~is_repeat)
    )
    return _Links(*(column[is_first] for column in links))


def _check_gap(chain: str, links: _Links, i: int, findings: Findings) -> list[LogFault]:
    """Report records that are missing behind the one at position `i`; -1 is before the first.

    As many as were edited between the two lines are not missing; where a service may have moved
    lines, as many as were edited anywhere.
    """
    sequence, line = (int(links.sequences[i]), int(links.lines[i])) if i >= 0 else (-1, 0)
    after, line_after = int(links.sequences[i + 1]), int(links.lines[i + 1])
    is_plain = bool(links.are_plain[max(i, 0)] and links.are_plain[i + 1])
    invalid = _invalid_lines(chain, findings)
    edited = sum(not is_plain or line < other < line_after for other in invalid)
    detail = f"before it records {sequence + 1} to {after - 1} are missing"
    return [LogFault(line_after, detail)] if after - sequence - 1 > edited else []


def _check_head(head: Head, findings: Findings) -> list[LogFault]:
    chain = findings.chains.get(head.chain)
    invalid = _invalid_lines(head.chain, findings)
    if not chain:
        detail = f"chain {head.chain}: all of its records are missing, {head.sequence + 1} or more"
        return [LogFault(0, detail)] if head.sequence + 1 > len(invalid) else []
    sequences, lines = np.array(chain.sequences), np.array(chain.lines)
    last, line = int(sequences.max()), int(lines[sequences.argmax()])
    missing = head.sequence - last
    is_plain = bool(chain.are_plain[int(sequences.argmax())])
    if missing > sum(not is_plain or other > line for other in invalid):
        return [LogFault(line, f"cut: after it records {last + 1} to {head.sequence} are missing")]
    at_head = np.flatnonzero(sequences == head.sequence)
    is_other = np.array(chain.links)[at_head] != _shorten(head.link)
    return [
        LogFault(int(number), "it is not the record that the head names")
        for number in lines[at_head[is_other]]
    ]
