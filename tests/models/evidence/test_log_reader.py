from pathlib import Path

import pytest

from models.evidence.log_reader import DecisionLogError, LogLine, read_lines


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
