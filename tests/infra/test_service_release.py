"""Batches and the dashboard in a release: each serves its new revision, if that starts."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.infra.rehearsal import (
    BATCH,
    COMMIT,
    DASHBOARD,
    NEW,
    OLD,
    TAG,
    Cloud,
    scripts,
)
from tests.support.running import REPOSITORY

pytestmark = pytest.mark.slow

PLACE = " --project=money --region=here --quiet"
SERVICES = ("prod-batch", "prod-batch-api", "prod-dashboard")


@pytest.fixture
def with_services(cloud: Cloud) -> Cloud:
    """A project in which Terraform has made batches and the dashboard."""
    cloud.add_services(*SERVICES)
    return cloud


def changes(cloud: Cloud, *services: str) -> list[str]:
    """The calls that changed something of these services or their job."""
    calls = [call.removesuffix(PLACE) for call in cloud.state()["calls"] if " update" in call]
    return [call for call in calls if any(f" {name} " in call for name in services)]


def test_each_is_offered_its_image_and_serves_it_once_scoring_does(with_services: Cloud) -> None:
    code, output = with_services.release()
    assert code == 0, output
    labels = f"--no-traffic --update-labels=release={TAG},commit={COMMIT}"
    events = (
        "--command=functions-framework --args=--target=finalised,--source=functions/batch/main.py"
    )
    assert changes(with_services, *SERVICES) == [
        f"run services update prod-batch --image={BATCH} {events} {labels}",
        f"run services update prod-batch-api --image={BATCH} --command= --args= {labels}",
        f"run services update prod-dashboard --image={DASHBOARD} --command= --args= {labels}",
        *(
            f"run services update-traffic {name} --to-revisions={name}-1=100 "
            f"--update-tags=previous={name}-0"
            for name in SERVICES
        ),
        f"run jobs update prod-batch --image={BATCH} --command= --update-labels=commit={COMMIT}",
    ]
    calls = with_services.state()["calls"]
    promoted = next(i for i, call in enumerate(calls) if f"--to-revisions={NEW}=100" in call)
    assert promoted < next(i for i, call in enumerate(calls) if "prod-batch-1=100" in call)
    assert with_services.state()["batch_job_image"] == BATCH


def test_the_service_of_events_starts_as_terraform_starts_it() -> None:
    text = (REPOSITORY / "terraform" / "batch.tf").read_text()
    assert (
        '["functions-framework", "--target=finalised", "--source=functions/batch/main.py"]' in text
    )


def test_a_revision_that_does_not_start_gets_no_traffic_and_the_rest_is_released(
    with_services: Cloud,
) -> None:
    assert with_services.offer()[0] == 0
    revisions = with_services.state()["revisions"]
    revisions["prod-dashboard-1"]["starts"] = False
    with_services.set(revisions=revisions)
    code, output = with_services.run(*with_services.releasing())
    assert code == 4
    assert "prod-dashboard-1 does not start" in output
    state = with_services.state()
    assert state["others"]["prod-dashboard"]["shares"] == {"prod-dashboard-0": 100}
    assert state["others"]["prod-batch-api"]["shares"] == {"prod-batch-api-1": 100}
    assert state["shares"] == {NEW: 100}
    assert with_services.calls("--to-latest")


def test_a_service_that_terraform_has_just_made_is_pinned(with_services: Cloud) -> None:
    state = with_services.state()
    made = {"image": DASHBOARD, "settings": "old", "labels": {}}
    others = state["others"] | {
        "prod-dashboard": {"shares": {"prod-dashboard-0": 100}, "latest": True, "tags": {}}
    }
    with_services.set(
        services=[name for name in state["services"] if name != "prod-dashboard"],
        templates=state["templates"] | {"prod-dashboard": made},
        revisions=state["revisions"] | {"prod-dashboard-0": made | {"starts": True}},
        others=others,
    )
    assert with_services.offer()[0] == 0
    assert not changes(with_services, "prod-dashboard")
    with_services.set(services=state["services"])
    code, output = with_services.run(*with_services.releasing())
    assert code == 0, output
    assert with_services.state()["others"]["prod-dashboard"]["shares"] == {"prod-dashboard-1": 100}


def test_what_is_promoted_from_an_environment_without_a_dashboard_does_not_touch_this_one(
    with_services: Cloud,
) -> None:
    file = with_services.folder / "images.json"
    images = json.loads(file.read_text())
    del images["dashboard_image"]
    file.write_text(json.dumps(images))
    code, output = with_services.release()
    assert code == 1
    assert "prod-dashboard exists, and no image of it is released" in output
    assert "enable_dashboard" in output
    assert with_services.state()["shares"] == {OLD: 100}


def test_a_dashboard_is_rolled_back_by_its_name(with_services: Cloud, tmp_path: Path) -> None:
    assert with_services.release()[0] == 0
    words = ["env", f"PATH={with_services.folder}:/usr/bin:/bin", "sh", "infra/rollback.sh"]
    clone = scripts(tmp_path / "clone")
    subprocess.run([*words, "prod", "dashboard"], cwd=clone, check=True, capture_output=True)
    shares = with_services.state()["others"]["prod-dashboard"]["shares"]
    assert shares == {"prod-dashboard-0": 100}
    assert with_services.state()["shares"] == {NEW: 100}
