"""The manifests of infra/kubernetes, as kubectl renders them; there is no cluster here."""

import re
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.access.api_keys import new_key
from functions.batch import settings as batch
from functions.batch.cli import build_parser as batch_parser
from functions.batch.settings import task_settings_from
from functions.dashboard import settings as dashboard
from functions.lending import settings as lending
from functions.lending.cli import build_parser as lending_parser
from functions.scoring import settings as scoring
from functions.web.server import STOP_SECONDS
from tests.infra.dockerfile import STAGES
from tests.support.running import REPOSITORY
from training.cli import build_parser as training_parser
from training.settings import settings_from_environment

MANIFESTS = REPOSITORY / "infra" / "kubernetes"
OVERLAYS = ("production", "development")
GUIDE = (REPOSITORY / "docs" / "kubernetes.md").read_text()
# What an installation keeps in secrets; the guide makes them.
PEPPER = "p" * 32
_, STORED_KEY = new_key(
    name="loan-book",
    scopes=("score",),
    expires=datetime.now(UTC) + timedelta(days=1),
    limit=None,
    pepper=PEPPER.encode(),
)
SECRETS = {
    "scoring-secrets": {
        "API_KEYS": STORED_KEY.model_dump_json(exclude_none=True),
        "API_KEY_PEPPER": PEPPER,
        "DECISION_LOG_KEY": "k" * 64,
    },
    "lending-secrets": {
        "DATABASE_URL": "postgresql://surety@database.example.com/lending",
        "KYC_KEY": "k" * 32,
        "SCORING_KEY": "key",
        "WEBHOOK_KEYS": b64encode(bytes(32)).decode(),
    },
    "dashboard-secrets": {"OIDC_CLIENT_SECRET": "secret", "COOKIE_SECRET": "k" * 32},
    "batch-secrets": {"DECISION_LOG_KEY": "k" * 64},
    "source-secrets": {
        "SOURCE_URL_CORE_BANKING": "",
        "SOURCE_URL_CRM": "",
        "SOURCE_URL_MACRO": "",
    },
}
Manifest = dict[str, Any]


@pytest.fixture(scope="session", params=OVERLAYS)
def rendered(
    request: pytest.FixtureRequest, policy_tools: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """One overlay as a cluster would be given it."""
    file = tmp_path_factory.mktemp("manifests") / f"{request.param}.yaml"
    command = [policy_tools / "kubectl", "kustomize", MANIFESTS / "overlays" / request.param]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    file.write_text(done.stdout)
    return file


def manifests(rendered: Path, *kinds: str) -> list[Manifest]:
    return [m for m in yaml.safe_load_all(rendered.read_text()) if not kinds or m["kind"] in kinds]


def pods(rendered: Path) -> Iterator[tuple[str, Manifest]]:
    """Every pod's name and template."""
    for manifest in manifests(rendered, "Deployment"):
        yield manifest["metadata"]["name"], manifest["spec"]["template"]
    for manifest in manifests(rendered, "CronJob"):
        yield manifest["metadata"]["name"], manifest["spec"]["jobTemplate"]["spec"]["template"]


def environment(rendered: Path, container: Manifest) -> dict[str, str]:
    """What a container is told, with secrets as the guide makes them."""
    maps = {m["metadata"]["name"]: m["data"] for m in manifests(rendered, "ConfigMap")}
    variables: dict[str, str] = {}
    for source in container["envFrom"]:
        for kind, values in (("configMapRef", maps), ("secretRef", SECRETS)):
            if kind in source and not source[kind].get("optional"):
                variables |= values[source[kind]["name"]]
    return variables


def expanded(argument: str, variables: dict[str, str]) -> str:
    """An argument as the cluster gives it: $(NAME) is that variable."""
    return re.sub(r"\$\((\w+)\)", lambda match: variables[match[1]], argument)


def test_every_manifest_is_what_the_newest_kubernetes_takes(
    policy_tools: Path, rendered: Path
) -> None:
    command = [str(policy_tools / "kubernetes-validate"), "--strict", str(rendered)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("passed") + done.stdout.count("passed") == len(manifests(rendered))


def test_a_fault_in_a_manifest_is_noticed(
    policy_tools: Path, rendered: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(rendered.read_text().replace("minReplicas:", "leastReplicas:"))
    command = [str(policy_tools / "kubernetes-validate"), "--strict", str(broken)]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_no_policy_of_checkov_fails_and_every_skip_has_its_reason(
    policy_tools: Path, rendered: Path
) -> None:
    options = ["--framework", "kubernetes", "--compact", "--quiet", "--skip-download"]
    done = subprocess.run(
        [policy_tools / "checkov", "--file", rendered, *options],
        env={"PATH": "/usr/bin:/bin", "LOG_LEVEL": "CRITICAL"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "Failed checks: 0" in done.stdout
    skips = re.findall(r"checkov.io/skip\d: (.*)", rendered.read_text())
    assert all(re.fullmatch(r"CKV\w+=\w.{20,}", skip) for skip in skips)


def test_every_pod_is_strict(rendered: Path) -> None:
    [uid] = {int(user) for name in STAGES for user in STAGES[name].arguments("USER")}
    for name, template in pods(rendered):
        spec = template["spec"]
        assert spec["securityContext"]["runAsUser"] == uid, name
        assert spec["automountServiceAccountToken"] is False
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            strict = container["securityContext"]
            assert strict["readOnlyRootFilesystem"]
            assert not strict["allowPrivilegeEscalation"]
            assert container["resources"]["limits"].keys() == {"cpu", "memory"}
            target = re.findall(r"surety/(\w+)[:@]", container["image"])
            assert set(target) <= set(STAGES)
            assert target, container["image"]


def test_a_service_has_time_to_stop_and_is_asked_where_it_answers(rendered: Path) -> None:
    ports = {"scoring": scoring.DEFAULT_PORT, "lending": lending.DEFAULT_PORT}
    ports["batch"] = batch.DEFAULT_PORT
    if rendered.stem == "production":  # where there is an issuer
        ports["dashboard"] = dashboard.DEFAULT_PORT
    for manifest in manifests(rendered, "Deployment"):
        spec = manifest["spec"]["template"]["spec"]
        [container] = spec["containers"]
        sleep = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert spec["terminationGracePeriodSeconds"] > sleep + STOP_SECONDS
        name = manifest["metadata"]["name"]
        assert container["ports"] == [{"name": "http", "containerPort": ports.pop(name)}]
        paths = [container[f"{p}Probe"]["httpGet"]["path"] for p in ("liveness", "readiness")]
        assert paths == ["/health/live", "/health/ready"]
    assert not ports


def test_the_settings_of_every_service_are_accepted(rendered: Path) -> None:
    readers: dict[str, Callable[[dict[str, str]], Any]] = {
        "scoring": scoring.settings_from,
        "lending": lending.settings_from,
        "dashboard": dashboard.settings_from,
        "batch": batch.settings_from,
    }
    for manifest in manifests(rendered, "Deployment"):
        [container] = manifest["spec"]["template"]["spec"]["containers"]
        settings = readers[manifest["metadata"]["name"]](environment(rendered, container))
        assert settings.listening.host == "0.0.0.0"  # noqa: S104 -- within its pod


def test_the_command_of_every_job_is_one_of_ours(rendered: Path) -> None:
    for name, template in pods(rendered):
        [container] = template["spec"]["containers"]
        if "args" not in container:
            continue
        variables = environment(rendered, container)
        arguments = [expanded(argument, variables) for argument in container["args"]]
        if "surety/lending" in container["image"]:
            assert lending_parser().parse_args(arguments), name
        else:
            assert training_parser(settings_from_environment(variables)).parse_args(arguments), name


def test_the_loan_book_is_checked_each_night_after_its_close() -> None:
    jobs = yaml.safe_load_all((MANIFESTS / "base" / "lending_jobs.yaml").read_text())
    schedules = {job["metadata"]["name"]: job["spec"]["schedule"] for job in jobs}
    assert schedules["lending-close"] == "0 1 * * *"
    assert schedules["lending-check"] == "30 2 * * *"
    assert schedules["lending-expected-loss"] == "0 3 1 * *"  # of the month before


def left_out(rendered: Path) -> set[str]:
    """Services that an overlay does without: the dashboard needs an issuer."""
    return {"dashboard"} if rendered.stem == "development" else set()


def test_a_job_is_not_behind_the_address_of_a_service(rendered: Path) -> None:
    services = {
        m["spec"]["selector"]["app.kubernetes.io/name"] for m in manifests(rendered, "Service")
    }
    labels = {name: t["metadata"]["labels"]["app.kubernetes.io/name"] for name, t in pods(rendered)}
    assert {name for name, label in labels.items() if label in services} == services
    selected = {
        value
        for policy in manifests(rendered, "NetworkPolicy")
        for part in policy["spec"]["podSelector"].get("matchExpressions", [])
        for value in part["values"]
    } | {
        value
        for policy in manifests(rendered, "NetworkPolicy")
        for value in policy["spec"]["podSelector"].get("matchLabels", {}).values()
    }
    assert selected - left_out(rendered) == set(labels.values())


def test_nothing_is_reached_unless_it_is_written(rendered: Path) -> None:
    policies = {m["metadata"]["name"]: m["spec"] for m in manifests(rendered, "NetworkPolicy")}
    assert policies["nothing-else"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }
    inwards = [spec for spec in policies.values() if spec.get("ingress")]
    [rule] = [rule for spec in inwards for rule in spec["ingress"]]
    assert rule["ports"] == [{"port": "http"}]
    assert all("namespaceSelector" in peer for peer in rule["from"])


def test_the_book_reaches_its_own_database_and_the_pipeline_its_sources(rendered: Path) -> None:
    policies = {m["metadata"]["name"]: m["spec"] for m in manifests(rendered, "NetworkPolicy")}
    book, sources = policies["loan-book-database"], policies["source-databases"]
    [book_rule], [source_rule] = book["egress"], sources["egress"]
    assert book_rule["ports"] == source_rule["ports"] == [{"port": 5432}]
    [label] = book["podSelector"]["matchExpressions"]
    assert label["values"] == ["lending", "lending-jobs"]
    addresses = [peer["ipBlock"]["cidr"] for peer in book_rule.get("to", [])]
    assert addresses == (["10.64.0.5/32"] if rendered.stem == "production" else [])


def test_the_guide_makes_every_secret(rendered: Path) -> None:
    pattern = r"secretRef:\n\s+name: (\S+)\n(?!\s+optional)"
    secrets = set(re.findall(pattern, rendered.read_text()))
    assert secrets == set(SECRETS) - {f"{name}-secrets" for name in left_out(rendered)}
    for name in secrets:
        assert f"create secret generic {name}" in GUIDE
    assert not manifests(rendered, "Secret")


def test_an_image_of_production_is_named_by_its_digest_and_there_is_none_of_zeros() -> None:
    overlay = yaml.safe_load((MANIFESTS / "overlays/production/kustomization.yaml").read_text())
    assert {image["digest"] for image in overlay["images"]} == {f"sha256:{64 * '0'}"}


def test_the_guides_commands_make_the_secrets(policy_tools: Path, tmp_path: Path) -> None:
    commands = re.findall(r"^kubectl (.*create secret generic .*)$", GUIDE, re.MULTILINE)
    made = {}
    for command in commands:
        for file in re.findall(r"--from-file=\w+=(\S+)", command):
            (tmp_path / file).write_text("secret")
        words = [policy_tools / "kubectl", *command.split(), "--dry-run=client", "--output=yaml"]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
        secret = yaml.safe_load(done.stdout)
        made[secret["metadata"]["name"]] = set(secret["data"])
    assert made == {name: set(values) for name, values in SECRETS.items()}


def test_only_ingest_sees_the_sources_and_each_kind_of_work_has_its_account(
    rendered: Path,
) -> None:
    accounts = {}
    for name, template in pods(rendered):
        spec = template["spec"]
        accounts[name.split("-")[0]] = spec["serviceAccountName"]
        [container] = spec["containers"]
        secrets = {s["secretRef"]["name"] for s in container["envFrom"] if "secretRef" in s}
        assert ("source-secrets" in secrets) == name.startswith("ingest-"), name
    steps = {
        step: accounts[step] for step in ("ingest", "features", "snapshot", "train", "monitor")
    }
    assert steps == {
        "ingest": "ingest",
        "features": "features",
        "snapshot": "features",
        "train": "training",
        "monitor": "monitor",
    }


def test_no_image_of_development_is_asked_of_a_registry(policy_tools: Path) -> None:
    overlay = MANIFESTS / "overlays" / "development"
    command = [str(policy_tools / "kubectl"), "kustomize", str(overlay)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "imagePullPolicy: IfNotPresent" in text
    assert "imagePullPolicy: Always" not in text


def test_one_pod_has_the_queue_of_batches(rendered: Path) -> None:
    names = {m["metadata"]["name"]: m["spec"] for m in manifests(rendered, "Deployment")}
    scaled = manifests(rendered, "HorizontalPodAutoscaler")
    assert names["batch"]["replicas"] == 1
    assert "batch" not in {m["spec"]["scaleTargetRef"]["name"] for m in scaled}


def test_the_indexed_job_of_batches_knows_its_tasks_and_is_strict() -> None:
    job = yaml.safe_load((MANIFESTS / "batch" / "job.yaml").read_text())
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert spec["completionMode"] == "Indexed"
    variables = {entry["name"]: entry["value"] for entry in container["env"]}
    last = str(spec["completions"] - 1)
    shard = task_settings_from(variables | {"JOB_COMPLETION_INDEX": last}).shard
    assert (shard.index, shard.count) == (spec["completions"] - 1, spec["completions"])
    assert batch_parser().parse_args(container["args"]).model == "application"
    assert container["resources"]["limits"] == {"cpu": "1", "memory": "1Gi"}
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert pod["securityContext"]["runAsUser"] == 10001
    accounts = yaml.safe_load_all((MANIFESTS / "base" / "accounts.yaml").read_text())
    assert pod["serviceAccountName"] in {account["metadata"]["name"] for account in accounts}
    services = yaml.safe_load_all((MANIFESTS / "base" / "batch.yaml").read_text())
    [service] = [manifest for manifest in services if manifest["kind"] == "Service"]
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert not service["spec"]["selector"].items() <= labels.items()
