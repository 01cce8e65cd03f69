"""Loading a whole book: rows derived by several processes, copied by one, indexed at the end.

Keys and indexes are dropped before and made again after: sorting millions of entries once takes
minutes, looking each of them up takes hours. All of it is one transaction.
"""

import gc
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from multiprocessing import get_context
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from functions.lending.seed_rows import Records, Row, Seed, rows_from_records

AHEAD = 2  # batches that are derived for each process while one is copied
CONSTRAINTS = text("""
SELECT conrelid::regclass::text AS table_name, conname AS name, contype::text AS kind,
    pg_get_constraintdef(oid) AS definition FROM pg_constraint
WHERE (contype IN ('p', 'u') AND conrelid::regclass::text = ANY(:names))
    OR (contype = 'f' AND (conrelid::regclass::text = ANY(:names)
        OR confrelid::regclass::text = ANY(:names)))
ORDER BY contype, conrelid::regclass::text, conname
""")
INDEXES = text("""
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
FROM pg_index i WHERE i.indrelid::regclass::text = ANY(:names)
    AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid
        AND c.contype IN ('p', 'u'))
ORDER BY 1
""")
SPECIAL = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


class CopyChunk(NamedTuple):
    """Rows of one table as the text that COPY reads."""

    columns: tuple[str, ...]
    rows: int
    data: bytes


Chunks = Mapping[str, CopyChunk]


def derive_chunks(files: Mapping[str, Records], seed: Seed) -> Chunks:
    """Return the rows of some borrowers, derived and written as text."""
    gc.disable()  # a batch makes no cycles, and as many objects as would be searched for them
    try:
        rows = rows_from_records(files, seed)
        return {name: chunk_from_rows(of_table) for name, of_table in rows.items() if of_table}
    finally:
        gc.enable()


def chunk_from_rows(rows: Sequence[Row]) -> CopyChunk:
    """Write rows of one table, all with the same columns."""
    columns = tuple(rows[0])
    if any(row.keys() != rows[0].keys() for row in rows):
        raise AssertionError
    texts = [[WRITERS.get(type(v), str)(v) for v in map(itemgetter(n), rows)] for n in columns]
    lines = "\n".join(map("\t".join, zip(*texts, strict=True)))
    return CopyChunk(columns, len(rows), f"{lines}\n".encode())


def _write_text(value: str) -> str:
    return value if value.isascii() and value.isalnum() else value.translate(SPECIAL)


def _write_json(value: object) -> str:
    return json.dumps(value).translate(SPECIAL)


# What repeats in many rows is written once. Whatever is not listed writes itself.
WRITERS: Mapping[type, Callable[[Any], str]] = {
    type(None): lambda _: r"\N",
    str: _write_text,
    bytes: lambda value: rf"\\x{value.hex()}",
    dict: _write_json,
    list: _write_json,
    UUID: lru_cache(1024)(str),
    date: lru_cache(16_384)(str),
    datetime: lru_cache(16)(str),
}


def derive_all(
    batches: Iterable[Mapping[str, Records]], seed: Seed, processes: int
) -> Iterator[Chunks]:
    """Yield what each batch becomes, in their order; in this process if it is to be only one."""
    if processes <= 1:
        yield from (derive_chunks(files, seed) for files in batches)
        return
    # Not forked: this process has threads and a connection.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        pending: deque[Future[Chunks]] = deque()
        for files in batches:
            pending.append(pool.submit(derive_chunks, files, seed))
            if len(pending) >= AHEAD * processes:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def copy_chunk(connection: Connection, name: str, chunk: CopyChunk) -> None:
    """Load rows of one table by COPY."""
    driver: Any = connection.connection.driver_connection
    statement = f"COPY {name} ({', '.join(chunk.columns)}) FROM STDIN"
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(chunk.data)


@contextmanager
def without_indexes(connection: Connection, names: Sequence[str]) -> Iterator[None]:
    """Drop keys and indexes of empty tables, and make them again over all rows."""
    constraints = connection.execute(CONSTRAINTS, {"names": list(names)}).all()
    indexes = connection.execute(INDEXES, {"names": list(names)}).all()
    run = connection.exec_driver_sql
    run("SET LOCAL maintenance_work_mem = '256MB'")
    for one in constraints:  # foreign keys first: 'f' sorts before the keys that they need
        run(f"ALTER TABLE {one.table_name} DROP CONSTRAINT {one.name}")
    for index in indexes:
        run(f"DROP INDEX {index.name}")
    yield
    for one in reversed(constraints):
        run(f"ALTER TABLE {one.table_name} ADD CONSTRAINT {one.name} {one.definition}")
    for index in indexes:
        run(index.definition)
