"""Settings: each wrong one is named, none is repeated that may hold a secret."""

import pytest

from functions.lending.settings import settings_from
from models.errors import DeclarationError

URL = {"DATABASE_URL": "postgresql://lender@db.example.org/book"}


def test_a_database_is_all_that_is_needed_on_loopback() -> None:
    settings = settings_from(URL)
    assert (settings.listening.host, settings.listening.port) == ("127.0.0.1", 8081)
    assert (settings.connections, settings.scoring_url, settings.scoring_model) == (
        *(5, None, "instalment"),
    )
    assert "lender" not in repr(settings)


@pytest.mark.parametrize(
    ("variables", "fault"),
    [
        ({"DATABASE_URL": "mysql://lender:secret@db/book"}, "DATABASE_URL: must be postgresql://"),
        ({"DATABASE_URL": "secret"}, "DATABASE_URL: must be postgresql://"),
        ({"DATABASE_URL": "postgresql://l@db/book?auth=gss"}, "auth must be iam, or be left out"),
        ({"DATABASE_URL": "postgresql://l@db/book?ca=secret"}, "ca must be a certificate in PEM"),
        (
            {"DATABASE_URL": "postgresql://l:secret@localhost/book?auth=iam"},
            "DATABASE_URL: auth=iam takes no password: remove it",
        ),
        (
            {"DATABASE_URL": "postgresql://l@10.0.0.2/book?auth=iam&sslmode=require"},
            "DATABASE_URL: auth=iam sends a token: add ca, or sslmode=verify-full",
        ),
        ({"DATABASE_CONNECTIONS": "0"}, "DATABASE_CONNECTIONS: must be a number from 1 to 100"),
        ({"SCORING_URL": "http://scoring.example.org"}, "SCORING_URL: must be https://host"),
        ({"SCORING_TIMEOUT_SECONDS": "-1"}, "SCORING_TIMEOUT_SECONDS: must be a number"),
        ({"LENDER_NAME": "Example Bank"}, "LENDER_ADDRESS: is required beside the others"),
        ({"KYC_KEY": "secret"}, "KYC_KEY: must be a secret of at least 32 characters"),
        ({"HOST": "0.0.0.0", "AUTH": "none"}, "KYC_KEY: must be a secret"),  # noqa: S104 -- refused
    ],
)
def test_a_wrong_setting_is_named(variables: dict[str, str], fault: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        settings_from(URL | variables)
    assert fault in str(caught.value)
    assert "secret" not in str(caught.value).replace("a secret", "")


def test_every_wrong_setting_is_named_at_once() -> None:
    with pytest.raises(DeclarationError) as caught:
        settings_from({"DATABASE_CONNECTIONS": "x", "SCORING_URL": "x"})
    for name in ("DATABASE_URL", "DATABASE_CONNECTIONS", "SCORING_URL"):
        assert f"{name}: " in str(caught.value)
