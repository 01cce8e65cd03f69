"""Guides are true: messages, alerts, risks and commands are those of the code."""

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from functions.scoring.model_loader import DELAYS_SECONDS, LOAD_SECONDS, NO_CHAMPION, WAIT_SECONDS
from functions.scoring.settings import REFRESH_SECONDS
from functions.web.bodies import MAX_BODY_BYTES
from functions.web.server import STOP_SECONDS
from infra.google_api import DECISIONS
from infra.monitoring.alerts import SOURCE, read_alerts
from models.gate_policy import GatePolicy
from models.stores.deadline import READ_SECONDS
from tests.docs.markdown import blocks, commands, normalised, page, rows
from tests.support.running import (
    REPOSITORY,
    SERVER_COMMANDS,
    run_training,
    running_server,
)
from training.golden_rows import ROWS
from training.parts import LEAST_OF_EACH_OUTCOME
from training.reading.arguments import MAX_REFUSED_SHARE

MULTILINE_ALL = re.MULTILINE | re.DOTALL
GUIDES = ("architecture", "cost", "operate", "scale", "security", "troubleshooting")


@cache
def source() -> str:
    """All code that words a message, with literals that go on in the next line put together."""
    rooms = ("functions", "models", "training", "infra")
    scripts = sorted(REPOSITORY.glob("infra/**/*.sh"))
    paths = [*(path for room in rooms for path in room_files(room)), *scripts]
    text = "\n".join(path.read_text() for path in paths)
    return re.sub(r'"\s*\n\s*f?"', "", text)


def room_files(room: str) -> list[Path]:
    return sorted((REPOSITORY / room).rglob("*.py"))


def quoted(text: str) -> list[str]:
    """Messages in a table's cells: what is quoted before the cell that says why."""
    messages = []
    for cells in rows(text):
        matches = [re.fullmatch(r"`(.+)`", cell) for cell in cells[:2]]
        messages += [match[1] for match in matches if match]
    return messages


@pytest.mark.parametrize("message", quoted(page("troubleshooting")))
def test_a_message_that_is_explained_is_one_the_code_gives(message: str) -> None:
    parts = [re.escape(part) for part in message.split("…") if part.strip()]
    assert re.search(r".{0,99}?".join(parts), source()), message


def test_many_messages_are_explained() -> None:
    assert len(quoted(page("troubleshooting"))) > 40


def test_every_cause_of_a_503_is_explained() -> None:
    loading = (REPOSITORY / "functions/scoring/model_loader.py").read_text()
    [body] = re.findall(r"def _public_cause.*", loading, re.DOTALL)
    causes = [*re.findall(r'"([a-z][a-z ]{10,})"', body), NO_CHAMPION, "it is being loaded"]
    assert len(causes) == 5
    assert set(causes) <= set(quoted(page("troubleshooting")))


def test_every_alert_has_its_entry_and_no_other_entry_is_one() -> None:
    alerts = (REPOSITORY / "terraform/alerts.tf").read_text()
    [body] = re.findall(r"^  always = \{\n(.*?)^  \}", alerts, re.MULTILINE | re.DOTALL)
    flagged = re.findall(r'^    "([a-z-]+)" => \{', alerts, re.MULTILINE)
    keys = re.findall(r"^    ([a-z-]+) = \{", body, re.MULTILINE)
    entries, _, _ = page("operate").partition("\n# By hand")
    assert len(keys) == 16
    for part in ("pipeline", "batch", "lending"):
        [block] = re.findall(
            rf"^  with_{part} = .*?\{{\n(.*?)^  \}}", alerts, re.MULTILINE | re.DOTALL
        )
        flagged += re.findall(r"^    ([a-z-]+) = \{", block, re.MULTILINE)
    assert len(flagged) == 10
    compiled = [a.name for a in read_alerts(SOURCE.read_text()).alerts if a.name not in keys]
    assert len(compiled) == 21
    assert re.findall(r"^## (.+)$", entries, re.MULTILINE) == keys + flagged + compiled


def test_an_entry_says_what_it_means_where_to_look_and_what_to_do() -> None:
    entries, _, _ = page("operate").partition("\n# By hand")
    for entry in entries.split("\n## ")[1:]:
        parts = re.findall(r"^\*\*([A-Z][a-z ]+)\.\*\*", entry, re.MULTILINE)
        assert parts == ["Means", "First look", "Likely causes", "Do", "Who"], entry[:30]


def test_a_critical_alert_wakes_someone_and_no_other_does() -> None:
    alerts = (REPOSITORY / "terraform/alerts.tf").read_text()
    severities = dict(
        re.findall(r'^    ([a-z-]+) = \{\n\s+severity = "(\w+)"', alerts, re.MULTILINE)
    )
    alerts_file = read_alerts(SOURCE.read_text())
    severities |= {alert.name: alert.severity.upper() for alert in alerts_file.alerts}
    for name, severity in severities.items():
        [(entry, who)] = re.findall(
            rf"^## {name}\n(.*?)^\*\*Who\.\*\* (.*?)$", page("operate"), MULTILINE_ALL
        )
        assert f"{severity}." in entry, name
        assert ("on call, at once" in who) == (severity == "CRITICAL"), name


def test_an_entry_states_the_limit_of_its_alert() -> None:
    """As a number or as a percentage; the age of a figure is told in days."""
    for alert in read_alerts(SOURCE.read_text()).alerts:
        if alert.threshold in {0, 1, 2.5} or alert.metric.endswith("_age_hours"):
            continue
        _, _, entry = page("operate").partition(f"\n## {alert.name}\n")
        means, _, _ = entry.partition("**First look.**")
        numbers = {float(number) for number in re.findall(r"\d+(?:\.\d+)?", means)}
        assert numbers & {alert.threshold, round(100 * alert.threshold, 9)}, alert.name


def variable(name: str) -> str:
    """The default of a variable of Terraform's."""
    text = (REPOSITORY / "terraform/variables.tf").read_text()
    [default] = re.findall(rf'variable "{name}" \{{.*?default     = (\S+)', text, re.DOTALL)[:1]
    return str(default)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("alert_server_error_share", "`alert_server_error_share` (1 %)"),
        ("alert_latency_ms", "`alert_latency_ms` (200 ms)"),
        ("alert_cold_start_ms", "`alert_cold_start_ms` (5 s)"),
        ("alert_model_age_days", "`alert_model_age_days` (60)"),
        ("training_overdue_days", "`training_overdue_days` (8)"),
    ],
)
def test_thresholds_are_terraforms(name: str, text: str) -> None:
    assert text in normalised(page("operate"))
    [figure] = re.findall(r"\((\d+)", text)
    unit = {"alert_server_error_share": 0.01, "alert_cold_start_ms": 1_000}.get(name, 1)
    assert float(variable(name)) == float(figure) * unit


def test_budgets_burn_as_the_runbook_says() -> None:
    alerts = (REPOSITORY / "terraform/alerts.tf").read_text()
    factors = [float(factor) for factor in re.findall(r"factor = ([\d.]+)", alerts)]
    assert factors == [14.4, 6]
    for factor in factors:
        assert f"{factor:g} times" in normalised(page("operate"))
        assert f"ver {100 * factor * 0.001:g} %" in normalised(page("operate"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("architecture", f"waits {WAIT_SECONDS:g} s at most"),
        ("architecture", f"({LOAD_SECONDS:g} s at most)"),
        ("architecture", f"for {STOP_SECONDS} s at most"),
        (
            "architecture",
            f"after {', '.join(map(str, DELAYS_SECONDS[:3]))}, ... {DELAYS_SECONDS[-1]} s",
        ),
        ("architecture", f"`MODEL_REFRESH_SECONDS` ({REFRESH_SECONDS:g})"),
        ("security", f"{ROWS} golden rows"),
        ("security", f"waited for {READ_SECONDS:g} s"),
        ("security", "`decision_log_days` (1,095)"),
        ("troubleshooting", f"waits {WAIT_SECONDS:g} s at most"),
        ("troubleshooting", f"slower than {READ_SECONDS:g} s an object"),
        ("troubleshooting", f"more than {MAX_BODY_BYTES // 2**20} MiB"),
        ("troubleshooting", f"fewer than {GatePolicy().least_bads} defaults"),
        ("troubleshooting", f"under {LEAST_OF_EACH_OUTCOME} of a kind"),
        ("troubleshooting", f"over {100 * MAX_REFUSED_SHARE:g} % of rows"),
    ],
)
def test_a_figure_of_a_guide_is_the_codes(name: str, text: str) -> None:
    assert text in normalised(page(name))


def test_records_are_kept_as_long_as_the_guide_says() -> None:
    assert variable("decision_log_days") == "1095"


def test_every_log_line_that_is_watched_is_written() -> None:
    watched = (REPOSITORY / "terraform/monitoring.tf").read_text()
    filters = re.findall(r"jsonPayload\.message=(.*)", watched)
    messages = {m for text in filters for m in re.findall(r'\\"([a-z ]+)\\"', text)}
    members = set(re.findall(r"jsonPayload\.([a-z_]+)", watched)) - {"message"}
    functions = "\n".join(path.read_text() for path in room_files("functions"))
    assert messages == {
        *("model not refreshed", "challenger not loaded"),
        *("model loaded", "training overdue", "chain head not anchored"),
    }
    assert members == {"model", "age_days"}
    for message in messages:
        assert f'"{message}"' in functions, message
    for member in members:
        assert re.search(rf"\b{member}=", functions), member
    schema = json.loads((REPOSITORY / "terraform/schemas/decisions.json").read_text())
    [payload] = [column for column in schema if column["name"] == "jsonPayload"]
    assert {"model", *DECISIONS.values()} < {field["name"] for field in payload["fields"]}


@pytest.mark.parametrize(
    "risk", [*(f"API{i}" for i in range(1, 11)), *(f"ML{i:02}" for i in range(1, 11))]
)
def test_every_risk_has_a_test_or_says_that_it_is_not_covered(risk: str) -> None:
    [(_, control, tests)] = [r for r in rows(page("security")) if r[0].startswith(f"{risk} ")]
    names = re.findall(r"`(?:tests|terraform/tests)/[^`]+::\w+`", tests)
    assert names or (tests == "none" and re.search(r"not covered|does not arise", control))


@pytest.mark.parametrize("name", GUIDES)
def test_every_block_for_google_cloud_begins_with_a_tool_that_the_guide_assumes(name: str) -> None:
    for block in blocks(page(name), "console"):
        for line in block.splitlines():
            assert shlex.split(line)[0] in {"bq", "curl", "gcloud", "make", "python"}, line


def test_every_training_command_of_a_guide_is_one_there_is() -> None:
    texts = [page(name) for name in (*GUIDES, "registry", "training")]
    used = {u for text in texts for u in re.findall(r"python -m training ([a-z]+)", text)}
    usage = run_training("--help").stdout
    assert {"promote", "rollback", "challenge", "prune", "verify"} < used
    assert [u for u in used if not re.search(rf"^ +{u}\b", usage, re.MULTILINE)] == []


@pytest.mark.trained
def test_the_training_command_of_the_runbook_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [command] = commands(page("operate"))
    monkeypatch.setenv("MODEL_STORE", tmp_path.as_uri())
    done = subprocess.run(
        shlex.split(command), cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1])["version"] is None
    assert list(tmp_path.iterdir()) == []


def test_the_first_questions_are_answered_where_nothing_was_promoted(
    tmp_path: Path, example: Callable[[str], Any]
) -> None:
    with running_server(tmp_path / "log", MODEL_STORE=tmp_path.as_uri()) as server:
        server.client.post("/predict", json=example("application"))  # waits for the load
        address = str(server.client.base_url).rstrip("/")
        ready, models = (
            subprocess.run(
                shlex.split(command.replace("http://localhost:8080", address)),
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for command in commands(page("troubleshooting"))
        )
    cause = "no champion has been published"
    assert json.loads(ready)["detail"] == f"model application is not ready: {cause}"
    assert cause in {model.get("problem") for model in json.loads(models)["details"]}


def test_the_functions_framework_command_of_the_guide_serves(
    made_store: str,
    example: Callable[[str], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [command] = commands(page("architecture"))
    monkeypatch.setitem(SERVER_COMMANDS, "framework", ["sh", "-c", f"exec env {command}"])
    with running_server(tmp_path / "log", "framework", MODEL_STORE=made_store) as server:
        answer = server.client.post("/predict", json=example("application"))
        assert answer.json()["status"] == "success"
        assert server.log()[0]["severity"] == "WARNING"
