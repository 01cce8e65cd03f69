"""Reading logs: decision records among other lines, as the service or Google Cloud wrote them.

A record holds decisions of one request; one of version 2 is a decision by itself. It is a line, or
stands in a line as Cloud Logging and BigQuery wrap it: under
`jsonPayload`, or as text under `line`. A file holds one document a line, or one JSON list of them
(`gcloud logging read`, `bq query`); it may be compressed with gzip. A folder holds such files.
"""

import gzip
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from models.errors import SuretyError
from models.evidence.records import SHARED

SUFFIXES = {".json", ".jsonl", ".log", ".gz"}  # of the files of a folder
LIST_START = 64  # bytes that tell a list from lines
LIST_CHUNK = 1 << 20  # characters
SPACE = re.compile(r"[ \t\r\n,]*")
WRAPPERS = ("jsonPayload", "line")

Document = dict[str, Any]
Kind = TypeVar("Kind")


class DecisionLogError(SuretyError):
    """A decision log cannot be read, or cannot be used for what was requested."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a log, counted from 1, and the decision record it holds, if any.

    `wrapper` is the document around the record, where there is one.
    """

    number: int
    raw: bytes
    record: Document | None = None
    wrapper: Document | None = None

    @property
    def holds_fragment(self) -> bool:
        """It holds part of a decision record; within another record quotes would be escaped."""
        return self.record is None and b'"record":"decision"' in self.raw

    def with_record(self, record: Document) -> bytes:
        """Write the line with another record in its place."""
        if self.wrapper is None:
            return json.dumps(record).encode() + b"\n"
        if "jsonPayload" in self.wrapper:
            return json.dumps(self.wrapper | {"jsonPayload": record}).encode() + b"\n"
        return json.dumps(self.wrapper | {"line": json.dumps(record)}).encode() + b"\n"


class LogFiles:
    """The lines of several files, one after another; numbers go on from file to file."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = list(paths)
        self._starts: list[tuple[int, Path]] = []

    def __iter__(self) -> Iterator[LogLine]:
        """Read every line; one that is no decision record, or was cut short, has none.

        Raises
        ------
        DecisionLogError
            If a file cannot be read.
        """
        number = 0
        self._starts.clear()
        for path in self._files():
            self._starts.append((number, path))
            try:
                with _open(path) as file:
                    for raw in _documents(file):
                        number += 1
                        yield LogLine(number, raw, *_find_record(raw))
            except (OSError, EOFError) as error:
                message = f"{path}: {error}"
                raise DecisionLogError(message) from error

    def locate(self, number: int) -> str:
        """Name a line that was read: with its file, where there are several."""
        if len(self._starts) < 2:  # noqa: PLR2004 -- several
            return f"line {number}"
        start, path = max(entry for entry in self._starts if entry[0] < number)
        return f"{path} line {number - start}"

    def _files(self) -> Iterator[Path]:
        for path in self._paths:
            if path.is_dir():
                yield from sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES)
            else:
                yield path


def read_lines(path: Path) -> LogFiles:
    """Read every line of one log."""
    return LogFiles([path])


def read_decisions_as(kind: type[Kind], lines: Iterable[LogLine]) -> Iterator[Kind]:
    """Yield the decisions of a log as a type of some of their members; others are skipped."""
    adapter = TypeAdapter(kind)
    for line in lines:
        if line.record is None or line.record.get("record") != "decision":
            continue
        for decision in decisions_in(line.record):
            try:
                yield adapter.validate_python(decision)
            except ValidationError:
                continue


def decisions_in(record: Document) -> Iterator[Document]:
    """Yield each decision of a record with what they share; `inputs` by model and field."""
    members = record.get("applications")
    if not members or not isinstance(members, list):
        yield record  # of version 2
        return
    shared = {name: record[name] for name in ("record", *SHARED) if name in record}
    for member in members:
        if isinstance(member, dict):
            yield {**shared, **member, "inputs": _inputs_by_field(record, member)}


def _inputs_by_field(record: Document, member: Document) -> Document | None:
    """Return a decision's inputs under its model's name; None where they are erased or broken."""
    try:
        values, fields = json.loads(member["inputs"]), record["fields"]
        return {record["model"]: dict(zip(fields, values, strict=True))}
    except (KeyError, TypeError, ValueError):
        return None


def _open(path: Path) -> IO[bytes]:
    # A GzipFile is no IO[bytes] to a type checker, and is one to everybody else.
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _documents(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines of a file, or the items of the list that it holds, each as a line."""
    start = file.peek(LIST_START).lstrip()  # type: ignore[attr-defined]  # both kinds have it
    # A line of another program may begin with a bracket too.
    if start[:1] == b"[" and start[1:].lstrip()[:1] in {b"", b"{", b"]"}:
        with io.TextIOWrapper(file, "utf-8", errors="replace") as text:
            yield from _list_items(text)
    else:
        yield from file


def _list_items(file: io.TextIOWrapper) -> Iterator[bytes]:
    """Yield the items of a JSON list one by one, without holding the whole of it.

    Raises
    ------
    EOFError
        If the list does not end, or one of its items is no JSON.
    """
    decoder = json.JSONDecoder(object_pairs_hook=_object_from_pairs)
    text, position = file.read(LIST_CHUNK).lstrip()[1:], 0
    while True:
        position = SPACE.match(text, position).end()  # type: ignore[union-attr]  # it always matches
        if text[position : position + 1] == "]":
            return
        try:
            item, position = decoder.raw_decode(text, position)
        except ValueError as error:
            more = file.read(LIST_CHUNK)
            if not more:
                message = "a list of entries that is cut off, or holds what is no JSON"
                raise EOFError(message) from error
            text, position = text[position:] + more, 0
            continue
        yield json.dumps(item, separators=(",", ":")).encode() + b"\n"


def _find_record(raw: bytes) -> tuple[Document | None, Document | None]:
    """Return the record in a line, and the document around it."""
    document = _parse(raw)
    if document is None or _is_record(document):
        return document, None
    for name in WRAPPERS:
        inner = document.get(name)
        record = _parse(inner) if isinstance(inner, str) else inner
        if isinstance(record, dict) and _is_record(record):
            return record, document
    return None, None


def _is_record(document: Document) -> bool:
    return document.get("record") == "decision" or "link" in document


def _parse(text: bytes | str) -> Document | None:
    try:
        document = json.loads(text, object_pairs_hook=_object_from_pairs)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _object_from_pairs(pairs: list[tuple[str, Any]]) -> Document:
    members = dict(pairs)
    if len(members) != len(pairs):
        # No two readers agree on it, so it cannot be what was written; kept for the auditor, who
        # reports this as an unexpected member.
        members["duplicate key"] = True
    return members
