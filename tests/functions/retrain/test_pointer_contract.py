"""Reading and moving a pointer over HTTP, through the real server with keys of two people."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from functions.access.api_keys import new_key
from functions.access.scopes import Scope
from functions.retrain.errors import StoreOutOfReachError
from functions.retrain.pointer_contract import run_in_thread
from models.errors import StoreUnavailableError
from models.registry.pointer import Author, promote, read_pointer
from models.registry.store_paths import report_path
from models.registry.versions import Version
from models.stores.uri import open_store
from tests.support.published import ROWS, publish_by_hand
from tests.support.running import Server, running_server
from tests.support.toy import Toy
from tests.support.two_persons import TwoPersons

PEPPER = "a pepper that only tests know, of 40 letters"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
OUTCOMES = ("promoted", "promoted", "rejected")
JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Desk:
    """The running function, its store, two people who may promote, and one who may only read."""

    server: Server
    uri: str
    keys: dict[str, str]
    versions: dict[str, list[Version]]

    def move(
        self, what: str, body: object, *, who: str = "maria", match: str | None = None
    ) -> httpx.Response:
        """Ask for a move of `toy:promote` and the like."""
        headers = {"authorization": f"Bearer {self.keys[who]}"} | JSON
        if match is not None:
            headers["if-match"] = match
        content = json.dumps(body).encode()
        return self.server.client.post(f"/v1/models/{what}", content=content, headers=headers)

    def principal(self, who: str) -> str:
        """The name that the function has for the holder of a key."""
        return f"key {self.keys[who].split('_')[1]}"

    def show(self, model: str, who: str = "reader") -> httpx.Response:
        """Read a pointer."""
        headers = {"authorization": f"Bearer {self.keys[who]}"}
        return self.server.client.get(f"/v1/models/{model}/pointer", headers=headers)


def write_report(uri: str, model: str, version: Version, outcome: str) -> None:
    gate = {
        "name": "floor[auc]",
        "passed": outcome == "promoted",
        "consequence": "refuse",
        "reason": "auc 0.7000; the policy asks for 0.82",
    }
    document = {"outcome": outcome, "gates": [gate]}
    open_store(uri).create(report_path(model, version.version), json.dumps(document).encode())


@dataclass(frozen=True)
class Running:
    """The function, the folder of its store, and the key of each person."""

    server: Server
    folder: Path
    keys: dict[str, str]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("pointers")
    expires = datetime.now(UTC) + timedelta(days=1)
    people: dict[str, tuple[Scope, ...]] = {
        "maria": ("promote", "models"),
        "igor": ("promote",),
        "reader": ("models", "train"),
    }
    made = {
        name: new_key(name=name, scopes=s, expires=expires, limit=None, pepper=PEPPER.encode())
        for name, s in people.items()
    }
    with running_server(
        folder / "log",
        "retrain module",
        MODEL_STORE=(folder / "store").as_uri(),
        CREDIT_MODELS="tests.support.toy,tests.support.two_persons",
        TRAINING_LOGS=str(folder / "logs"),
        AUTH="api-key",
        API_KEYS="\n".join(key.model_dump_json(exclude_none=True) for _, key in made.values()),
        API_KEY_PEPPER=PEPPER,
    ) as server:
        yield Running(server, folder / "store", {name: key for name, (key, _) in made.items()})


@pytest.fixture
def desk(running: Running) -> Desk:
    """Two models with a champion, another version that passed, and one that was rejected."""
    shutil.rmtree(running.folder, ignore_errors=True)
    uri = running.folder.as_uri()
    store = open_store(uri)
    versions: dict[str, list[Version]] = {}
    for name, model in (("toy", Toy), ("two_persons", TwoPersons)):
        versions[name] = [
            publish_by_hand(store, model, ROWS["toy"], NOW + timedelta(days=i)) for i in range(3)
        ]
        for version, outcome in zip(versions[name], OUTCOMES, strict=True):
            write_report(uri, name, version, outcome)
        promote(store, name, versions[name][0], Author("tester", NOW))
    return Desk(running.server, uri, running.keys, versions)


def test_a_version_that_passed_is_promoted_and_rolled_back(desk: Desk) -> None:
    first, second, _ = (version.version for version in desk.versions["toy"])
    state = desk.show("toy")
    assert (state.json()["sequence"], state.headers["etag"]) == (1, '"1"')
    moved = desk.move("toy:promote", {"version": second}, match=state.headers["etag"])
    assert (moved.status_code, moved.headers["etag"]) == (200, '"2"')
    assert moved.json() == {
        "status": "promoted",
        "model": "toy",
        "version": second,
        "sequence": 2,
        "who": desk.principal("maria"),
    }
    body = {"version": first, "reason": "complaints"}
    back = desk.move("toy:rollback", body, who="igor", match='"2"')
    assert (back.status_code, back.json()["status"]) == (200, "rolled back")
    content = desk.show("toy").json()
    assert (content["champion"], content["previous"], content["unrecorded"]) == (first, second, 0)
    assert [(m["action"], m["who"], m["reason"]) for m in content["moves"]] == [
        ("roll_back", desk.principal("igor"), "complaints"),
        ("promote", desk.principal("maria"), None),
        ("promote", "tester", None),
    ]


def test_a_move_needs_the_sequence_that_its_caller_saw(desk: Desk) -> None:
    body = {"version": desk.versions["toy"][1].version}
    absent = desk.move("toy:promote", body)
    assert absent.status_code == httpx.codes.PRECONDITION_REQUIRED
    assert "send If-Match" in absent.json()["detail"]
    for match in ("1", "*", 'W/"1"', '"x"', '"1", "2"'):
        assert desk.move("toy:promote", body, match=match).status_code == 400
    for match in ('"0"', '"2"'):
        stale = desk.move("toy:promote", body, match=match)
        assert stale.status_code == httpx.codes.PRECONDITION_FAILED
        assert "the pointer of toy has the sequence 1" in stale.json()["detail"]
    assert read_pointer(open_store(desk.uri), "toy").sequence == 1


def test_what_a_gate_refused_needs_a_reason(desk: Desk) -> None:
    body = {"version": desk.versions["toy"][2].version}
    refused = desk.move("toy:promote", body, match='"1"')
    assert refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    [error] = refused.json()["errors"]
    assert error["path"] == "reason"
    assert "was rejected, and it failed floor[auc]; to promote it" in error["message"]
    promoted = desk.move("toy:promote", body | {"reason": "agreed on 3 May"}, match='"1"')
    assert promoted.status_code == httpx.codes.OK
    [move, _] = desk.show("toy").json()["moves"]
    assert (move["reason"], move["failed"]) == ("agreed on 3 May", ["floor[auc]"])


def test_two_people_promote_what_a_gate_refused_where_the_policy_says_so(desk: Desk) -> None:
    rejected, maria = desk.versions["two_persons"][2].version, desk.principal("maria")
    what, body = "two_persons:promote", {"version": rejected, "reason": "agreed on 3 May"}
    proposed = desk.move(what, body, match='"1"')
    assert proposed.status_code == httpx.codes.ACCEPTED
    assert proposed.json()["status"] == "waiting for a second person"
    again = desk.move(what, body, match='"1"')
    assert again.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert f"{maria} moves the pointer, so somebody else" in again.json()["detail"]
    assert desk.show("two_persons").json()["sequence"] == 1
    approved = desk.move(what, {"version": rejected}, who="igor", match='"1"')
    assert (approved.status_code, approved.json()["who"]) == (200, maria)
    move = desk.show("two_persons").json()["moves"][0]
    assert (move["who"], move["approved_by"], move["reason"]) == (
        *(maria, desk.principal("igor"), "agreed on 3 May"),
    )


def test_a_proposal_is_void_once_the_pointer_has_moved(desk: Desk) -> None:
    _, passed, rejected = (version.version for version in desk.versions["two_persons"])
    what, body = "two_persons:promote", {"version": rejected, "reason": "agreed on 3 May"}
    assert desk.move(what, body, match='"1"').status_code == httpx.codes.ACCEPTED
    alone = desk.move(what, {"version": passed}, match='"1"')
    assert alone.status_code == httpx.codes.OK
    assert desk.move(what, body, who="igor", match='"2"').status_code == httpx.codes.ACCEPTED


def test_only_who_may_promote_does(desk: Desk) -> None:
    body = {"version": desk.versions["toy"][1].version}
    for verb in ("promote", "rollback"):
        answer = desk.move(f"toy:{verb}", body, who="reader", match='"1"')
        assert answer.status_code == httpx.codes.FORBIDDEN
    assert desk.show("toy", who="igor").status_code == httpx.codes.FORBIDDEN


@pytest.mark.parametrize(
    ("body", "status", "paths"),
    [
        ({}, 422, ["version"]),
        ({"version": "../x"}, 422, ["version"]),
        ({"version": 1, "reason": "", "force": True}, 422, ["force", "reason", "version"]),
        ({"version": "20200101T000000Z-000000000000"}, 404, []),
        ([], 422, []),
    ],
)
def test_a_wrong_order_gets_every_fault_and_moves_nothing(
    desk: Desk, body: object, status: int, paths: list[str]
) -> None:
    answer = desk.move("toy:promote", body, match='"1"')
    assert answer.status_code == status
    assert sorted(error["path"] for error in answer.json()["errors"]) == paths
    assert read_pointer(open_store(desk.uri), "toy").sequence == 1


def test_what_cannot_be_moved_is_a_conflict(desk: Desk) -> None:
    first, second, _ = (version.version for version in desk.versions["toy"])
    no_previous = desk.move("toy:rollback", {"version": second}, match='"1"')
    assert no_previous.status_code == httpx.codes.CONFLICT
    assert "toy has no previous champion" in no_previous.json()["detail"]
    path = Path(desk.uri.removeprefix("file://")) / f"versions/toy/{second}/bundle.zip"
    path.write_bytes(path.read_bytes()[:-1])
    damaged = desk.move("toy:promote", {"version": second}, match='"1"')
    assert damaged.status_code == httpx.codes.CONFLICT
    assert "the sha256 of its bundle begins with" in damaged.json()["detail"]
    unknown = desk.move("none:promote", {"version": first}, match='"1"')
    assert unknown.status_code == httpx.codes.NOT_FOUND


def test_a_model_without_a_champion_has_the_sequence_zero(desk: Desk) -> None:
    state = desk.show("german_credit")
    assert (state.json()["champion"], state.headers["etag"]) == (None, '"0"')


def test_a_store_out_of_reach_is_a_503() -> None:
    def read() -> None:
        message = "the bucket of the lender does not answer"
        raise StoreUnavailableError(message)

    with pytest.raises(StoreOutOfReachError, match="the model store cannot be reached") as caught:
        asyncio.run(run_in_thread(read))
    assert caught.value.retry_after_seconds == 10


def test_the_routes_are_described(desk: Desk) -> None:
    paths = desk.server.client.get("/openapi.json").json()["paths"]
    operation = paths["/v1/models/{model}:promote"]["post"]
    assert operation["x-scope"] == "promote"
    assert [p["name"] for p in operation["parameters"] if "name" in p] == ["model", "If-Match"]
    assert "/v1/models/{model}:rollback" in paths
    assert "/v1/models/{model}/pointer" in paths
