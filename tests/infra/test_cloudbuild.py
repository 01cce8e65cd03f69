"""The release pipeline against the files it names."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.running import REPOSITORY

BUILD = yaml.safe_load((REPOSITORY / "cloudbuild.yaml").read_text())
STEPS = {step["id"]: step for step in BUILD["steps"]}


def test_it_checks_builds_pushes_and_deploys_in_this_order() -> None:
    assert list(STEPS) == [
        *("check", "check-terraform", "build-scoring", "build-training"),
        *("push-scoring", "push-training", "deploy"),
    ]


def test_every_step_is_a_make_target_a_script_or_one_command() -> None:
    targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert (STEPS["check"]["entrypoint"], STEPS["check"]["args"]) == ("make", ["test"])
    assert "test" in targets
    assert (REPOSITORY / STEPS["deploy"]["args"][0]).is_file()


@pytest.mark.parametrize("target", ["scoring", "training"])
def test_both_targets_of_the_dockerfile_are_built_and_pushed(target: str) -> None:
    image = f"${{_{target.upper()}_IMAGE}}"
    arguments = STEPS[f"build-{target}"]["args"]
    assert {f"--target={target}", f"--tag={image}", "--file=infra/docker/Dockerfile"} < set(
        arguments
    )
    assert f"AS {target}\n" in (REPOSITORY / "infra/docker/Dockerfile").read_text()
    assert STEPS[f"push-{target}"]["args"] == ["push", image]
    assert image in BUILD["images"]


def test_every_substitution_is_declared() -> None:
    used = set(re.findall(r"\$\{(_\w+)\}", (REPOSITORY / "cloudbuild.yaml").read_text()))
    assert used == set(BUILD["substitutions"])


VARIABLES = {
    "DEPLOY": "true",
    "ENVIRONMENT": "prod",
    "MODELS": BUILD["substitutions"]["_MODELS"],
    "REGION": "europe-west1",
    "SCORING_IMAGE": "scoring:1",
    "TRAINING_IMAGE": "training:1",
}


def release(folder: Path, variables: dict[str, str]) -> tuple[int, list[str]]:
    """Run the release with a gcloud that notes what it is asked: exit code and calls."""
    calls = folder / "calls"
    calls.touch()
    gcloud = folder / "gcloud"
    gcloud.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n')
    gcloud.chmod(0o755)
    done = subprocess.run(
        ["sh", "infra/deploy.sh"],
        cwd=REPOSITORY,
        env={"PATH": f"{folder}:/usr/bin:/bin"} | variables,
        capture_output=True,
        check=False,
    )
    return done.returncode, calls.read_text().splitlines()


def test_the_release_updates_the_service_and_every_job_that_terraform_made(
    tmp_path: Path,
) -> None:
    assert {entry.split("=")[0] for entry in STEPS["deploy"]["env"]} == set(VARIABLES)
    assert release(tmp_path, VARIABLES) == (
        0,
        [
            "run services update prod-scoring --region europe-west1 --image scoring:1",
            "run jobs update prod-train-application --region europe-west1 --image training:1",
            "run jobs update prod-train-card-default --region europe-west1 --image training:1",
        ],
    )


def test_a_first_build_ends_with_the_images(tmp_path: Path) -> None:
    assert release(tmp_path, VARIABLES | {"DEPLOY": "false"}) == (0, [])


@pytest.mark.parametrize("missing", sorted(VARIABLES))
def test_a_release_without_a_setting_stops_before_any_call(tmp_path: Path, missing: str) -> None:
    code, calls = release(tmp_path, {k: v for k, v in VARIABLES.items() if k != missing})
    assert code != 0
    assert calls == []
