"""A real Alertmanager tells Slack and PagerDuty, with the shipped routes and texts."""

import contextlib
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
import pytest
import yaml

from infra.monitoring.alerts import SOURCE, compile_rules, read_alerts
from tests.support.prometheus import wait_until_live
from tests.support.running import REPOSITORY, START_SECONDS, STOP_SECONDS, free_port

SHIPPED = REPOSITORY / "infra" / "monitoring" / "alertmanager" / "alertmanager.yaml"
NAME = "prometheus-alertmanager"

pytestmark = [
    pytest.mark.environments,
    pytest.mark.skipif(
        shutil.which(NAME) is None,
        reason=f"{NAME} is not installed (Debian's {NAME}): nobody was told of an alert",
    ),
]
Messages = Queue[tuple[str, dict[str, Any]]]


@contextlib.contextmanager
def listening() -> Iterator[tuple[str, Messages]]:
    """An address that stands for Slack and PagerDuty, and what it is told."""
    messages: Messages = Queue()

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            messages.put((self.path, json.loads(body)))
            self.send_response(202)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", messages
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def running_alertmanager(folder: Path, listener: str) -> Iterator[httpx.Client]:
    """Start it with the shipped file; its secrets lie in the folder, and groups do not wait."""
    (folder / "slack_webhook_url").write_text(f"{listener}/slack")
    (folder / "pagerduty_routing_key").write_text("key-of-the-service")
    document = yaml.safe_load(SHIPPED.read_text().replace("/run/secrets", str(folder)))
    document["route"]["group_wait"] = "0s"
    for receiver in document["receivers"]:
        for pager in receiver.get("pagerduty_configs", ()):
            pager["url"] = f"{listener}/pagerduty"
    (folder / "alertmanager.yaml").write_text(json.dumps(document))
    address = f"127.0.0.1:{free_port()}"
    words = [f"--config.file={folder}/alertmanager.yaml", f"--storage.path={folder}/data"]
    process = subprocess.Popen(
        [NAME, *words, f"--web.listen-address={address}", "--cluster.listen-address="],
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://{address}", trust_env=False) as client:
            wait_until_live(client)
            yield client
    finally:
        process.terminate()
        process.wait(timeout=STOP_SECONDS)


def alert(name: str) -> dict[str, Any]:
    """A firing alert as Prometheus sends it."""
    groups = compile_rules(read_alerts(SOURCE.read_text()))["groups"]
    [rule] = [rule for group in groups for rule in group["rules"] if rule["alert"] == name]
    now = datetime.now(UTC)
    return {
        "labels": {"alertname": name, **rule["labels"]},
        "annotations": rule["annotations"],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
    }


def test_a_critical_alert_wakes_somebody_and_hushes_the_warning_of_its_metric(
    tmp_path: Path,
) -> None:
    with listening() as (address, messages), running_alertmanager(tmp_path, address) as manager:
        assert manager.post("/api/v2/alerts", json=[alert("npa-ratio-critical")]).is_success
        received = [messages.get(timeout=START_SECONDS) for _ in range(2)]
        sent = [alert("npa-ratio"), alert("row-counts")]
        assert manager.post("/api/v2/alerts", json=sent).is_success
        received.append(messages.get(timeout=START_SECONDS))
        time.sleep(0.5)  # a fourth would come now
        assert messages.empty()
    slack = [body["attachments"][0] for path, body in received if path == "/slack"]
    assert {one["title"] for one in slack} == {
        "FIRING critical: npa-ratio-critical",
        "FIRING warning: row-counts",
    }
    [text] = [one["text"] for one in slack if "npa-ratio" in one["title"]]
    assert "Over 5 % of the outstanding principal is non-performing." in text
    assert "What to do: docs/operate.md#npa-ratio-critical" in text
    [page] = [body for path, body in received if path == "/pagerduty"]
    assert page["routing_key"] == "key-of-the-service"
    assert page["payload"]["severity"] == "critical"
    assert page["payload"]["summary"].startswith("npa-ratio-critical: Over 5 %")
    assert page["payload"]["custom_details"]["runbook"] == "docs/operate.md#npa-ratio-critical"
