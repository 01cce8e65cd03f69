"""Decision logs as earlier releases wrote them, which every later release must verify."""

import json
from pathlib import Path
from typing import Any

import pytest

VERSION_2 = Path(__file__).parent / "version_2.jsonl"


@pytest.fixture(scope="session")
def published_lines() -> list[bytes]:
    """Two records of one request and one of another, sealed with `recording.KEY`."""
    return VERSION_2.read_bytes().splitlines()


@pytest.fixture(scope="session")
def published_records(published_lines: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in published_lines]


VERSION_3 = Path(__file__).parent / "version_3.jsonl"


@pytest.fixture(scope="session")
def records_of_version_3() -> list[dict[str, Any]]:
    """A batch of three, a single decision, and one erased; sealed with `recording.KEY`."""
    return [json.loads(line) for line in VERSION_3.read_bytes().splitlines()]
