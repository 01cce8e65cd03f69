"""The guide to the client is true: its code runs as it stands, its table names every error."""

import inspect
import re

import pytest

from functions.client import errors
from functions.client.retries import Retries
from models.catalogue.customer import Customer
from tests.docs.markdown import blocks, normalised
from tests.support.running import REPOSITORY, running_server

TEXT = (REPOSITORY / "docs" / "client.md").read_text()


def test_the_code_of_the_guide_runs(
    made_store: str,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    log_path = tmp_path_factory.mktemp("guide") / "log"
    with running_server(
        log_path, MODEL_STORE=made_store, CREDIT_MODELS="tests.support.toy"
    ) as server:
        code = "\n".join(blocks(TEXT, "python"))
        address = str(server.client.base_url).rstrip("/")
        names: dict[str, object] = {}
        exec(code.replace("http://localhost:8080", address), names)  # noqa: S102 -- our own page
    assert isinstance(names["customer"], Customer)
    first, strongest, tried, both, refused = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"(approve|refer|decline) \d+ \[.*\]", first)
    assert strongest in Customer.model_json_schema()["properties"] | {"debt_to_income": {}}
    assert re.fullmatch(r"\[('\w+'(, )?){3}\] (approved_already|found|none_exists)", tried)
    assert re.fullmatch(r"\['(\w+)', '\1'\]", both)
    assert refused == (
        "422 [('parameters.grid.age', 'This field is protected: no score depends on it')]"
    )


def test_every_error_is_in_the_table() -> None:
    documented = set(re.findall(r"^\| `(\w+Error)`", TEXT, re.MULTILINE))
    defined = inspect.getmembers(errors, inspect.isclass)
    assert documented == {name for name, kind in defined if kind.__module__ == errors.__name__}


def test_the_guide_counts_as_many_tries_as_there_are() -> None:
    assert "up to four times" in normalised(TEXT)
    assert Retries().most == 4
