"""The scoring function for every foreign contract, with models made by hand: no training."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.published import ROWS
from tests.support.running import Server, running_server


@pytest.fixture(scope="session")
def rows() -> dict[str, dict[str, Any]]:
    """A sound row of each model that was made by hand."""
    return ROWS


@pytest.fixture(scope="session", params=["module", "framework"])
def contracts(
    request: pytest.FixtureRequest, made_store: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The running server, with every foreign contract."""
    log_path = tmp_path_factory.mktemp("contracts") / "log"
    settings = {"MODEL_STORE": made_store, "CREDIT_MODELS": "tests.support.toy"}
    with running_server(log_path, request.param, **settings) as server:
        yield server
