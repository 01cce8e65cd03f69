"""The guide to alerts: its table is the file's, its example compiles, its commands run."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from infra.monitoring.alerts import POLICIES, RULES, SOURCE, Alert, compile_policies, read_alerts
from tests.docs.markdown import blocks, commands, normalised, page, rows
from tests.support.running import REPOSITORY, Server, TrainedStore

TEXT = page("alerts")
ALERTS = read_alerts(SOURCE.read_text())
MONITOR, *COMMANDS = commands(TEXT)


def describe_limit(alert: Alert) -> str:
    return f"{alert.threshold:g} {ALERTS.find_metric(alert).unit}"


def test_the_table_is_that_of_the_file() -> None:
    table = [row for row in rows(TEXT) if row[-1] in {"warning", "critical"}]
    assert table == [
        [
            f"`{alert.name}`",
            f"`{alert.metric}` {alert.comparison} {describe_limit(alert)}",
            alert.duration,
            alert.severity,
        ]
        for alert in ALERTS.alerts
    ]


def test_the_example_is_an_alert_beside_those_that_there_are() -> None:
    [block] = blocks(TEXT, "yaml")
    document, example = yaml.safe_load(SOURCE.read_text()), yaml.safe_load(block)
    both = {
        "metrics": document["metrics"] | example["metrics"],
        "alerts": [*document["alerts"], *example["alerts"]],
    }
    compiled = compile_policies(read_alerts(yaml.safe_dump(both)))
    assert compiled["declines"]["query"].endswith(") > 0.5")


def test_the_file_of_figures_is_written_from_a_log_of_the_service(
    trained_service: Server, trained_store: TrainedStore, tmp_path: Path
) -> None:
    shutil.copytree(trained_store.uri.removeprefix("file://"), tmp_path / "store")
    changed = MONITOR.replace("var/decisions.jsonl", str(trained_service.log_path))
    file = tmp_path / "metrics" / "german_credit.prom"
    subprocess.run(
        shlex.split(changed.replace("var/metrics/german_credit.prom", str(file))),
        cwd=REPOSITORY,
        env={"MODEL_STORE": (tmp_path / "store").as_uri()},
        capture_output=True,
        check=True,
    )
    assert 'surety_monitor_degraded{model="german_credit"} 0' in file.read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_guide_runs(command: str) -> None:
    before = RULES.read_text(), POLICIES.read_text()
    tool = command.split(maxsplit=1)[0]
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed (Debian's): a command of the guide was not run")
    done = subprocess.run(
        shlex.split(command), cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (RULES.read_text(), POLICIES.read_text()) == before
    if tool == "amtool":
        assert done.stdout.strip() == "pagerduty,slack"


def test_numbers_and_addresses_of_the_guide_are_those_of_the_files() -> None:
    assert len(compile_policies(ALERTS)) == 6
    assert "The six alerts over monitored days" in normalised(TEXT)
    compose = (REPOSITORY / "infra/docker/compose.yaml").read_text()
    for port in re.findall(r"http://localhost:(\d+)", TEXT):
        assert f"127.0.0.1:{port}:{port}" in compose
    for variable in re.findall(r"`(\w+_FILE)`", TEXT):
        assert f"${{{variable}:-/dev/null}}" in compose
    for path in re.findall(r"`(infra/[\w./-]+|tests/[\w./-]+)`", TEXT):
        assert (REPOSITORY / path).exists(), path
    titles = re.findall(r"^\| (Surety: [\w ]+) \|", TEXT, re.MULTILINE)
    folder = REPOSITORY / "infra/monitoring/grafana/dashboards"
    shipped = [
        re.search(r'"title": "(Surety: [^"]+)"', p.read_text()) for p in folder.glob("*.json")
    ]
    assert sorted(titles) == sorted(match[1] for match in shipped if match)


def test_a_metric_file_lies_where_node_exporter_looks() -> None:
    assert Path(shlex.split(MONITOR)[-1]).parent == Path("var/metrics")
