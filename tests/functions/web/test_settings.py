import pytest

from functions.access.settings import Access
from functions.web.settings import (
    Listening,
    catalogue_from,
    default_model_from,
    listening_from,
    number_from,
    refuse_wrong,
)
from models.errors import DeclarationError

CLOUD_RUN = {"K_SERVICE": "scoring"}
EVERYWHERE = "0.0.0.0"  # noqa: S104


def listening(environment: dict[str, str]) -> Listening:
    """Read the settings and refuse wrong ones, as a function does at its start."""
    faults: list[str] = []
    found = listening_from(environment, faults)
    catalogue = catalogue_from(environment, faults)
    default_model_from(environment, catalogue, faults)
    refuse_wrong(faults)
    return found


def test_a_server_listens_to_this_machine_only_by_default() -> None:
    assert listening({}) == Listening(host="127.0.0.1", port=8080, auth="none")


def test_on_cloud_run_the_container_listens_on_every_address() -> None:
    found = listening(CLOUD_RUN | {"AUTH": "iam"})
    assert found == Listening(
        host=EVERYWHERE, port=8080, auth="iam", access=Access(forwarded_hops=1)
    )


@pytest.mark.parametrize("host", ["127.0.0.2", "localhost", "::1"])
def test_authentication_need_not_be_set_on_loopback(host: str) -> None:
    assert listening({"HOST": host}).auth == "none"


@pytest.mark.parametrize("elsewhere", [{"HOST": EVERYWHERE}, CLOUD_RUN])
def test_a_server_that_asks_no_one_is_open_unless_on_loopback(elsewhere: dict[str, str]) -> None:
    assert listening(elsewhere | {"AUTH": "none"}).is_open
    assert not listening({"AUTH": "none"}).is_open


def test_a_server_behind_cloud_runs_check_is_not_open() -> None:
    assert not listening(CLOUD_RUN | {"AUTH": "iam"}).is_open


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            {"HOST": EVERYWHERE},
            "AUTH: must be set (none, iam, api-key or jwt) when HOST is 0.0.0.0",
        ),
        (CLOUD_RUN, "AUTH: must be set"),
        ({"AUTH": "iam"}, "AUTH: iam trusts Cloud Run to check callers"),
        ({"AUTH": "magic"}, "AUTH: must be none, iam, api-key or jwt, not 'magic'"),
        ({"PORT": "http"}, "PORT: must be a number from 0 to 65535, not 'http'"),
        ({"PORT": "65536"}, "PORT: must be"),
        ({"DEFAULT_MODEL": "mortgage"}, "DEFAULT_MODEL: 'mortgage' is not one of application"),
        ({"CREDIT_MODELS": "nowhere"}, "CREDIT_MODELS: credit model module nowhere"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(environment: dict[str, str], message: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        listening(environment)
    assert message in str(caught.value)


@pytest.mark.parametrize(("text", "number"), [("", None), ("0", 0), ("36", 36), ("0.5", 0.5)])
def test_a_number_is_read_as_it_stands(text: str, number: float | None) -> None:
    faults: list[str] = []
    assert number_from("DAYS", text, faults) == number
    assert faults == []


@pytest.mark.parametrize("text", ["-1", "1e3", "nan", "x", "\u0663"])
def test_what_is_no_number_from_0_is_a_fault(text: str) -> None:
    faults: list[str] = []
    assert number_from("DAYS", text, faults) is None
    assert faults == [f"DAYS: must be a number from 0, not {text!r}"]
