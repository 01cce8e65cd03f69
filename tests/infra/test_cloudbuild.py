"""The pipelines against their schemas and the files they name; what can run here is run."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infra.dockerfile import STAGES
from tests.support.lock import PYTHONS
from tests.support.running import REPOSITORY

TEXT = (REPOSITORY / "cloudbuild.yaml").read_text()
BUILD = yaml.safe_load(TEXT)
STEPS: dict[str, dict[str, Any]] = {step["id"]: step for step in BUILD["steps"]}
PROMOTION_TEXT = (REPOSITORY / "infra" / "promote.yaml").read_text()
PROMOTION = yaml.safe_load(PROMOTION_TEXT)
PROMOTION_STEPS: dict[str, dict[str, Any]] = {step["id"]: step for step in PROMOTION["steps"]}
WORKFLOWS = REPOSITORY / ".github" / "workflows"
TARGETS = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
SUBSTITUTIONS = {"PROJECT_ID", "BUILD_ID"}  # by Cloud Build
TARGET_NAMES = ("scoring", "training", "lending", "batch", "dashboard")


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("cloudbuild", ["cloudbuild.yaml", "infra/promote.yaml"]),
        (
            "github-workflows",
            [f".github/workflows/{n}.yaml" for n in ("check", "fresh", "release")],
        ),
        ("bitbucket-pipelines", ["bitbucket-pipelines.yml"]),
        ("dependabot", [".github/dependabot.yml"]),
        ("renovate", [".github/renovate.json"]),
        ("compose-spec", ["infra/docker/compose.yaml"]),
    ],
)
def test_a_file_is_as_its_schema_says(schema: str, files: list[str]) -> None:
    check = str(Path(sys.executable).parent / "check-jsonschema")
    words = [check, "--builtin-schema", f"vendor.{schema}", *files]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def awaited(steps: dict[str, dict[str, Any]], name: str) -> set[str]:
    """Every step that has ended before one begins."""
    before = {step for step in steps[name]["waitFor"] if step != "-"}
    return before.union(*(awaited(steps, step) for step in before))


def test_a_wrong_variable_shows_before_anything_is_tested_or_built() -> None:
    for name in ("check", "check-terraform", *(f"build-{target}" for target in TARGET_NAMES)):
        assert "terraform-plan" in awaited(STEPS, name)
    assert awaited(STEPS, "terraform-plan") == {"terraform-init", "source-archive"}
    assert "-var-file=environments/${_ENVIRONMENT}.tfvars" in STEPS["terraform-plan"]["args"]


def test_checks_and_builds_go_on_side_by_side() -> None:
    for left, right in (("check", "build-training"), ("check", "check-terraform")):
        assert left not in awaited(STEPS, right)
        assert right not in awaited(STEPS, left)
    assert STEPS["check-terraform"]["env"] == ["TF_DATA_DIR=/workspace/var/terraform-check"]
    assert BUILD["options"]["env"] == ["TF_DATA_DIR=/workspace/var/terraform"]


def test_nothing_is_pushed_unless_every_check_and_scan_has_passed() -> None:
    checks = {"check", "check-terraform"}
    tests = {f"{kind}-{target}" for kind in ("test", "scan", "sbom") for target in TARGET_NAMES}
    for target in TARGET_NAMES:
        assert awaited(STEPS, f"push-{target}") >= checks | tests
        assert awaited(STEPS, f"latest-{target}") >= {"release"}
    assert not any("allowFailure" in step for step in STEPS.values())


@pytest.mark.parametrize("steps", [STEPS, PROMOTION_STEPS], ids=["build", "promotion"])
def test_the_new_image_is_there_before_its_settings(steps: dict[str, dict[str, Any]]) -> None:
    assert "offer" in awaited(steps, "terraform-apply")
    assert "terraform-apply" in awaited(steps, "release")
    assert {"images", "attest", "terraform-plan"} < awaited(steps, "offer")
    assert "-var-file=../var/images.tfvars.json" in steps["terraform-apply"]["args"]
    for stage in ("offer", "release"):
        assert steps[stage]["args"][:3] == ["-m", "infra.release", stage]
        assert "--images=var/images.tfvars.json" in steps[stage]["args"]
        assert "--commit=${_COMMIT}" in steps[stage]["args"]


def test_a_promotion_builds_nothing_and_releases_as_a_build_does() -> None:
    assert not [name for name in PROMOTION_STEPS if name.startswith(("build", "push", "check"))]
    for name in ("terraform-init", "source-archive", "offer", "terraform-apply", "release"):
        assert PROMOTION_STEPS[name] == STEPS[name]
    for target in TARGET_NAMES:
        digest = f"${{_{target.upper()}_DIGEST}}"
        source, copy = PROMOTION_STEPS[f"copy-{target}"]["args"][-2:]
        assert "copy-" + target in awaited(PROMOTION_STEPS, "images")
        assert source == f"${{_FROM}}/{target}@{digest}"
        assert copy == f"${{_{target.upper()}}}:${{BUILD_ID}}"
        assert f"${{_{target.upper()}}}@{digest}" in PROMOTION_STEPS["images"]["args"]


@pytest.mark.parametrize("build", [BUILD, PROMOTION], ids=["build", "promotion"])
def test_a_build_shows_its_log_while_it_runs_and_has_time(build: dict[str, Any]) -> None:
    """gcloud streams from a bucket alone: googlecloudsdk/command_lib/builds/submit_util.py."""
    assert build["options"]["logging"] == "LEGACY"
    assert "--gcs-log-dir=" in (REPOSITORY / "infra" / "submit.sh").read_text()
    assert int(build["timeout"].removesuffix("s")) >= 2 * 3600 + 900 + 480


def test_a_step_is_a_make_target_a_script_or_one_command() -> None:
    for step in [*STEPS.values(), *PROMOTION_STEPS.values()]:
        assert "script" not in step
        match step.get("entrypoint"), step["args"]:
            case "make", [target]:
                assert target in TARGETS
            case "python3", ["-m", module, *_]:
                assert (REPOSITORY / f"{module.replace('.', '/')}.py").is_file()
            case "sh" | "python", [script, *_] if script != "-c":
                assert (REPOSITORY / script).is_file()
            case _, words:
                assert all("\n" not in word for word in words)


@pytest.mark.parametrize("target", TARGET_NAMES)
def test_every_image_is_built_with_a_cache_tested_pushed_and_proven(target: str) -> None:
    name = f"${{_{target.upper()}}}"
    image = f"{name}:${{BUILD_ID}}"
    build = STEPS[f"build-{target}"]
    assert {f"--target={target}", f"--tag={image}", f"--cache-from={name}:latest"} < set(
        build["args"]
    )
    assert "--build-arg=BUILDKIT_INLINE_CACHE=1" in build["args"]
    assert "--label=org.opencontainers.image.revision=${_COMMIT}" in build["args"]
    assert build["env"] == ["DOCKER_BUILDKIT=1"]
    assert target in STAGES
    assert image in STEPS[f"test-{target}"]["args"]
    assert STEPS[f"push-{target}"]["args"] == ["push", image]
    assert image in BUILD["images"]
    assert image in STEPS["images"]["args"]
    assert "--build=${BUILD_ID}" in STEPS["release"]["args"]
    assert BUILD["options"]["requestedVerifyOption"] == "VERIFIED"


@pytest.mark.parametrize("target", TARGET_NAMES)
def test_every_image_is_scanned_and_its_contents_listed(target: str) -> None:
    image = f"${{_{target.upper()}}}:${{BUILD_ID}}"
    scan = STEPS[f"scan-{target}"]["args"]
    assert {"--exit-code=1", "--severity=${_SCAN_SEVERITY}", image} < set(scan)
    assert BUILD["substitutions"]["_SCAN_SEVERITY"] == "HIGH,CRITICAL"
    bill = STEPS[f"sbom-{target}"]["args"]
    assert {"--format=cyclonedx", f"--output=var/sbom/{target}-image.json", image} < set(bill)


def test_no_time_is_measured_beside_a_build() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    [target] = STEPS["check"]["args"]
    [recipe] = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert re.findall(r'-m "([^"]+)"', recipe) == ["not timing and not environments"]
    assert "check" not in awaited(STEPS, "build-scoring")


def test_what_an_image_contains_is_written_into_a_folder_that_is_there() -> None:
    """Trivy makes no folder: without an earlier step the first release ended here."""
    assert STEPS["sbom-folder"]["entrypoint"] == "mkdir"
    [_, folder] = STEPS["sbom-folder"]["args"]
    for name, step in STEPS.items():
        for word in step["args"]:
            if word.startswith("--output=var/"):
                assert str(Path(word.removeprefix("--output=")).parent) == folder
                assert "sbom-folder" in awaited(STEPS, name)


@pytest.mark.parametrize(
    ("text", "build"),
    [(TEXT, BUILD), (PROMOTION_TEXT, PROMOTION)],
    ids=["build", "promotion"],
)
def test_every_substitution_is_declared_and_used(text: str, build: dict[str, Any]) -> None:
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(build["substitutions"]) | SUBSTITUTIONS
    assert "$" not in re.sub(r"\$\{\w+\}", "", text)


def test_it_runs_as_the_account_of_the_bootstrap_in_words_that_need_one_substitution() -> None:
    account = "surety-build@${PROJECT_ID}.iam.gserviceaccount.com"
    assert BUILD["serviceAccount"] == f"projects/${{PROJECT_ID}}/serviceAccounts/{account}"


def test_what_is_applied_finds_the_archive_and_waits_for_the_lock(tmp_path: Path) -> None:
    assert STEPS["source-archive"]["args"][1:] == ["--output", "var/scoring.zip"]
    apply = STEPS["terraform-apply"]
    for file in ("var/scoring.zip", "var/images.tfvars.json"):
        assert (tmp_path / apply["dir"] / "../" / file).resolve() == tmp_path / file
    assert "-lock-timeout=10m" in apply["args"]


@pytest.mark.parametrize("stage", ["offer", "release"])
def test_the_release_understands_its_arguments(tmp_path: Path, stage: str) -> None:
    """Without a gcloud it stops at its first call, not at its arguments."""
    images = {f"{name}_image": f"{name}@sha256:{64 * '0'}" for name in TARGET_NAMES}
    (tmp_path / "images.json").write_text(json.dumps(images))
    words = [substituted(word) for word in STEPS[stage]["args"]]
    words = [word.replace("var/images.tfvars.json", f"{tmp_path}/images.json") for word in words]
    done = subprocess.run(
        ["env", "-i", f"PATH={tmp_path}", sys.executable, *words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "gcloud run services" in done.stdout
    assert done.returncode == 1


def substituted(word: str) -> str:
    values = BUILD["substitutions"] | dict.fromkeys(SUBSTITUTIONS, "given")
    while "${" in word:
        word = re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], word)
    return word


def test_terraform_is_checked_as_its_own_tests_check_it() -> None:
    """What tests/terraform runs, both modules: init, validate, test."""
    step = STEPS["check-terraform"]
    commands = [command.strip() for command in step["args"][1].split("&&")]
    assert step["dir"] == "terraform"
    assert commands == [
        f"terraform{module} {verb}"
        for module in ("", " -chdir=bootstrap")
        for verb in ("init -backend=false", "validate", "test")
    ]


@pytest.mark.slow
def test_the_bill_of_materials_names_every_pin() -> None:
    step = STEPS["sbom"]
    subprocess.run([step["entrypoint"], "--silent", *step["args"]], cwd=REPOSITORY, check=True)
    assert BUILD["artifacts"]["objects"]["paths"] == ["var/sbom/*.json"]
    folder = REPOSITORY / "var" / "sbom"
    bills = {name: json.loads((folder / f"{name}.json").read_text()) for name in TARGET_NAMES}
    for name, file in (
        ("scoring", "functions/requirements.txt"),
        ("training", "training/image.txt"),
        *((name, f"functions/{name}/requirements.txt") for name in TARGET_NAMES[2:]),
    ):
        pins = re.findall(r"^([a-z0-9-]+)==(\S+)", (REPOSITORY / file).read_text(), re.MULTILINE)
        assert bills[name]["bomFormat"] == "CycloneDX"
        assert {(c["name"], c["version"]) for c in bills[name]["components"]} == set(pins)


ENGINE = """#!/bin/sh
echo "$@" >> {folder}/calls
case "$*" in
run*) echo container ;;
*"id -u"*) echo {user} ;;
*urlopen*) exit {live} ;;
*"command -v"*{tool}*) exit 0 ;;
*"command -v"*) exit 1 ;;
esac
"""


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({}, 0),
        ({"user": "0"}, 1),
        ({"user": "1000"}, 1),
        ({"user": ""}, 1),
        ({"tool": "gcc"}, 1),
        ({"live": "1"}, 1),
    ],
    ids=["sound", "root", "another user", "no user told", "compiler", "silent"],
)
def test_an_image_that_is_not_as_promised_fails_its_test(
    tmp_path: Path, answers: dict[str, str], code: int
) -> None:
    values = {"folder": str(tmp_path), "user": "10001", "tool": "none", "live": "0"} | answers
    for name, text in (("docker", ENGINE.format(**values)), ("sleep", "#!/bin/sh\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    words = ["env", f"PATH={tmp_path}:/usr/bin:/bin", "sh", *STEPS["test-scoring"]["args"]]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    calls = (tmp_path / "calls").read_text().splitlines()
    assert {"--read-only", "--cap-drop=ALL"} < set(calls[0].split())
    assert calls[-1] == "rm --force container"


def jobs(workflow: str) -> dict[str, Any]:
    described: dict[str, Any] = yaml.safe_load((WORKFLOWS / workflow).read_text())["jobs"]
    return described


@pytest.mark.parametrize("name", ["check.yaml", "fresh.yaml"])
def test_a_workflow_runs_targets_may_only_read_and_pins_its_actions(name: str) -> None:
    text = (WORKFLOWS / name).read_text()
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
    steps = [step for job in jobs(name).values() for step in job["steps"]]
    for command in (step["run"] for step in steps if "run" in step):
        assert re.fullmatch(r"make (?:infra-check|\$\{\{ matrix\.target \}\})", command), command
    actions = re.findall(r"uses: (\S+) # v\d", text)
    assert len(actions) == sum("uses" in step for step in steps)
    assert all(re.search(r"@[0-9a-f]{40}$", action) for action in actions)


def test_every_change_is_tested_and_its_coverage_measured() -> None:
    assert jobs("check.yaml")["check"]["strategy"]["matrix"]["target"] == [
        *("test", "test-environments", "coverage")
    ]
    assert {"test", "test-environments", "coverage", "infra-check", "quick"} < set(TARGETS)


def test_packages_are_cached_for_as_long_as_the_lock_is_the_same() -> None:
    caches = [
        step["with"]
        for job in jobs("check.yaml").values()
        for step in job["steps"]
        if step.get("uses", "").startswith("actions/cache@")
    ]
    assert len(caches) == len(jobs("check.yaml"))
    for cache in caches:
        assert cache["path"] == "~/.cache/uv"
        assert re.findall(r"'([^']+)'", cache["key"]) == ["uv.lock", "infra/policies/uv.lock"]
        assert "restore-keys" not in cache


def test_a_bare_machine_of_every_python_is_tried_each_week_without_a_cache() -> None:
    workflow = yaml.safe_load((WORKFLOWS / "fresh.yaml").read_text())
    assert [entry["cron"] for entry in workflow[True]["schedule"]] == ["17 4 * * 1"]  # YAML's `on`
    assert "cache" not in (WORKFLOWS / "fresh.yaml").read_text().replace("Nothing is cached", "")
    [job] = workflow["jobs"].values()
    assert job["container"] == "python:${{ matrix.python }}-bookworm"
    tried = {(entry["python"], entry["target"]) for entry in job["strategy"]["matrix"]["include"]}
    assert {python for python, _ in tried} == set(PYTHONS)
    assert ("3.11", "test") in tried


def test_an_update_is_proposed_once_it_is_a_week_old() -> None:
    updates = yaml.safe_load((REPOSITORY / ".github" / "dependabot.yml").read_text())["updates"]
    assert {update["package-ecosystem"] for update in updates} >= {
        *("uv", "pip", "github-actions", "docker", "terraform")
    }
    for update in updates:
        assert update["cooldown"] == {"default-days": 7}
        for folder in update.get("directories", [update.get("directory")]):
            assert (REPOSITORY / folder.lstrip("/")).is_dir(), folder


def test_images_of_pipelines_are_proposed_by_digest() -> None:
    """Dependabot reads no file of Cloud Build or Bitbucket."""
    renovate = json.loads((REPOSITORY / ".github" / "renovate.json").read_text())
    assert renovate["extends"] == ["docker:pinDigests"]
    assert renovate["minimumReleaseAge"] == "7 days"
    patterns = [p.strip("/") for p in renovate["cloudbuild"]["managerFilePatterns"]]
    for file in ("cloudbuild.yaml", "infra/promote.yaml"):
        assert any(re.search(pattern, file) for pattern in patterns), file
    assert set(renovate["enabledManagers"]) == {"cloudbuild", "bitbucket-pipelines"}


def test_the_hooks_before_a_commit_are_valid_and_call_what_setup_made() -> None:
    path = REPOSITORY / ".pre-commit-config.yaml"
    command = str(Path(sys.executable).parent / "pre-commit")
    subprocess.run([command, "validate-config", path], check=True)
    [repository] = yaml.safe_load(path.read_text())["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        words = hook["entry"].split()
        assert hook["language"] == "system"
        assert (
            (words[0] == "make" and words[1] in TARGETS)
            or (words[0] == "sh" and (REPOSITORY / words[1]).is_file())
            or (words[0].startswith(".venv/bin/") and (REPOSITORY / words[0]).is_file())
        )


@pytest.mark.parametrize(
    "script",
    [*sorted(REPOSITORY.glob("infra/**/*.sh")), REPOSITORY / ".ci" / "run"],
    ids=lambda path: str(path.relative_to(REPOSITORY)),
)
def test_a_shell_script_is_sound(script: Path) -> None:
    shellcheck = Path(sys.executable).parent / "shellcheck"
    if not shellcheck.exists():  # it has no wheel for this processor: see pyproject.toml
        pytest.skip("shellcheck is not installed: no shell script was checked")
    subprocess.run([shellcheck, "--external-sources", script], cwd=REPOSITORY, check=True)
