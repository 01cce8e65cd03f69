import pytest

from functions.web.settings import (
    Listening,
    is_loopback,
    listening_from,
    parse_number,
    reject_wrong_settings,
    split_list,
    try_reading,
)
from models.errors import DeclarationError

EVERYWHERE = "0.0.0.0"  # noqa: S104


def test_a_server_listens_on_loopback_at_its_own_port_by_default() -> None:
    assert listening_from({}, 8081) == (Listening(host="127.0.0.1", port=8081), [])


def test_on_cloud_run_the_container_listens_on_every_address() -> None:
    listening, faults = listening_from({"K_SERVICE": "scoring"}, 8080)
    assert (listening.host, listening.is_loopback, faults) == (EVERYWHERE, False, [])


@pytest.mark.parametrize("port", ["http", "65536", "-1", "\u0663"])
def test_a_wrong_port_is_a_fault_by_name(port: str) -> None:
    _, faults = listening_from({"PORT": port}, 8080)
    assert faults == [f"PORT: must be a number from 0 to 65535, not {port!r}"]


@pytest.mark.parametrize("host", ["127.0.0.2", "localhost", "::1"])
def test_a_loopback_host_is_recognised(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "example.com", ""])
def test_any_other_host_may_be_reached_from_elsewhere(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(("text", "number"), [("", None), ("0", 0), ("36", 36), ("0.5", 0.5)])
def test_a_number_is_read_as_it_stands(text: str, number: float | None) -> None:
    assert parse_number("DAYS", text) == (number, [])


@pytest.mark.parametrize("text", ["-1", "1e3", "nan", "x", "\u0663"])
def test_what_is_no_number_from_0_is_a_fault(text: str) -> None:
    assert parse_number("DAYS", text) == (None, [f"DAYS: must be a number from 0, not {text!r}"])


def test_a_reader_that_raises_becomes_a_fault_by_name() -> None:
    def read() -> int:
        message = "not a store"
        raise DeclarationError(message)

    assert try_reading("MODEL_STORE", read, 7) == (7, ["MODEL_STORE: not a store"])
    assert try_reading("MODEL_STORE", lambda: 8, 7) == (8, [])


def test_a_list_is_split_at_commas_without_blanks_and_empty_parts() -> None:
    assert split_list(" a, b,,c ") == ("a", "b", "c")


def test_all_faults_are_named_in_one_error() -> None:
    reject_wrong_settings([])
    with pytest.raises(DeclarationError) as caught:
        reject_wrong_settings(["PORT: x", "AUTH: y"])
    assert str(caught.value) == "wrong settings: PORT: x; AUTH: y"
