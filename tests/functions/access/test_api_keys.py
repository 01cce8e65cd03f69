import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import pytest

from functions.access.api_keys import SETTLE_SECONDS, KeyRing, faults_from_keys, hash_key
from functions.access.principal import Principal, UnauthenticatedError
from functions.access.rate_limit import Rate
from functions.access.settings import access_from
from functions.web.settings import listening_from
from tests.functions.access.conftest import PEPPER, KeyFile
from tests.support.running import running_server


def clock_ahead(of_now: timedelta) -> Callable[[], datetime]:
    return lambda: datetime.now(UTC) + of_now


async def holder(ring: KeyRing, key: str) -> str:
    """The principal's name, or why there is none."""
    try:
        return (await ring.authenticate(key)).name
    except UnauthenticatedError as error:
        return str(error)


@pytest.fixture
def ring(key_file: KeyFile) -> KeyRing:
    """A ring for which a file settles between two looks."""
    return KeyRing(str(key_file.path), PEPPER.encode(), clock=count(step=SETTLE_SECONDS).__next__)


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.anyio
async def test_a_key_is_its_holders_with_scopes_and_a_rate(
    key_file: KeyFile, ring: KeyRing
) -> None:
    key = key_file.add("score", "models", limit="5/second")
    expected = Principal(f"key {key[3:11]}", frozenset({"score", "models"}), Rate(5, 1))
    assert await ring.authenticate(key) == expected


@pytest.mark.anyio
async def test_any_other_text_is_nobodys(key_file: KeyFile, ring: KeyRing) -> None:
    key = key_file.add("score")
    other = "B" if key[-2] == "A" else "A"
    wrong = [key[:-2] + other + key[-1], "sk_00000000" + key[11:], key[:-1], key + "A", "", "\x00"]
    for text in [*wrong, key.upper(), f" {key}", "sk__", "\N{SNOWMAN}"]:
        assert await holder(ring, text) == "this API key is not accepted", text


@pytest.mark.anyio
async def test_a_key_is_good_until_it_expires(key_file: KeyFile) -> None:
    key = key_file.add("score", days=1)
    for hours, message in ((23, f"key {key[3:11]}"), (25, "this API key has expired")):
        later = timedelta(hours=hours)
        ring = KeyRing(str(key_file.path), PEPPER.encode(), clock_ahead(later))
        assert await holder(ring, key) == message


@pytest.mark.anyio
async def test_a_removed_line_is_a_revoked_key_and_the_others_stay(
    key_file: KeyFile, ring: KeyRing
) -> None:
    first, second = key_file.add("score"), key_file.add("score")
    assert await holder(ring, first) == f"key {first[3:11]}"
    key_file.path.write_text(key_file.path.read_text().splitlines()[1] + "\n")
    assert await holder(ring, first) == "this API key is not accepted"
    assert await holder(ring, second) == f"key {second[3:11]}"
    key_file.path.unlink()
    assert await holder(ring, second) == "this API key is not accepted"


@pytest.mark.anyio
async def test_a_spoilt_line_is_no_key_and_the_others_stay(
    key_file: KeyFile, ring: KeyRing, capsys: pytest.CaptureFixture[str]
) -> None:
    key = key_file.add("score")
    with key_file.path.open("a") as file:
        file.write('{"name": "half a li')
    assert await holder(ring, key) == f"key {key[3:11]}"
    assert "a line of the API keys is refused" in capsys.readouterr().out


@pytest.mark.anyio
async def test_a_file_that_did_not_change_is_not_read_again(
    key_file: KeyFile, ring: KeyRing, capsys: pytest.CaptureFixture[str]
) -> None:
    key = key_file.add("score")
    for _ in range(3):
        await ring.authenticate(key)
    assert capsys.readouterr().out.count("API keys read") == 1


@pytest.mark.anyio
async def test_a_file_that_is_being_rewritten_keeps_its_keys_until_it_has_settled(
    key_file: KeyFile,
) -> None:
    key, clock = key_file.add("score"), Clock()
    ring = KeyRing(str(key_file.path), PEPPER.encode(), clock=clock)
    line = key_file.path.read_text()
    await ring.authenticate(key)
    for part in ("", line[:40], line[:90], line):
        key_file.path.write_text(part)
        assert await holder(ring, key) == f"key {key[3:11]}", part
        clock.seconds += SETTLE_SECONDS / 2
    key_file.path.write_text("")
    await holder(ring, key)
    clock.seconds += SETTLE_SECONDS
    assert await holder(ring, key) == "this API key is not accepted"


@pytest.mark.anyio
async def test_a_file_that_changed_long_ago_is_read_at_the_next_request(
    key_file: KeyFile,
) -> None:
    key = key_file.add("score")
    later = clock_ahead(timedelta(hours=1))  # before the key expires
    ring = KeyRing(str(key_file.path), PEPPER.encode(), later, Clock())
    await ring.authenticate(key)
    key_file.path.write_text("")
    assert await holder(ring, key) == "this API key is not accepted"


@pytest.mark.anyio
@pytest.mark.parametrize("content", [None, b"\xff\xfe{}"], ids=["a directory", "not UTF-8"])
async def test_a_file_that_cannot_be_read_is_an_error_of_the_log(
    content: bytes | None, key_file: KeyFile, ring: KeyRing, capsys: pytest.CaptureFixture[str]
) -> None:
    key = key_file.add("score")
    await ring.authenticate(key)
    key_file.path.unlink()
    if content is None:
        key_file.path.mkdir()
    else:
        key_file.path.write_bytes(content)
    assert await holder(ring, key) == "this API key is not accepted"
    line = capsys.readouterr().out.splitlines()[-1]
    assert "the file of API keys cannot be read" in line
    assert '"severity": "ERROR"' in line


@pytest.mark.anyio
@pytest.mark.parametrize("is_file", [True, False])
async def test_a_byte_order_mark_is_no_part_of_the_first_key(
    key_file: KeyFile, *, is_file: bool
) -> None:
    key = key_file.add("score")
    text = "\ufeff" + key_file.path.read_text()
    key_file.path.write_text(text)
    variables = key_file.settings() | ({} if is_file else {"API_KEYS": text})
    listening, _ = listening_from({}, 8080)
    access, faults = access_from(variables, listening)
    assert faults == []
    assert access.keys
    ring = KeyRing(access.keys.source, access.keys.pepper)
    assert await holder(ring, key) == f"key {key[3:11]}"


@pytest.mark.anyio
async def test_keys_may_come_as_text_from_a_secret(key_file: KeyFile) -> None:
    key = key_file.add("score")
    ring = KeyRing(key_file.path.read_text(), PEPPER.encode())
    assert await holder(ring, key) == f"key {key[3:11]}"


@pytest.mark.anyio
async def test_every_text_costs_one_comparison_in_constant_time(
    key_file: KeyFile, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = key_file.add("score")
    compared: list[tuple[str, str]] = []
    real = hmac.compare_digest

    def noted(digest: str, stored: str) -> bool:
        compared.append((digest, stored))
        return real(digest, stored)

    monkeypatch.setattr("functions.access.api_keys.hmac.compare_digest", noted)
    texts = [key, key[:-1], "sk_00000000" + key[11:], "nothing of the kind"]
    for text in texts:
        await holder(ring, text)
    assert [digest for digest, _ in compared] == [hash_key(text, PEPPER.encode()) for text in texts]
    assert {len(stored) for _, stored in compared} == {64}


@pytest.mark.anyio
async def test_the_lines_are_worth_nothing_under_another_pepper(key_file: KeyFile) -> None:
    key = key_file.add("score")
    assert key not in key_file.path.read_text()
    other = KeyRing(str(key_file.path), PEPPER[::-1].encode())
    assert await holder(other, key) == "this API key is not accepted"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ('"scopes":["score"]|"scopes":["everything"]', "line 1: scopes[0]: Input should be "),
        ('"scopes":["score"]|"scopes":[]', "line 1: scopes: "),
        ('"limit":null|"limit":"many"', "line 1: limit: Value error, must be a count and second"),
        ('Z"|"', "line 1: expires: Input should have timezone info"),
        ('"limit":null|"key":"sk_"', "line 1: key: This field is not in the contract"),
        ("}|", "line 1: JSON: Invalid JSON"),
    ],
)
def test_a_faulty_line_is_named_without_its_values(
    changed: str, message: str, key_file: KeyFile
) -> None:
    key_file.add("score")
    sound, _, broken = changed.partition("|")
    text = key_file.path.read_text()
    assert sound in text
    [fault] = faults_from_keys(text.replace(sound, broken))
    assert fault.startswith(message)
    assert "everything" not in fault
    assert "many" not in fault


def test_two_keys_of_one_prefix_are_a_fault(key_file: KeyFile) -> None:
    key_file.add("score")
    assert faults_from_keys(2 * key_file.path.read_text()) == ["line 2: duplicate prefix"]


def test_a_running_server_follows_its_file_and_logs_no_key(key_file: KeyFile) -> None:
    key, expired = key_file.add("models"), key_file.add("models", days=-1)
    store = (key_file.path.parent / "store").as_uri()
    log_path = key_file.path.parent / "log"
    environment = key_file.settings() | {"MODEL_STORE": store}
    with running_server(log_path, "module", **environment) as server:

        def ask(credential: str) -> httpx.Response:
            headers = {"Authorization": f"Bearer {credential}"}
            return server.client.get("/v1/models", headers=headers)

        assert ask(key).status_code == httpx.codes.OK
        assert ask(expired).json()["detail"] == "this API key has expired"
        key_file.path.write_text("")
        time.sleep(SETTLE_SECONDS)
        assert ask(key).status_code == httpx.codes.UNAUTHORIZED
        later = key_file.add("score")
        time.sleep(SETTLE_SECONDS)
        assert ask(later).status_code == httpx.codes.FORBIDDEN
    log = log_path.read_text()
    assert log.count("API keys read") == 3
    for secret in (key, expired, later, PEPPER):
        assert secret not in log
        assert secret[12:] not in log
