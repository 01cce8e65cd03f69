"""What answers before the first image is released."""

import sys
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.support.running import REPOSITORY, SERVER_COMMANDS, running_server


def test_the_placeholder_is_live_and_says_why_it_answers_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As Terraform starts it: the text of the file is the program.
    program = (REPOSITORY / "infra/placeholder.py").read_text()
    monkeypatch.setitem(SERVER_COMMANDS, "module", [sys.executable, "-c", program])
    with running_server(tmp_path / "log") as server:
        for answer in (server.client.post("/predict", json={}), server.client.get("/v1/models")):
            assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["retry-after"] == "60"
            assert "no image has been released yet" in answer.json()["detail"]
