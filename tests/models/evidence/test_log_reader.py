import json
import time
from pathlib import Path

import pytest

from models.evidence.log_reader import LIST_CHUNK, DecisionLogError, LogLine, read_lines


def read(path: Path, content: bytes) -> list[LogLine]:
    path.write_bytes(content)
    return list(read_lines(path))


def test_records_are_read_among_other_lines(tmp_path: Path, published_lines: list[bytes]) -> None:
    others = [b'{"severity":"INFO","message":"model loaded"}', b"Traceback", b"", b"[1]", b"\xff"]
    lines = read(tmp_path / "log", b"\n".join([*others, *published_lines]))
    assert [line.number for line in lines if line.record] == [6, 7, 8]
    assert [line.raw.rstrip(b"\n") for line in lines] == [*others, *published_lines]
    assert not any(line.holds_fragment for line in lines)


def test_a_record_that_was_cut_short_is_a_fragment(
    tmp_path: Path, published_lines: list[bytes]
) -> None:
    cut = published_lines[0][:-20]
    [line] = read(tmp_path / "log", cut)
    assert line.record is None
    assert line.holds_fragment


def test_a_record_is_one_by_its_link_or_by_its_name(tmp_path: Path) -> None:
    lines = read(tmp_path / "log", b'{"link":"x"}\n{"record":"decision"}\n{"record":"other"}\n')
    assert [line.record is not None for line in lines] == [True, True, False]


def test_a_duplicate_key_is_marked_for_the_auditor(tmp_path: Path) -> None:
    [line] = read(tmp_path / "log", b'{"record":"decision","index":0,"index":1}')
    assert line.record
    assert line.record["duplicate key"] is True


def test_a_line_nested_deeper_than_a_reader_can_follow_is_none(tmp_path: Path) -> None:
    [line] = read(tmp_path / "log", b'{"link":' + b"[" * 100_000)
    assert line.record is None


def test_a_log_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DecisionLogError, match="no-log"):
        list(read_lines(tmp_path / "no-log"))


RECORD = {"record": "decision", "link": "a", "text": "\u4e2d"}


def test_a_line_that_begins_with_a_bracket_makes_no_list_of_a_log(tmp_path: Path) -> None:
    gunicorn = b"[2026-11-29 23:41:08 +0000] [7] [INFO] Starting gunicorn\n"
    lines = read(tmp_path / "log", gunicorn + json.dumps(RECORD).encode() + b"\n")
    assert [line.record for line in lines] == [None, RECORD]


@pytest.mark.parametrize(
    "text",
    [
        b'[{"link": 1}, {"link": 2',
        b'[{"link": 1}, @, {"link": 2}]',
        b'[{"link": 1}',
        b"[",
    ],
)
def test_a_list_that_is_cut_or_damaged_is_refused(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(DecisionLogError, match="a list of entries that is cut off, or holds"):
        read(tmp_path / "log", text)


def test_a_list_may_be_longer_than_what_is_read_at_once_and_hold_any_letters(
    tmp_path: Path,
) -> None:
    text = json.dumps([RECORD] * 60_000, ensure_ascii=False).encode()
    assert len(text) > 2 * LIST_CHUNK
    began = time.process_time()
    lines = read(tmp_path / "log", text)
    assert {json.dumps(line.record) for line in lines} == {json.dumps(RECORD)}
    assert len(lines) == 60_000
    assert time.process_time() - began < 10  # each item once: it was quadratic


def test_a_key_that_stands_twice_is_seen_in_a_list_too(tmp_path: Path) -> None:
    [line] = read(tmp_path / "log", b'[{"link": "a", "decision": "x", "decision": "y"}]')
    assert line.record
    assert line.record["duplicate key"] is True


def test_an_empty_list_and_an_empty_file_hold_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "list", b" [ ] \n") == []
    assert read(tmp_path / "nothing", b"") == []
