"""Prometheus, Alertmanager, Grafana and compose: each address and path is one that there is."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.running import REPOSITORY

MONITORING = REPOSITORY / "infra" / "monitoring"
COMPOSE_PATH = REPOSITORY / "infra" / "docker" / "compose.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_PATH.read_text())
SERVICES: dict[str, dict[str, Any]] = {
    name: service
    for name, service in COMPOSE["services"].items()
    if service.get("profiles") == ["monitoring"]
}
PROMETHEUS = yaml.safe_load((MONITORING / "prometheus" / "prometheus.yaml").read_text())
ALERTMANAGER_PATH = MONITORING / "alertmanager" / "alertmanager.yaml"
ALERTMANAGER = yaml.safe_load(ALERTMANAGER_PATH.read_text())
# Where each image listens, by its own documentation; scoring by its setting.
PORTS = {"prometheus": 9090, "alertmanager": 9093, "grafana": 3000, "node-exporter": 9100}


def mounts(service: str) -> dict[str, Path]:
    """Files of the repository that a service sees, by its own path; all are read-only."""
    paths = {}
    for volume in SERVICES[service]["volumes"]:
        source, target, *mode = volume.split(":")
        if source.startswith("."):
            assert mode == ["ro"], volume
            paths[target] = (COMPOSE_PATH.parent / source).resolve()
    return paths


def seen(service: str, path: str) -> Path:
    """The file of the repository that a service has under a path."""
    for target, source in mounts(service).items():
        if path == target or path.startswith(f"{target}/"):
            return source / path.removeprefix(target).lstrip("/")
    pytest.fail(f"{service} has no {path}")


def argument(service: str, name: str) -> str:
    words = SERVICES[service]["command"]
    [value] = [word.partition("=")[2] for word in words if word.startswith(f"{name}=")]
    return str(value)


def targets() -> dict[str, list[str]]:
    return {
        job["job_name"]: [t for c in job.get("static_configs", ()) for t in c["targets"]]
        for job in PROMETHEUS["scrape_configs"]
    }


def test_monitoring_starts_only_if_it_is_asked_for() -> None:
    assert set(SERVICES) == set(PORTS)
    others = set(COMPOSE["services"]) - set(SERVICES)
    assert others == {
        *("bucket", "training", "training-instalment", "scoring", "nginx"),
        *("database", "migrate", "open", "close", "lending"),
        *("dashboard", "issuer", "desk-scoring", "desk-lending", "desk-batch"),
    }


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_pinned_and_has_few_rights(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[a-z-]+/[a-z-]+:v?\d+\.\d+\.\d+", service["image"])
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    for port in service.get("ports", ()):
        assert port == f"127.0.0.1:{PORTS[name]}:{PORTS[name]}"
    for source in mounts(name).values():
        assert source.exists() or source == REPOSITORY / "var" / "metrics"
    for volume in service["volumes"]:
        source = volume.split(":")[0]
        assert source.startswith(".") or source in COMPOSE["volumes"]


def test_prometheus_asks_addresses_that_there_are() -> None:
    assert targets() == {
        "scoring": ["scoring:8080"],  # where it listens unless PORT says otherwise
        "lending": [],
        "dashboard": [],
        "files": [f"node-exporter:{PORTS['node-exporter']}"],
    }
    [alertmanager] = PROMETHEUS["alerting"]["alertmanagers"]
    assert alertmanager["static_configs"] == [
        {"targets": [f"alertmanager:{PORTS['alertmanager']}"]}
    ]


def test_prometheus_asks_the_loan_book_where_the_composition_runs_it() -> None:
    [group] = yaml.safe_load((MONITORING / "prometheus" / "lending.yaml").read_text())
    book = COMPOSE["services"]["lending"]
    neighbour = book["network_mode"].removeprefix("service:")
    assert group["targets"] == [f"{neighbour}:{book['environment']['PORT']}"]


def test_jobs_are_those_that_queries_name() -> None:
    texts = [p.read_text() for p in MONITORING.glob("grafana/dashboards/*.json")]
    texts.append((MONITORING / "alerts.yaml").read_text())
    jobs = set(re.findall(r'job=\\?"(\w+)\\?"', "\n".join(texts)))
    assert jobs == {"scoring", "lending", "dashboard"}
    assert jobs < set(targets())


def test_every_configuration_lies_where_its_service_looks() -> None:
    config = Path(argument("prometheus", "--config.file"))
    assert seen("prometheus", str(config)) == MONITORING / "prometheus" / "prometheus.yaml"
    for name in (*PROMETHEUS["rule_files"], "lending.yaml", "dashboard.yaml"):
        assert seen("prometheus", str(config.parent / name)).is_file()
    assert seen("alertmanager", argument("alertmanager", "--config.file")) == ALERTMANAGER_PATH
    source = seen("grafana", "/etc/grafana/provisioning/datasources/surety.yaml")
    [datasource] = yaml.safe_load(source.read_text())["datasources"]
    assert datasource["url"] == f"http://prometheus:{PORTS['prometheus']}"
    provisioning = seen("grafana", "/etc/grafana/provisioning/dashboards/surety.yaml")
    [provider] = yaml.safe_load(provisioning.read_text())["providers"]
    assert list(seen("grafana", provider["options"]["path"]).glob("*.json"))
    folder = argument("node-exporter", "--collector.textfile.directory")
    assert seen("node-exporter", folder) == REPOSITORY / "var" / "metrics"


def test_what_is_written_lies_in_a_volume() -> None:
    written = {
        "prometheus": argument("prometheus", "--storage.tsdb.path"),
        "alertmanager": argument("alertmanager", "--storage.path"),
        "grafana": "/var/lib/grafana",
    }
    for service, path in written.items():
        assert [v for v in SERVICES[service]["volumes"] if v.endswith(f":{path}")], service


def test_secrets_are_files_that_are_not_in_the_repository() -> None:
    text = ALERTMANAGER_PATH.read_text()
    used = set(re.findall(r"_file: /run/secrets/(\w+)", text))
    assert used == set(SERVICES["alertmanager"]["secrets"]) == set(COMPOSE["secrets"])
    assert not re.search(r"(api_url|routing_key|service_key|password|token): ", text)
    for secret in COMPOSE["secrets"].values():
        assert re.fullmatch(r"\$\{[A-Z_]+_FILE:-/dev/null\}", secret["file"])


def test_prometheus_accepts_its_configuration() -> None:
    run_tool("promtool", "check", "config", str(MONITORING / "prometheus" / "prometheus.yaml"))


def test_alertmanager_accepts_its_configuration() -> None:
    run_tool("amtool", "check-config", str(ALERTMANAGER_PATH))


@pytest.mark.parametrize(
    ("severity", "receivers"),
    [("critical", "pagerduty,slack"), ("warning", "slack"), ("other", "slack")],
)
def test_a_critical_alert_goes_to_both_and_a_warning_to_slack(
    severity: str, receivers: str
) -> None:
    file = f"--config.file={ALERTMANAGER_PATH}"
    assert run_tool("amtool", "config", "routes", "test", file, f"severity={severity}") == receivers


def run_tool(name: str, *arguments: str) -> str:
    """Run a tool of Debian's, and return the last line that it printed."""
    package = {"promtool": "prometheus", "amtool": "prometheus-alertmanager"}[name]
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed (Debian's {package}): a configuration was not tried")
    done = subprocess.run([name, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return (done.stdout.strip().splitlines() or [""])[-1]
