"""A real node_exporter shows the files that `training` writes, with the options of compose."""

import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from models.figures import Figure
from tests.support.prometheus import wait_until_live
from tests.support.running import REPOSITORY, STOP_SECONDS, free_port
from training.prometheus_text import write_figures

NAME = "prometheus-node-exporter"
COMPOSE = REPOSITORY / "infra" / "docker" / "compose.yaml"

pytestmark = [
    pytest.mark.environments,
    pytest.mark.skipif(
        shutil.which(NAME) is None,
        reason=f"{NAME} is not installed (Debian's {NAME}): no file of figures was collected",
    ),
]


def test_the_files_of_training_are_collected(tmp_path: Path) -> None:
    figure = Figure("surety_monitor_auc", "AUC.", {"model": 'a "b"'}, 0.75)
    write_figures(tmp_path / "toy.prom", [figure])
    (tmp_path / "other.unfinished").write_text("no metric at all {\n")
    options = yaml.safe_load(COMPOSE.read_text())["services"]["node-exporter"]["command"]
    address = f"127.0.0.1:{free_port()}"
    words = [option.replace("=/metrics", f"={tmp_path}") for option in options]
    process = subprocess.Popen(
        [NAME, *words, f"--web.listen-address={address}"], stderr=subprocess.DEVNULL
    )
    try:
        with httpx.Client(base_url=f"http://{address}", trust_env=False) as client:
            wait_until_live(client, "/metrics")
            families = text_string_to_metric_families(client.get("/metrics").text)
            samples = {s.name: s for family in families for s in family.samples}
    finally:
        process.terminate()
        process.wait(timeout=STOP_SECONDS)
    assert samples["surety_monitor_auc"].value == 0.75
    assert samples["surety_monitor_auc"].labels["model"] == 'a "b"'
    assert samples["node_textfile_scrape_error"].value == 0
