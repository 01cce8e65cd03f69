"""What the running server tells of published versions."""

import json
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from models.discovery import credit_models
from models.registry.pointer import Author, Challenger, challenge, promote
from models.registry.store_paths import monitoring_path
from models.stores.uri import open_store
from tests.support.faults import faulty_proxy
from tests.support.published import NOW, publish_by_hand
from tests.support.running import Server, running_server

Rows = dict[str, dict[str, Any]]


@pytest.fixture
def published(rows: Rows, tmp_path: Path) -> Iterator[tuple[Server, list[str]]]:
    """A server, and four versions of `toy`, oldest first: one for each way to stand."""
    (tmp_path / "store").mkdir()
    uri = (tmp_path / "store").as_uri()
    store, model = open_store(uri), credit_models(["tests.support.toy"])["toy"]
    author = Author("tester", NOW)
    versions = [
        publish_by_hand(store, model, rows["toy"], NOW.replace(day=day)) for day in (1, 2, 3, 4)
    ]
    promote(store, "toy", versions[1], author)
    promote(store, "toy", versions[2], author)
    challenge(store, "toy", Challenger(version=versions[3], share=0.1), author)
    log_path = tmp_path / "log"
    with running_server(log_path, MODEL_STORE=uri, CREDIT_MODELS="tests.support.toy") as server:
        yield server, [version.version for version in versions]


def test_versions_are_listed_newest_first_with_how_each_stands(
    published: tuple[Server, list[str]],
) -> None:
    server, names = published
    body = server.client.get("/model/versions?model=toy").json()
    assert (body["model"], body["champion"]) == ("toy", names[2])
    assert [(one["version"], one["status"]) for one in body["versions"]] == [
        (names[3], "challenger"),
        (names[2], "champion"),
        (names[1], "previous"),
        (names[0], "published"),
    ]
    assert body["versions"][3]["published"] == "2026-11-01T01:44:00+00:00"


def test_a_version_is_described_and_the_champion_if_none_is_named(
    published: tuple[Server, list[str]],
) -> None:
    server, names = published
    champion = server.client.get("/model/info?model=toy").json()
    assert (champion["version"], champion["status"]) == (names[2], "champion")
    assert (champion["family"], champion["horizon"]) == ("logistic", "12 months")
    assert champion["policy"] == {"approve_below": 0.2, "decline_from": 0.6}
    oldest = server.client.get(f"/model/info?model=toy&version={names[0]}").json()
    assert (oldest["version"], oldest["status"]) == (names[0], "published")
    assert oldest["sha256"].startswith(names[0][-12:])


@pytest.mark.parametrize(
    "address",
    [
        "/model/info?model=toy&version=20261121T014400Z-000000000000",
        "/model/info?model=toy&version=../../champions/toy.json",
        "/model/info?model=toy&version=",
        "/model/info?model=nobody",
        "/model/info",
        "/model/versions?model=",
    ],
)
def test_what_is_not_published_is_not_found(
    published: tuple[Server, list[str]], address: str
) -> None:
    server, _ = published
    answer = server.client.get(address)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "champions" not in answer.text


def test_a_model_without_versions_has_an_empty_list(
    published: tuple[Server, list[str]],
) -> None:
    server, _ = published
    body = server.client.get("/model/versions").json()
    assert body == {"model": "application", "champion": None, "versions": []}


def test_a_damaged_version_is_not_described(
    published: tuple[Server, list[str]], tmp_path: Path
) -> None:
    server, names = published
    [path] = (tmp_path / "store").glob(f"versions/toy/{names[0]}/bundle.zip")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    answer = server.client.get(f"/model/info?model=toy&version={names[0]}")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "this version is not as it was published"


PAGE = "<!doctype html><style>p { color: red }</style><style>b { top: 0 }</style><p>12 %"


@pytest.fixture
def reported(published: tuple[Server, list[str]], tmp_path: Path) -> tuple[Server, str]:
    """The address of a version's report, whose files lie beside its bundle."""
    server, names = published
    store = open_store((tmp_path / "store").as_uri())
    for name, text in (("report.html", PAGE), ("report.json", '{"format": 2}')):
        store.create(f"versions/toy/{names[0]}/{name}", text.encode())
    return server, f"/v1/models/toy/versions/{names[0]}/report"


def test_a_report_is_served_as_a_page_that_may_load_and_run_nothing(
    reported: tuple[Server, str],
) -> None:
    server, address = reported
    answer = server.client.get(address)
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"].split("; ")
    digests = [
        b64encode(sha256(text).digest()).decode() for text in (b"p { color: red }", b"b { top: 0 }")
    ]
    assert policy[:2] == [
        "default-src 'none'",
        f"style-src 'sha256-{digests[0]}' 'sha256-{digests[1]}'",
    ]
    assert {"sandbox", "frame-ancestors 'none'", "form-action 'none'"} <= set(policy)
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_reports_figures_are_served_as_they_are_stored(reported: tuple[Server, str]) -> None:
    server, address = reported
    answer = server.client.get(f"{address}.json")
    assert (answer.json(), answer.headers["content-type"]) == ({"format": 2}, "application/json")
    assert "content-security-policy" not in answer.headers


@pytest.mark.parametrize("suffix", ["", ".json"])
def test_a_report_may_be_kept_for_ever_and_is_not_sent_twice(
    reported: tuple[Server, str], suffix: str
) -> None:
    server, address = reported
    first = server.client.get(address + suffix)
    assert first.headers["cache-control"] == "private, max-age=31536000, immutable"
    tag = first.headers["etag"]
    again = server.client.get(address + suffix, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    changed = server.client.get(address + suffix, headers={"If-None-Match": '"other"'})
    assert changed.status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "/v1/models/toy/versions/20261121T014400Z-000000000000/report",
        "/v1/models/toy/versions/20261121T014400Z-000000000000/report.json",
        "/v1/models/toy/versions/..%2F..%2Fchampions/report",
        "/v1/models/toy/versions/champions/report",
        "/v1/models/nobody/versions/20261121T014400Z-000000000000/report",
    ],
)
def test_a_report_that_does_not_exist_is_not_found(
    reported: tuple[Server, str], address: str
) -> None:
    answer = reported[0].client.get(address)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.timing
def test_a_store_in_trouble_is_said_in_time_and_costs_no_score(
    made_store: str, rows: Rows, bucket_server: str, tmp_path: Path
) -> None:
    source, bucket = open_store(made_store), open_store("gs://models/versions-in-trouble")
    for name in source.names(""):
        bucket.create(name, source.read(name).data)
    with (
        faulty_proxy(bucket_server) as proxy,
        running_server(
            tmp_path / "log",
            MODEL_STORE="gs://models/versions-in-trouble",
            MODEL_REFRESH_SECONDS="3600",
            STORAGE_EMULATOR_HOST=proxy.url,
        ) as server,
    ):
        assert server.client.post("/predict", json=rows["application"]).status_code == 200
        assert server.client.get("/model/versions").status_code == 200
        proxy.fault = "trickle"
        began = time.monotonic()
        with ThreadPoolExecutor(8) as clients:
            asking = [clients.submit(server.client.get, "/model/versions") for _ in range(8)]
            scored = [server.client.post("/predict", json=rows["application"]) for _ in range(20)]
            many = {"instances": [rows["application"]] * 100}
            scored.append(server.client.post("/v1/models/application:predict", json=many))
            assert time.monotonic() - began < 3
            answers = [future.result() for future in asking]
        assert {answer.status_code for answer in scored} == {200}
        assert {answer.status_code for answer in answers} == {503}
        assert time.monotonic() - began < 8
        assert {answer.json()["detail"] for answer in answers} == {
            "the model store cannot be reached"
        }


def test_what_monitoring_measured_is_served_by_day_and_lately(
    published: tuple[Server, list[str]], tmp_path: Path
) -> None:
    server, _ = published
    store = open_store((tmp_path / "store").as_uri())
    for day in (27, 28):
        name = monitoring_path("toy", date(2026, 11, day), 1)
        store.create(name, json.dumps({"day": f"2026-11-{day}"}).encode())
    store.create("monitoring/toy/outcomes/2026-11-29-001.parquet", b"")
    address = "/v1/models/toy/monitoring"
    assert server.client.get(address).json() == {"day": "2026-11-28"}
    assert server.client.get(f"{address}?day=2026-11-27").json() == {"day": "2026-11-27"}


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/v1/models/toy/monitoring", 404),
        ("/v1/models/toy/monitoring?day=2026-11-27", 404),
        ("/v1/models/toy/monitoring?day=27.11.2026", 422),
        ("/v1/models/nobody/monitoring", 404),
    ],
)
def test_a_day_without_monitoring_is_not_found(
    published: tuple[Server, list[str]], address: str, status: int
) -> None:
    server, _ = published
    assert server.client.get(address).status_code == status
