"""Settings of external checks: faults are named, credentials never repeated."""

from pathlib import Path

import pytest

from functions.lending.checks.settings import checks_from

BUREAU = {"CHECK_URLS": "bureau=https://bureau.example.org/pull"}


def test_without_an_address_no_check_is_asked() -> None:
    assert checks_from({}, "instalment") == ((), [])


def test_a_check_with_an_address_is_asked_there_with_its_credential() -> None:
    checks, faults = checks_from(BUREAU | {"CHECK_KEYS": "bureau=open=sesame"}, "instalment")
    assert not faults
    [check] = checks
    assert (check.name, check.url, check.key) == (
        *("bureau", "https://bureau.example.org/pull", "open=sesame"),
    )
    assert "sesame" not in repr(check)


@pytest.mark.parametrize(
    ("variables", "fault"),
    [
        ({"CHECK_URLS": "https://host"}, "CHECK_URLS: must be name=value pairs"),
        ({"CHECK_URLS": "bureau=https://a,bureau=https://b"}, "each name once"),
        ({"CHECK_URLS": "burea=https://host"}, "CHECK_URLS: no check is named burea"),
        ({"CHECK_URLS": "bureau=http://host"}, "CHECK_URLS: bureau must be https://host/path"),
        ({"CHECK_KEYS": "bureau=secret"}, "CHECK_KEYS: bureau has no address in CHECK_URLS"),
        (BUREAU | {"CHECK_KEYS": "secret"}, "CHECK_KEYS: must be name=value pairs"),
        (BUREAU | {"CHECK_KEYS": "fraud=secret"}, "CHECK_KEYS: fraud has no address"),
        (BUREAU | {"CHECKS_FILE": "/no/such"}, "CHECKS_FILE: /no/such cannot be read"),
    ],
)
def test_a_wrong_setting_is_named(variables: dict[str, str], fault: str) -> None:
    _, faults = checks_from(variables, "instalment")
    assert fault in "; ".join(faults)
    assert "secret" not in "; ".join(faults)


def test_a_check_that_the_model_cannot_take_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "checks.toml"
    text = (
        '[[check]]\nname = "bureau"\ntitle = "B"\ntimeout_seconds = 1.0\nattempts = 1\n'
        'valid_days = 30\nsends = ["full_name"]\n'
        '[[check.members]]\nname = "n"\nkind = "number"\nfills = "n"\n'
    )
    file.write_text(text)
    _, faults = checks_from(BUREAU | {"CHECKS_FILE": str(file)}, "instalment")
    assert faults == [
        "CHECKS_FILE: check bureau: n fills n, which is no optional field of the model"
    ]
