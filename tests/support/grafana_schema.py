"""Grafana's own schema of dashboards, run by the Python of its own environment.

Reads each file named on the command line, and prints those whose members the schema does not keep.
"""

import json
import sys
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard


def list_lost(before: Any, after: Any, place: str) -> list[str]:  # noqa: ANN401 -- JSON
    """List what a document had and its copy has not."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            lost
            for name, value in before.items()
            for lost in (
                list_lost(value, after[name], f"{place}.{name}")
                if name in after
                else [f"{place}.{name}"]
            )
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            lost
            for i, (value, copy) in enumerate(zip(before, after, strict=True))
            for lost in list_lost(value, copy, f"{place}[{i}]")
        ]
    return [] if before == after else [place]


register_default_plugins()
for file in sys.argv[1:]:
    document = json.loads(Path(file).read_text())
    copied = json.loads(JSONEncoder().encode(Dashboard.from_json(document)))
    for lost in list_lost(document, copied, Path(file).name):
        print(lost)
