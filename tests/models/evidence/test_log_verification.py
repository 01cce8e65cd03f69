"""Whatever is done to a decision log is found, at its line.

`make soak` does each of them 1,000 times, `make test` 50 times.
"""

import json
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.evidence.hash_chain import Head, Seal, link_content
from models.evidence.log_reader import LogFiles, LogLine, read_lines
from models.evidence.log_verification import ChainIndex, Findings, Window, verify
from tests.functions.scoring.recording import (
    KEY,
    SEAL,
    caller,
    decision_log,
    records_in,
    toy_version,
    toys,
    write_log,
)
from tests.functions.scoring.recording import record as record_decisions
from tests.support.counts import counts
from tests.support.google_logs import SHAPES

pytestmark = pytest.mark.soak

TIMES = settings(max_examples=counts().audit_examples, deadline=None)


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return write_log(tmp_path_factory.mktemp("log") / "decisions.jsonl")


@pytest.fixture(scope="module")
def verified(
    lines: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Sequence[bytes]], Findings]:
    """Verify changed lines against the ends the sound log had."""
    path = tmp_path_factory.mktemp("changed") / "decisions.jsonl"

    def check(changed: Sequence[bytes]) -> Findings:
        path.write_bytes(b"".join(changed))
        return verify(read_lines(path), [SEAL], list_heads(lines))

    return check


Verified = Callable[[Sequence[bytes]], Findings]
Shape = Callable[[Sequence[dict[str, Any]], Path], Path]


def list_heads(lines: Sequence[bytes]) -> list[Head]:
    last = {
        r["chain"]: Head(r["chain"], r["sequence"], r["link"]) for r in records_in(lines).values()
    }
    return list(last.values())


def list_chains(lines: Sequence[bytes]) -> list[list[int]]:
    """Line numbers of every chain's records."""
    findings: dict[str, list[int]] = {}
    for number, record in records_in(lines).items():
        findings.setdefault(record["chain"], []).append(number)
    return list(findings.values())


def faulty_lines(findings: Findings) -> set[int]:
    return {fault.line for fault in findings.faults}


def test_a_log_as_it_was_written_has_no_fault(lines: list[bytes], verified: Verified) -> None:
    findings = verified(lines)
    assert findings.faults == []
    assert (findings.records, len(findings.chains), findings.erased) == (20, 2, 0)
    assert findings.decisions == 60
    assert sorted(findings.heads(), key=str) == sorted(list_heads(lines), key=str)


Steps = tuple[str | int, ...]


def leaves(value: Any, path: Steps = ()) -> list[Steps]:  # noqa: ANN401 -- JSON
    """Paths of all values; a list of texts is one value."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return [path]
    return [leaf for name, inner in value.items() for leaf in leaves(inner, (*path, name))]


def place_from_path(path: Steps) -> int:
    """Which decision of a record a path is in, from 1; 0 where it is in none."""
    return int(path[1]) + 1 if path[0] == "applications" else 0


def edited(value: Any, data: st.DataObject) -> Any:  # noqa: ANN401 -- JSON
    """Another value of the same kind, or of another."""
    others: list[st.SearchStrategy[Any]] = [st.text(max_size=5), st.integers(), st.booleans()]
    if isinstance(value, int | float):
        others.append(st.floats(allow_nan=False, allow_infinity=False))
        others.append(st.just(value + 1))
    if isinstance(value, str) and value:
        others.append(st.just(value[:-1] + chr(ord(value[-1]) ^ 1)))
    if isinstance(value, list):
        others.append(st.just([*value, "T9"]))
    new = data.draw(st.one_of(others))
    assume(new != value or type(new) is not type(value))
    assume(not (isinstance(new, int | float) and new == value and not isinstance(new, bool)))
    assume(not (value is None and new == ""))  # nothing, either way
    return new


@given(data=st.data())
@TIMES
def test_every_edited_value_is_found_at_its_line(
    lines: list[bytes], verified: Verified, data: st.DataObject
) -> None:
    number = data.draw(st.sampled_from(sorted(records_in(lines))))
    record = json.loads(lines[number - 1])
    path = data.draw(st.sampled_from(leaves(record)))
    holder = record
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = edited(holder[path[-1]], data)
    changed = [*lines]
    changed[number - 1] = json.dumps(record).encode() + b"\n"
    findings = verified(changed)
    assert number in faulty_lines(findings)
    if path != ("chain",):
        assert faulty_lines(findings) == {number}
    if place_from_path(path):
        assert [fault.place for fault in findings.faults] in ([place_from_path(path)], [0])
        if not isinstance(holder[path[-1]], bool):
            assert [fault.place for fault in findings.faults] == [place_from_path(path)]


@given(data=st.data())
@TIMES
def test_every_member_that_is_taken_out_or_put_in_is_found_at_its_line(
    lines: list[bytes], verified: Verified, data: st.DataObject
) -> None:
    number = data.draw(st.sampled_from(sorted(records_in(lines))))
    record = json.loads(lines[number - 1])
    # Null and an empty list say as much as no member at all; Cloud Logging moves two elsewhere.
    fields = [n for n, v in record.items() if v not in (None, []) and n not in {"severity", "time"}]
    if data.draw(st.booleans()):
        del record[
            data.draw(st.sampled_from([n for n in fields if n not in {"message", "record"}]))
        ]
    else:
        record[data.draw(st.text(min_size=1).filter(lambda n: n not in record))] = "x"
    changed = [*lines]
    changed[number - 1] = json.dumps(record).encode() + b"\n"
    assert number in faulty_lines(verified(changed))


def without_nothing(value: Any) -> Any:  # noqa: ANN401 -- JSON
    """Without members that are null or an empty list: BigQuery leaves both out."""
    if isinstance(value, dict):
        return {k: without_nothing(v) for k, v in value.items() if v not in (None, [])}
    return [without_nothing(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("value", ["", 0, 0.0, False], ids=repr)
def test_nothing_but_null_stands_for_an_empty_list(
    lines: list[bytes], verified: Verified, value: object
) -> None:
    empty = [
        (number, place)
        for number, record in records_in(lines).items()
        for place, decision in enumerate(record["applications"])
        if decision["reasons"] == []
    ]
    assert empty
    for number, place in empty:
        record = json.loads(lines[number - 1])
        record["applications"][place]["reasons"] = value
        changed = [*lines]
        changed[number - 1] = json.dumps(record).encode() + b"\n"
        assert [(f.line, f.place) for f in verified(changed).faults] == [(number, place + 1)]


@pytest.mark.parametrize("value", [0, False], ids=repr)
def test_nothing_but_null_stands_for_no_applicant(tmp_path: Path, value: object) -> None:
    path = tmp_path / "log"
    log = decision_log(path, Seal())
    record_decisions(log, toy_version(), toys(2), caller())
    [record] = records_in(path.read_bytes().splitlines(keepends=True)).values()
    assert record["applications"][1].get("applicant") is None
    record["applications"][1]["applicant"] = value
    path.write_bytes(json.dumps(record).encode() + b"\n")
    assert [f.place for f in verify(read_lines(path), [Seal()]).faults] == [2]


@given(data=st.data())
@TIMES
def test_every_changed_byte_that_changes_what_is_said_is_found_there_or_as_a_gap(
    lines: list[bytes], verified: Verified, data: st.DataObject
) -> None:
    chain = data.draw(st.sampled_from(list_chains(lines)))
    at = data.draw(st.integers(0, len(chain) - 1))
    line = bytearray(lines[chain[at] - 1])
    place = data.draw(st.integers(0, len(line) - 2))
    line[place] = 32 + (line[place] - 32 + data.draw(st.integers(1, 94))) % 95
    before = json.loads(lines[chain[at] - 1])
    try:
        same = without_nothing(json.loads(line)) == without_nothing(before)
    except ValueError:
        same = False
    assume(not same)
    changed = [*lines]
    changed[chain[at] - 1] = bytes(line)
    neighbours = {chain[max(at - 1, 0)], chain[min(at + 1, len(chain) - 1)]}
    findings = faulty_lines(verified(changed))
    assert findings
    assert findings <= {chain[at], *neighbours}


@given(data=st.data())
@TIMES
def test_every_removal_is_found_before_the_next_record(
    lines: list[bytes], verified: Verified, data: st.DataObject
) -> None:
    chain = data.draw(st.sampled_from(list_chains(lines)))
    first = data.draw(st.integers(0, len(chain) - 2))
    last = data.draw(st.integers(first, len(chain) - 2))
    removed = set(chain[first : last + 1])
    changed = [line for i, line in enumerate(lines, 1) if i not in removed]
    [fault] = verified(changed).faults
    assert fault.line == chain[last + 1] - len(removed)
    assert fault.detail == f"before it records {first} to {last} are missing"


@given(data=st.data())
@TIMES
def test_every_swap_is_found_at_both_lines(
    lines: list[bytes], verified: Verified, data: st.DataObject
) -> None:
    chain = data.draw(st.sampled_from(list_chains(lines)))
    one, other = data.draw(
        st.lists(st.sampled_from(chain), min_size=2, max_size=2, unique=True).map(sorted)
    )
    changed = [*lines]
    changed[one - 1], changed[other - 1] = lines[other - 1], lines[one - 1]
    assert faulty_lines(verified(changed)) == {one, other}


@given(data=st.data())
@TIMES
def test_a_record_that_was_delivered_twice_is_counted_and_no_fault(
    lines: list[bytes], verified: Verified, data: st.DataObject
) -> None:
    numbers = data.draw(st.lists(st.sampled_from(sorted(records_in(lines))), max_size=5))
    findings = verified([*lines, *(lines[number - 1] for number in numbers)])
    assert findings.faults == []
    assert (findings.repeated, findings.records) == (len(numbers), 20)
    assert findings.decisions == 60


def test_another_record_in_the_place_of_one_is_a_fault(
    lines: list[bytes], verified: Verified
) -> None:
    number = list_chains(lines)[0][3]
    record = json.loads(lines[number - 1]) | {"latency_ms": 99.0}
    record["link"] = SEAL.link(link_content(record))
    findings = verified([*lines, json.dumps(record).encode() + b"\n"])
    detail = f"it has the place of line {number}, and differs"
    assert findings.faults == [(len(lines) + 1, detail, 0)]


def times(lines: Sequence[bytes]) -> list[datetime]:
    return [datetime.fromisoformat(r["decided_at"]) for r in records_in(lines).values()]


def test_a_window_of_time_may_begin_within_a_chain(lines: list[bytes], tmp_path: Path) -> None:
    moments = sorted(set(times(lines)))
    since, until = moments[4], moments[-4]
    window = Window(since=since, until=until)
    path = tmp_path / "log"
    path.write_bytes(b"".join(lines))
    inside = sum(since <= moment <= until for moment in times(lines))
    findings = verify(read_lines(path), [SEAL], window=window)
    assert (findings.faults, findings.records) == ([], inside)
    assert findings.begins == {}  # what is before the window is there, and shows it
    # Nor is anything else needed: what is outside may have expired.
    records_since = {
        n: r for n, r in records_in(lines).items() if since.isoformat() <= r["decided_at"]
    }
    path.write_bytes(b"".join(lines[number - 1] for number in records_since))
    findings = verify(read_lines(path), [SEAL], window=window)
    assert (findings.faults, findings.records) == ([], inside)
    assert set(findings.begins) == set(findings.chains)
    # A record that is missing within it is found.
    del records_since[sorted(records_since)[6]]
    path.write_bytes(b"".join(lines[number - 1] for number in records_since))
    [fault] = verify(read_lines(path), [SEAL], window=window).faults
    assert "are missing" in fault.detail


def test_the_records_of_one_model_verify_by_themselves(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = decision_log(path)
    for i in range(12):
        record_decisions(log, toy_version(), toys(2, seed=i), caller(f"r{i}"))
    records = records_in(path.read_bytes().splitlines(keepends=True))
    some = [json.dumps(record).encode() + b"\n" for n, record in records.items() if n % 3]
    path.write_bytes(b"".join(some))
    assert verify(read_lines(path), [SEAL]).faults != []
    findings = verify(read_lines(path), [SEAL], window=Window(model="toy"))
    assert (findings.faults, findings.records) == ([], len(some))
    assert findings.unproved == sum(
        1 for n in records if min(records) < n < max(records) and not n % 3
    )
    findings = verify(read_lines(path), [SEAL], window=Window(model="another"))
    assert findings.records == 0
    changed = some[4].replace(b'"request_id"', b'"request"')
    path.write_bytes(b"".join([*some[:4], changed, *some[5:]]))
    [fault] = verify(read_lines(path), [SEAL], window=Window(model="toy")).faults
    assert fault.line == 5


def test_a_wrapped_line_excuses_no_other_from_the_order(
    lines: list[bytes], verified: Verified
) -> None:
    chain = list_chains(lines)[0]
    one, other = chain[1], chain[4]
    changed = [*lines]
    changed[one - 1], changed[other - 1] = lines[other - 1], lines[one - 1]
    last = chain[-1]
    changed[last - 1] = json.dumps({"line": lines[last - 1].decode()}).encode() + b"\n"
    assert faulty_lines(verified(changed)) == {one, other}


def test_a_long_log_takes_little_memory(lines: list[bytes]) -> None:
    [chain, *_] = list_chains(lines)
    record = records_in(lines)[chain[0]]
    index = ChainIndex()
    tracemalloc.start()
    for sequence in range(100_000):
        index.add(sequence, record | {"sequence": sequence}, is_inside=True, is_plain=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60 * len(index)


@given(data=st.data())
@TIMES
def test_every_cut_tail_is_found_after_the_last_record_of_each_chain(
    lines: list[bytes], verified: Verified, data: st.DataObject
) -> None:
    last_index = data.draw(st.integers(0, max(records_in(lines)) - 1))
    expected = []
    for chain in list_chains(lines):
        left = [line for line in chain if line <= last_index]
        if len(left) < len(chain):
            expected.append(left[-1] if left else 0)
    assert [fault.line for fault in verified(lines[:last_index]).faults] == sorted(expected)


def test_a_cut_tail_says_which_records_are_missing(lines: list[bytes], verified: Verified) -> None:
    first, second = list_chains(lines)
    chain = max(first, second)
    [fault] = verified(lines[: chain[-1] - 1]).faults
    assert fault.detail == f"cut: after it records {len(chain) - 1} to {len(chain) - 1} are missing"


def test_records_of_another_key_or_none_are_not_taken(verified: Verified, tmp_path: Path) -> None:
    for name, key in (("other", KEY[::-1]), ("none", "")):
        forged = write_log(tmp_path / name, Seal(key))
        findings = verified(forged)
        assert faulty_lines(findings) >= set(records_in(forged))


def test_a_chain_remade_with_the_right_key_is_found_by_its_head(
    verified: Verified, tmp_path: Path
) -> None:
    findings = verified(write_log(tmp_path / "forged", SEAL))
    assert [fault.line for fault in findings.faults] == [0, 0]
    assert "all of its records are missing" in findings.faults[0].detail


def test_a_record_forged_within_a_chain_without_a_key_is_found_where_the_next_one_is(
    tmp_path: Path,
) -> None:
    lines = write_log(tmp_path / "log", Seal())
    number = list_chains(lines)[0][3]
    record = json.loads(lines[number - 1]) | {"latency_ms": 99.0}
    record["link"] = Seal().link(link_content(record))
    changed = [LogLine(i, b"", r) for i, r in records_in(lines).items() if i != number]
    changed = sorted([*changed, LogLine(number, b"", record)], key=lambda line: line.number)
    [fault] = verify(changed, [Seal()]).faults
    assert fault == (
        list_chains(lines)[0][4],
        f"it does not follow from line {number}: one of them was replaced",
        0,
    )


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_log_verifies_after_google_cloud_has_had_it(
    lines: list[bytes], tmp_path: Path, shape: Shape
) -> None:
    records = list(records_in(lines).values())
    path = shape(records, tmp_path)
    findings = verify(LogFiles([path]), [SEAL], list_heads(lines))
    assert (findings.faults, findings.records) == ([], len(records))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_an_edit_is_found_after_google_cloud_has_had_it(
    lines: list[bytes], tmp_path: Path, shape: Shape
) -> None:
    records = list(records_in(lines).values())
    *first, last = records[7]["applications"]
    edited = {**last, "decision": "approve", "credit_score": 800}
    records[7] = records[7] | {"applications": [*first, edited]}
    findings = verify(LogFiles([shape(records, tmp_path)]), [SEAL], list_heads(lines))
    assert [(fault.place, fault.detail) for fault in findings.faults] == [
        (len(first) + 1, "edited: it is not what was recorded, or not where it was recorded")
    ]


def test_a_record_without_a_chain_is_a_fault(verified: Verified, lines: list[bytes]) -> None:
    findings = verified([*lines, b'{"record": "decision", "record_version": 1}\n'])
    assert findings.faults == [(len(lines) + 1, "it is not part of any chain", 0)]
