"""Records are chained in the order they are written, and heads of the chain are anchored."""

import gzip
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.scoring.errors import UnrecordedError
from functions.scoring.evidence.audit_cli import main, read_anchored_heads
from functions.scoring.evidence.decision_log import (
    ANCHOR_RECORDS,
    ANCHOR_SECONDS,
    Anchors,
    DecisionLog,
    LogFile,
)
from functions.web.problems import RequestError
from models.evidence.hash_chain import Seal
from models.evidence.log_reader import LogFiles, decisions_in, read_lines
from models.evidence.log_verification import verify
from models.stores.files import FileStore
from tests.functions.scoring.recording import (
    KEY,
    SEAL,
    caller,
    decision_log,
    decisions_logged,
    record,
    records_in,
    toy_version,
    toys,
)
from tests.support.faults import wait_until
from tests.support.running import ModelStore, Server, ServerKind, running_server

Rows = dict[str, dict[str, Any]]


def records(path: Path) -> list[dict[str, Any]]:
    return list(records_in(path.read_bytes().splitlines()).values())


def test_threads_and_batches_make_one_chain_and_a_request_stays_together(tmp_path: Path) -> None:
    path, loaded = tmp_path / "log", toy_version()
    log = decision_log(path)
    with ThreadPoolExecutor(8) as threads:
        requests = [(toys(1 + i % 40), caller(f"r{i}")) for i in range(80)]
        list(threads.map(lambda request: record(log, loaded, *request), requests))
    written = records(path)
    assert [r["sequence"] for r in written] == list(range(len(requests)))
    assert verify(read_lines(path), [SEAL]).faults == []
    for record_of_request in written:
        rows = len(toys(1 + int(record_of_request["request_id"][1:]) % 40))
        decided = list(decisions_in(record_of_request))
        assert [decision["index"] for decision in decided] == list(range(rows))


def test_the_same_idempotency_key_gives_the_same_ids_and_is_not_kept(tmp_path: Path) -> None:
    path, loaded = tmp_path / "log", toy_version()
    for request, key in (("a", "loan 4711"), ("b", "loan 4711"), ("a", None), ("loan 4711", None)):
        record(decision_log(path), loaded, toys(2), caller(request, key=key))
    ids = [d["decision_id"] for d in decisions_logged(path)]
    assert ids[0:2] == ids[2:4]
    assert len(set(ids)) == 6
    assert [i[-2:] for i in ids[:2]] == ["-0", "-1"]


def test_one_idempotency_key_for_two_models_gives_two_ids(contracts: Server, rows: Rows) -> None:
    for name in ("customer", "toy"):
        headers = {"Idempotency-Key": "twice", "x-request-id": "twice"}
        body = {"instances": [rows[name]]}
        answer = contracts.client.post(f"/v1/models/{name}:predict", json=body, headers=headers)
        assert answer.is_success
    decisions = decisions_logged(contracts.log_path)
    ids = {d["decision_id"] for d in decisions if d["request_id"] == "twice"}
    assert len(ids) == 2


def test_a_row_with_an_identifier_is_recorded_under_it_and_any_other_under_the_requests(
    rows: Rows, tmp_path: Path, made_store: str
) -> None:
    customers = [rows["customer"] | {"customer_id": name} for name in ("A", "B", None)]
    settings = {"MODEL_STORE": made_store, "DECISION_LOG_KEY": KEY.replace(" ", "-")}
    with running_server(tmp_path / "log", "module", **settings) as server:
        for headers in ({"X-Applicant-Id": "C"}, {}):
            body = {"instances": customers}
            path = "/v1/models/customer:predict"
            assert server.client.post(path, json=body, headers=headers).is_success
    seal = Seal(KEY.replace(" ", "-"))
    assert [d["applicant"] for d in decisions_logged(tmp_path / "log")] == [
        *(seal.pseudonym(name) for name in "ABC"),
        *(seal.pseudonym(name) for name in "AB"),
        None,
    ]


def test_an_applicant_has_one_pseudonym_a_key_and_none_without_a_key(tmp_path: Path) -> None:
    loaded = toy_version()
    applicants = []
    for name, key in (("a", KEY), ("b", KEY), ("c", KEY[::-1]), ("d", "")):
        record(decision_log(tmp_path / name, Seal(key)), loaded, toys(1), caller("r", "Zacharias"))
        applicants += [d["applicant"] for d in decisions_logged(tmp_path / name)]
        assert "Zacharias" not in (tmp_path / name).read_text()
    assert applicants[0] == applicants[1]
    assert len(set(applicants)) == 3
    assert applicants[3] is None


def test_a_torn_write_refuses_the_decision_and_what_follows_is_a_chain_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, loaded = tmp_path / "log", toy_version()
    torn: list[int] = []

    def write(lines: bytes) -> None:
        with path.open("ab") as file:
            if torn:
                file.write(lines[: torn.pop()])
                message = "no space left"
                raise OSError(message)
            file.write(lines)

    log = DecisionLog(write, SEAL)
    record(log, loaded, toys(2), caller())
    torn.append(1_500)  # within the record
    with pytest.raises(UnrecordedError):
        record(log, loaded, toys(3), caller())
    record(log, loaded, toys(2), caller())
    logged = json.loads(capsys.readouterr().out)
    assert (logged["severity"], logged["cause"]) == ("ERROR", "OSError: no space left")
    findings = verify(read_lines(path), [SEAL])
    assert findings.faults == []
    assert findings.fragments == [2]
    assert sorted(len(positions) for positions in findings.chains.values()) == [1, 1]


def test_without_a_key_the_log_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    decision_log(tmp_path / "log", Seal())
    assert "DECISION_LOG_KEY is not set" in capsys.readouterr().out
    decision_log(tmp_path / "log", SEAL)
    assert capsys.readouterr().out == ""


def test_heads_are_anchored_at_first_then_by_records_and_by_time(tmp_path: Path) -> None:
    store, loaded, now = FileStore(str(tmp_path / "anchors")), toy_version(), [0.0]
    log = decision_log(tmp_path / "log", anchors=Anchors(store, lambda: now[0]))

    def anchored(requests: int, expected: int) -> None:
        for _ in range(requests):
            record(log, loaded, toys(1), caller())
        wait_until(lambda: len(store.names("anchors/")) == expected)
        time.sleep(0.05)  # the thread that wrote it notes it, then ends
        assert len(store.names("anchors/")) == expected

    anchored(1, 1)
    anchored(1, 1)
    anchored(ANCHOR_RECORDS, 2)
    anchored(1, 2)
    now[0] += ANCHOR_SECONDS
    anchored(1, 3)
    [head] = read_anchored_heads(store)
    last = records(tmp_path / "log")[-1]
    assert (head.chain, head.sequence, head.link) == (last["chain"], last["sequence"], last["link"])
    record(log, loaded, toys(5), caller())
    log.close()
    assert [h.sequence for h in read_anchored_heads(store)] == [head.sequence + 1]


def test_an_anchor_that_cannot_be_written_is_counted_and_logged_and_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder of the store should be")
    log = decision_log(tmp_path / "log", anchors=Anchors(FileStore(str(blocked))))
    record(log, toy_version(), toys(1), caller())
    wait_until(lambda: log.anchor_failures == 1)
    record(log, toy_version(), toys(1), caller())
    log.close()
    assert log.anchor_failures == 2
    assert capsys.readouterr().out.count("chain head not anchored") == 2
    assert len(records(tmp_path / "log")) == 2


class HangingStore(FileStore):
    """A store that takes a write and never answers."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.released = threading.Event()

    def create(self, name: str, data: bytes) -> None:
        """Wait to be released."""
        self.released.wait(30)
        super().create(name, data)


@pytest.mark.timing
def test_a_store_that_hangs_delays_neither_a_decision_nor_the_end(tmp_path: Path) -> None:
    store = HangingStore(str(tmp_path / "anchors"))
    log = decision_log(tmp_path / "log", anchors=Anchors(store))
    began = time.monotonic()
    for _ in range(3):
        record(log, toy_version(), toys(1), caller())
    assert time.monotonic() - began < 1
    log.close()
    assert time.monotonic() - began < 3
    store.released.set()
    wait_until(lambda: not [t for t in threading.enumerate() if t.name == "anchor"])


@pytest.mark.parametrize("kind", ["module", "framework"])
def test_a_server_that_is_stopped_has_anchored_its_last_record(
    kind: ServerKind, made_models: ModelStore, example: Callable[[str], Any], tmp_path: Path
) -> None:
    path, anchors = tmp_path / "decisions.jsonl", tmp_path / "anchors"
    key = KEY.replace(" ", "-")
    with running_server(
        tmp_path / "log",
        kind,
        MODEL_STORE=made_models.uri,
        DECISION_LOG=str(path),
        DECISION_LOG_KEY=f"{key} {'old' * 20}",
        DECISION_ANCHOR_STORE=anchors.as_uri(),
    ) as server:
        for _ in range(5):
            assert server.client.post("/predict", json=example("application")).is_success
        assert "surety_anchor_failures_total 0.0" in server.client.get("/metrics").text
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=15) == 0
    [head] = read_anchored_heads(FileStore(str(anchors)))
    assert head.sequence == 4
    findings = verify(read_lines(path), [Seal(key)], [head])
    assert (findings.faults, findings.records) == ([], 5)


def test_an_anchor_holds_its_head_and_the_time(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path))
    log = decision_log(tmp_path / "log", anchors=Anchors(store))
    record(log, toy_version(), toys(1), caller())
    log.close()
    [name] = store.names("anchors/")
    document = json.loads(store.read(name).data)
    assert name.split("/")[1] == document["head"].split(":")[0]
    assert set(document) == {"format", "head", "at"}


@pytest.fixture
def file_log() -> Iterator[Callable[[Path], DecisionLog]]:
    """Open a log in a file, as DECISION_LOG names it."""
    files = []

    def open_file(path: Path) -> DecisionLog:
        files.append(LogFile(path))
        return DecisionLog(files[-1].write, SEAL)

    yield open_file
    for file in files:
        file.close()


FileLog = Callable[[Path], DecisionLog]


def rotate(path: Path, number: int) -> None:
    """As logrotate does: rename, compress, and remove what was renamed."""
    renamed = path.with_name(f"{path.name}.{number}")
    path.rename(renamed)
    renamed.with_name(f"{renamed.name}.gz").write_bytes(gzip.compress(renamed.read_bytes()))
    renamed.unlink()


def test_a_log_file_that_is_rotated_is_opened_anew_and_all_of_them_verify(
    tmp_path: Path, file_log: FileLog
) -> None:
    path = tmp_path / "decisions.jsonl"
    log = file_log(path)
    for number in range(5):
        record(log, toy_version(), toys(2), caller(f"r{number}"))
        rotate(path, number)
    record(log, toy_version(), toys(2), caller("last"))
    files = [*(tmp_path / f"decisions.jsonl.{number}.gz" for number in range(5)), path]
    findings = verify(LogFiles(files), [SEAL])
    assert (findings.faults, findings.records, len(findings.chains)) == ([], 6, 1)
    assert findings.decisions == 12


def test_no_record_is_lost_while_a_busy_log_is_rotated(tmp_path: Path, file_log: FileLog) -> None:
    path, loaded = tmp_path / "decisions.jsonl", toy_version()
    log = file_log(path)
    is_over = threading.Event()

    def decide() -> int:
        written = 0
        while not is_over.is_set():
            record(log, loaded, toys(1), caller(f"r{written}"))
            written += 1
        return written

    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(decide) for _ in range(4)]
        for number in range(50):
            wait_until(path.exists)
            rotate(path, number)
            time.sleep(0.005)
        is_over.set()
        written = sum(writer.result() for writer in writers)
    files = [*(tmp_path / f"decisions.jsonl.{number}.gz" for number in range(50)), path]
    findings = verify(LogFiles(filter(Path.exists, files)), [SEAL])
    assert (findings.faults, findings.records) == ([], written)


def test_what_cannot_be_written_where_the_name_says_is_no_decision(
    tmp_path: Path, file_log: FileLog
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    log = file_log(folder / "decisions.jsonl")
    record(log, toy_version(), toys(1), caller())
    folder.rename(tmp_path / "moved")
    with pytest.raises(UnrecordedError):
        record(log, toy_version(), toys(1), caller())
    folder.mkdir()
    record(log, toy_version(), toys(1), caller())
    assert len(records(folder / "decisions.jsonl")) == 1


def test_a_key_that_was_used_for_another_request_is_refused(tmp_path: Path) -> None:
    log = decision_log(tmp_path / "log")
    record(log, toy_version(), toys(2), caller("a", key="k"))
    record(log, toy_version(), toys(2), caller("b", key="k"))
    with pytest.raises(RequestError, match="this Idempotency-Key was used for another request"):
        record(log, toy_version(), toys(3), caller("c", key="k"))
    record(log, toy_version(), toys(3), replace(caller("d", key="k"), principal="key 2"))
    ids = [d["decision_id"] for d in decisions_logged(tmp_path / "log")]
    assert ids[:2] == ids[2:4]
    assert len(set(ids)) == 5


def test_keys_are_remembered_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.scoring.evidence.decision_log.MAX_KEYS", 3)
    log = decision_log(tmp_path / "log")
    for key in "abcd":
        record(log, toy_version(), toys(1), caller(key=key))
    record(log, toy_version(), toys(2), caller(key="a"))  # forgotten: it may be used again
    with pytest.raises(RequestError):
        record(log, toy_version(), toys(2), caller(key="d"))


def test_the_server_refuses_a_key_with_another_body_and_names_that_are_no_identifiers(
    contracts: Server, rows: Rows
) -> None:
    def post(headers: dict[bytes, bytes], **changes: object) -> httpx.Response:
        body = {"instances": [rows["application"] | changes]}
        path = "/v1/models/application:predict"
        return contracts.client.post(path, json=body, headers=list(headers.items()))

    key = {b"Idempotency-Key": b"order 4711"}
    assert post(key).status_code == httpx.codes.OK
    assert post(key).status_code == httpx.codes.OK
    answer = post(key, income=20_000)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "this Idempotency-Key was used for another request" in answer.json()["detail"]
    for value in (b"", b"\xf6", b"a\tb", b"a" * 129, "\u200b".encode()):
        answer = post({b"X-Applicant-Id": value, b"Idempotency-Key": value})
        assert answer.status_code == httpx.codes.BAD_REQUEST
        paths = [fault["path"] for fault in answer.json()["errors"]]
        assert paths == ["X-Applicant-Id", "Idempotency-Key"]
    twice = [(b"X-Applicant-Id", b"one"), (b"X-Applicant-Id", b"other")]
    answer = contracts.client.get("/v1/models", headers=twice)
    assert answer.json()["errors"] == [{"path": "X-Applicant-Id", "message": "may be sent once"}]


def test_an_applicant_whose_name_is_not_ascii_is_found_by_it(
    made_models: ModelStore,
    example: Callable[[str], Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, key = tmp_path / "decisions.jsonl", KEY.replace(" ", "-")
    with running_server(
        tmp_path / "log", MODEL_STORE=made_models.uri, DECISION_LOG=str(path), DECISION_LOG_KEY=key
    ) as server:
        for name in ("J\u00f6rg", "Jo\u0308rg"):
            headers = [(b"X-Applicant-Id", name.encode())]
            sent = server.client.post("/predict", json=example("application"), headers=headers)
            assert sent.is_success
    monkeypatch.setenv("DECISION_LOG_KEY", key)
    for name in ("J\u00f6rg", "Jo\u0308rg"):
        assert main(["audit", "export", str(path), "--applicant", name]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_key_is_used_when_its_decision_is_recorded_and_covers_the_applicant() -> None:
    fails = True

    def write(_lines: bytes) -> None:
        if fails:
            raise OSError

    log = DecisionLog(write, SEAL)
    with pytest.raises(UnrecordedError):
        record(log, toy_version(), toys(2), caller(key="k"))
    fails = False
    record(log, toy_version(), toys(1), caller(key="k"))  # the first was no decision
    with pytest.raises(RequestError):
        record(log, toy_version(), toys(1), caller(key="k", applicant="another"))


def test_a_key_with_another_protected_value_is_refused_without_a_log_key_too(
    tmp_path: Path,
) -> None:
    log = decision_log(tmp_path / "log", Seal())
    [row] = toys(1)
    record(log, toy_version(), [row], caller(key="k"))
    with pytest.raises(RequestError):
        record(log, toy_version(), [row.model_copy(update={"age": row.age + 1})], caller(key="k"))
