"""Warnings of libraries as lines of the log."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from functions.web.logs import log_library_warnings


@pytest.fixture(autouse=True)
def _own_handlers() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log_library_warnings()
    yield
    root.handlers[:], root.level = handlers, level


def fail(message: str) -> None:
    raise ValueError(message)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_warning_is_one_line_that_names_its_logger(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("uvicorn.error").warning("connection %d\nis odd", 7)
    [line] = lines(capsys)
    assert (line["severity"], line["logger"]) == ("WARNING", "uvicorn.error")
    assert line["message"] == "connection 7\nis odd"


def test_what_is_less_than_a_warning_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("uvicorn.error").info("started")
    assert lines(capsys) == []


def test_of_an_exception_the_frames_are_written_and_not_its_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        fail("income of Ms {}: 75000".format("Mil" + "ler"))
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
    [line] = lines(capsys)
    assert line["severity"] == "ERROR"
    assert "Miller" not in line["message"]
    assert "ValueError" in line["message"]
    assert "test_logs.py" in line["message"]


def test_of_many_alike_one_a_second_is_written_and_says_how_many_were_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("functions.web.logs.time.monotonic", lambda: now)
    logger = logging.getLogger("asyncio")
    for second in range(3):
        now = float(second)
        for number in range(100):
            logger.warning("socket %d failed", number)
        logger.warning("something else")
    written = [(line["message"], line["left_out"]) for line in lines(capsys)]
    assert written == [
        ("socket 0 failed", 0),
        ("something else", 0),
        ("socket 0 failed", 99),
        ("something else", 0),
        ("socket 0 failed", 99),
        ("something else", 0),
    ]


def test_a_text_that_a_library_formats_itself_is_bounded_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number in range(100):
        logging.getLogger("library").warning(f"number {number}")  # noqa: G004 -- as libraries do
    assert [line["message"] for line in lines(capsys)] == ["number 0"]
