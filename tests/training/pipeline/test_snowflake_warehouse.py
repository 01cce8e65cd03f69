"""A warehouse in Snowflake, as fakesnow emulates it in an environment of its own."""

import subprocess
from pathlib import Path

import pytest

from tests.support.foreign_features import (
    CUSTOMERS,
    DAYS,
    Features,
    compute_elsewhere,
    compute_on_duckdb,
    find_python,
    write_bank,
)
from tests.support.foreign_warehouse import ALL_TABLES
from tests.support.running import REPOSITORY

pytestmark = pytest.mark.environments

CREDENTIALS = """
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from models.errors import DeclarationError
from training.pipeline.snowflake_warehouse import credentials_from_secret, open_snowflake

key = rsa.generate_private_key(65537, 2048)
pem = key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
der = credentials_from_secret(pem)["private_key"]
assert serialization.load_der_private_key(der, None).private_numbers() == key.private_numbers()
assert credentials_from_secret("t0k3n") == {"authenticator": "oauth", "token": "t0k3n"}
for secret in ("", "-----BEGIN PRIVATE KEY-----\\nno"):
    try:
        credentials_from_secret(secret)
    except DeclarationError as error:
        print(error)
try:
    open_snowflake(("a", "b", "c"), {"password": "p"}, "t").__enter__()
except DeclarationError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bank")
    write_bank(made)
    return made


@pytest.fixture(scope="module")
def snowflake(folder: Path) -> Features:
    return compute_elsewhere("snowflake", folder)


def test_features_are_those_of_duckdb(folder: Path, snowflake: Features) -> None:
    expected = compute_on_duckdb(folder)
    assert expected.features.num_rows == CUSTOMERS * len(DAYS)
    assert snowflake.features.equals(expected.features)
    assert snowflake.outcomes.equals(expected.outcomes)


def test_tables_are_created_as_the_contracts_say_and_days_are_replaced(snowflake: Features) -> None:
    assert snowflake.answers["created"] == list(ALL_TABLES)
    assert snowflake.answers["faults"] == []
    assert snowflake.answers["verdicts"]["payments.repeated_keys."] == [0, "passed"]


def test_a_key_or_a_token_is_the_secret_and_never_a_password() -> None:
    done = subprocess.run(
        [str(find_python("snowflake")), "-c", CREDENTIALS],
        env={"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "WAREHOUSE_SECRET is not set: it has a private key in PEM, or an OAuth token",
        "WAREHOUSE_SECRET begins like a private key in PEM and cannot be read as one",
        (
            "WAREHOUSE_URL snowflake:// takes user, warehouse and role, and user must be there; "
            "unknown: password"
        ),
    ]
