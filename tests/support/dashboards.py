"""What Grafana's dashboards ask Prometheus."""

import json
from pathlib import Path

from tests.support.running import REPOSITORY

DASHBOARDS = REPOSITORY / "infra" / "monitoring" / "grafana" / "dashboards"


def list_expressions(path: Path) -> list[str]:
    """The expressions of a dashboard, its variables set to everything as `All` does."""
    document = json.loads(path.read_text())
    expressions = [target["expr"] for panel in document["panels"] for target in panel["targets"]]
    for variable in document["templating"]["list"]:
        everything = variable["allValue"]
        expressions = [e.replace(f"${variable['name']}", everything) for e in expressions]
    return expressions
