import os
from collections.abc import Iterator

import httpx
import pytest

from functions.web.bodies import MAX_BODY_BYTES
from tests.support.running import REPOSITORY, Server, running_server

JSON = {"content-type": "application/json"}
MAX_PROBLEM_BYTES = 64 * 1024
MANY_LEVELS = """
from typing import Annotated, ClassVar, Literal

from models.annotations import Reason
from models.contract import CreditModel
from models.policy import Cutoffs
from models.score_scale import PointsToDoubleOdds


class ManyLevels(CreditModel):
    label: ClassVar = "is_default"
    label_definition: ClassVar = "made up"
    horizon: ClassVar = "12 months"
    scale: ClassVar = PointsToDoubleOdds()
    policy: ClassVar = Cutoffs(approve_below=0.2, decline_from=0.4)

    branch: Annotated[Literal[tuple(map(str, range(5_000)))], Reason("L1", "Branch")]
"""


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"age": NaN}', 400),
        (b'{"age": -Infinity}', 400),
        (b'{"age": 1, "age": 2}', 400),
        (b'{"\\ud800": 1}', 400),
        (b'{"home_ownership": "\\udfff"}', 400),
        (b'{"home_ownership": "\\ud83d\\ude00"}', 422),
        (b'{"a":' * 100_000, 400),
        (b'{"age": ' + b"9" * 5_000 + b"}", 400),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b'{"age": 1e400}', 422),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    service: Server, body: bytes, status: int
) -> None:
    answer = service.client.post("/predict", content=body, headers=JSON)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/x-www-form-urlencoded"},
        JSON | {"content-encoding": "gzip"},
    ],
)
def test_another_kind_of_body_is_not_supported(service: Server, headers: dict[str, str]) -> None:
    answer = service.client.post("/predict", content=b"{}", headers=headers)
    assert answer.status_code == httpx.codes.UNSUPPORTED_MEDIA_TYPE


def test_faults_are_counted_and_as_many_are_shown_as_a_response_holds(service: Server) -> None:
    rows: list[dict[str, int]] = [{}] * 1_000
    answer = service.client.post("/v1/models/application:predict", json={"instances": rows})
    problem = answer.json()
    listed = len(problem["errors"])
    assert problem["detail"].endswith(f": 17000 faults, of which the first {listed} are listed")
    assert 500 < listed <= 1_000
    assert len(answer.content) <= MAX_PROBLEM_BYTES
    reply = service.client.post("/predict/batch", json={"applications": rows}).json()
    assert reply["count"] == 1_000
    assert 500 < sum(len(result["errors"]) for result in reply["results"]) <= 1_000
    assert all(result["error"] for result in reply["results"])


@pytest.fixture(scope="module")
def many_levels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with a model one of whose fields has 5,000 levels; nothing is published."""
    folder = tmp_path_factory.mktemp("levels")
    (folder / "many_levels.py").write_text(MANY_LEVELS)
    with running_server(
        folder / "log",
        MODEL_STORE=(folder / "store").as_uri(),
        CREDIT_MODELS="many_levels",
        PYTHONPATH=os.pathsep.join([str(REPOSITORY), str(folder)]),
    ) as server:
        yield server


def test_a_field_of_very_many_levels_does_not_make_a_very_large_answer(
    many_levels: Server,
) -> None:
    for verb, count in (("predict", 1_000), ("explain", 100)):
        rows = [{"branch": "nowhere"}] * count
        path = f"/v1/models/many_levels:{verb}"
        answer = many_levels.client.post(path, json={"instances": rows})
        assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
        assert len(answer.content) <= MAX_PROBLEM_BYTES
        fault = answer.json()["errors"][0]
        assert fault["path"] == "instances[0].branch"
        assert fault["message"].startswith("Input should be '0', '1', '2'")
        assert fault["message"].endswith("and others: the model's schema lists them")
    short = many_levels.client.post("/bigquery/many_levels", json={"calls": [["nowhere"]]})
    assert "; calls[0].branch: Input should be '0', '1'" in short.json()["errorMessage"]
    tensor = {"name": "branch", "shape": [1], "datatype": "BYTES", "data": ["nowhere"]}
    short = many_levels.client.post("/v2/models/many_levels/infer", json={"inputs": [tensor]})
    assert "; rows[0].branch: Input should be '0', '1'" in short.json()["error"]


def test_a_row_of_very_many_members_is_refused_as_a_whole(service: Server) -> None:
    row = {f"field_{i}": i for i in range(100_000)}
    [fault] = service.client.post("/predict", json=row).json()["errors"]
    assert fault["message"] == "Object has far more members than the contract has fields"


@pytest.mark.parametrize("kind", ["application/json; charset=UTF-8", "Application/JSON"])
def test_json_in_utf_8_is_read_however_it_is_written(service: Server, kind: str) -> None:
    answer = service.client.post("/predict", content=b"{}", headers={"content-type": kind})
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY


def test_a_body_over_the_limit_is_refused(service: Server) -> None:
    body = b" " * (MAX_BODY_BYTES + 1)
    answer = service.client.post("/predict", content=body, headers=JSON)
    assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE


@pytest.mark.parametrize("path", ["/" + "x" * 3_000, "/health/live?" + "x" * 3_000])
def test_a_long_address_is_refused(service: Server, path: str) -> None:
    answer = service.client.get(path)
    assert answer.status_code == httpx.codes.REQUEST_URI_TOO_LONG
    assert answer.json()["status"] == 414


@pytest.mark.parametrize("headers", [{"x-long": "x" * 20_000}, {f"x-{i}": "x" for i in range(101)}])
def test_too_many_or_too_long_headers_are_refused(service: Server, headers: dict[str, str]) -> None:
    answer = service.client.get("/health/live", headers=headers)
    assert answer.status_code == httpx.codes.REQUEST_HEADER_FIELDS_TOO_LARGE


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/predict", 405),
        ("DELETE", "/predict/batch", 405),
        ("POST", "/health", 405),
        ("PUT", "/v1/models/application:predict", 405),
        ("GET", "/v1/models/application:predict", 405),
        ("GET", "/v1/models/mortgage:predict", 404),
        ("POST", "/predict/", 404),
    ],
)
def test_other_paths_and_methods_are_problems_too(
    service: Server, method: str, path: str, status: int
) -> None:
    answer = service.client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert ("allow" in answer.headers) is (status == httpx.codes.METHOD_NOT_ALLOWED)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("einkünfte", "einkünfte"),
        ("年收入", "年收入"),
        ("a b", "(unprintable name)"),
        ("a\n", "(unprintable name)"),
        ("a" * 65, "(unprintable name)"),
    ],
)
def test_a_name_of_any_alphabet_is_shown_if_it_may_be_a_fields(
    service: Server, name: str, path: str
) -> None:
    answer = service.client.post("/predict", json={name: 1})
    assert path in {fault["path"] for fault in answer.json()["errors"]}
