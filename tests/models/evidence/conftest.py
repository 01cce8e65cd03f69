"""A decision log as release 0.1.0 wrote it, which every later release must verify and write."""

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
