"""Whether a decision log is whole and as it was written, and if not, at which lines."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from models.evidence.hash_chain import (
    OWN,
    PERSONAL,
    PLACE,
    SHARED,
    UNKEYED,
    Head,
    Seal,
    content,
    personal_commitment,
)
from models.evidence.log_reader import Line

SAID = {"severity": "INFO", "message": "decision", "record": "decision"}
MARKS = ("erased_at", "erasure")
MEMBERS = {*SAID, "time", *SHARED, *OWN, *PLACE, "link", *PERSONAL, *MARKS}


class Fault(NamedTuple):
    """What is wrong at a line; 0 is the file as a whole."""

    line: int
    what: str


class Place(NamedTuple):
    """Where a sound record stands, in the file and in its chain."""

    line: int
    sequence: int
    previous: str
    link: str


@dataclass(slots=True)
class Findings:
    """What a log holds, and its faults in order of lines."""

    faults: list[Fault] = field(default_factory=list)
    chains: dict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    broken: dict[int, str] = field(default_factory=dict)  # line, and the chain it claims
    remains: list[int] = field(default_factory=list)  # lines
    erased: int = 0
    unkeyed: int = 0

    @property
    def records(self) -> int:
        """Records found, sound or not."""
        return len(self.broken) + sum(len(places) for places in self.chains.values())

    def heads(self) -> list[Head]:
        """The last sound record of every chain."""
        last = {name: max(places, key=lambda p: p.sequence) for name, places in self.chains.items()}
        return [Head(name, place.sequence, place.link) for name, place in last.items()]


def verify(lines: Iterable[Line], seals: Sequence[Seal], heads: Iterable[Head] = ()) -> Findings:
    """Check every record by itself, then each chain's order, gaps and end.

    A chain's end is only known where a head is given. Other lines of a log are passed over.
    """
    found = Findings()
    known = {seal.name: seal for seal in seals}
    for line in lines:
        if line.record is not None:
            _take_up(line.number, line.record, known, found)
        elif line.holds_remains:
            found.remains.append(line.number)
    for name, places in found.chains.items():
        spare = _broken_of(name, found)
        found.faults += _faults_of(places, spare)
    for head in heads:
        found.faults += _cut(head, found)
    found.faults.sort()
    return found


def fault_of(record: Mapping[str, Any], known: Mapping[str, Seal]) -> str | None:
    """What is wrong with a record by itself; None if nothing is."""
    try:
        return _fault_of(record, known)
    except (TypeError, ValueError, AttributeError, KeyError):
        return "edited: it has not the shape of a record"


def _fault_of(record: Mapping[str, Any], known: Mapping[str, Seal]) -> str | None:
    if record.get("link") is None:
        return "it has no place in any chain"
    seal = known.get(str(record.get("key")))
    if seal is None:
        return "made with a key that is not given"
    shown = SAID | {"time": record.get("decided_at")}
    strange = {n for n, v in record.items() if v is not None and n not in MEMBERS}
    if strange or any(record.get(name, value) != value for name, value in shown.items()):
        return "edited: it says what no record says"
    if record["link"] != seal.link(content(record)):
        return "edited: its link does not fit its content"
    return _personal_fault(record, seal)


def _personal_fault(record: Mapping[str, Any], seal: Seal) -> str | None:
    if all(record.get(name) is None for name in PERSONAL):
        mark = seal.erasure(record["link"], str(record.get("erased_at")))
        return None if record.get("erasure") == mark else "its personal part is gone, not erased"
    if any(record.get(name) is not None for name in MARKS):
        return "edited: it is marked as erased, and is not"
    fits = personal_commitment(record) == record["commitment"]
    return None if fits else "edited: its personal part is not what was recorded"


def _take_up(
    number: int, record: Mapping[str, Any], known: Mapping[str, Seal], found: Findings
) -> None:
    chain = str(record.get("chain"))
    if what := fault_of(record, known):
        found.faults.append(Fault(number, what))
        found.broken[number] = chain
        return
    place = Place(number, int(record["sequence"]), record["previous"], record["link"])
    found.chains[chain].append(place)
    found.erased += record.get("erasure") is not None
    found.unkeyed += record["key"] == UNKEYED


def _broken_of(chain: str, found: Findings) -> list[int]:
    """Lines that may have held a record of this chain before they were edited."""
    return [
        line
        for line, claimed in found.broken.items()
        if claimed == chain or claimed not in found.chains
    ]


def _faults_of(places: Sequence[Place], broken: Sequence[int]) -> list[Fault]:
    faults: list[Fault] = []
    kept: dict[int, Place] = {}
    for place in places:
        if first := kept.get(place.sequence):
            faults.append(Fault(place.line, f"it repeats line {first.line}"))
        else:
            kept[place.sequence] = place
    ordered = sorted(kept.values(), key=lambda place: place.sequence)
    for place, line in zip(ordered, sorted(p.line for p in ordered), strict=True):
        if place.line != line:
            faults.append(Fault(place.line, f"out of order: it belongs where line {line} is"))
    before = Place(0, -1, "", "")
    for place in ordered:
        faults += _step(before, place, broken)
        before = place
    return faults


def _step(before: Place, place: Place, broken: Sequence[int]) -> list[Fault]:
    missing = place.sequence - before.sequence - 1
    if missing:
        edited = sum(before.line < line < place.line for line in broken)
        what = f"before it records {before.sequence + 1} to {place.sequence - 1} are missing"
        return [Fault(place.line, what)] if missing > edited else []
    if place.previous != before.link:
        return [Fault(place.line, f"it does not follow from line {before.line}: one was made anew")]
    return []


def _cut(head: Head, found: Findings) -> list[Fault]:
    places = found.chains.get(head.chain)
    broken = _broken_of(head.chain, found)
    if not places:
        whole = f"chain {head.chain}: all of its records are missing, {head.sequence + 1} or more"
        return [Fault(0, whole)] if head.sequence + 1 > len(broken) else []
    last = max(places, key=lambda place: place.sequence)
    missing = head.sequence - last.sequence
    if missing > sum(line > last.line for line in broken):
        what = f"cut: after it records {last.sequence + 1} to {head.sequence} are missing"
        return [Fault(last.line, what)]
    same = [place for place in places if place.sequence == head.sequence]
    return [Fault(p.line, "it is not the record of the head") for p in same if p.link != head.link]
