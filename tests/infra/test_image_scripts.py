"""The scripts that name, sign and describe images, with stand-ins for docker, oras and gcloud."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.infra.rehearsal import Cloud
from tests.support.running import REPOSITORY

TARGETS = ("scoring", "training", "lending", "batch", "dashboard")
DIGESTS = {target: f"sha256:{64 * str(number)}" for number, target in enumerate(TARGETS)}
REGISTRY = "here-docker.pkg.dev/money/surety"
# What `docker inspect` prints of an image that was pushed to two registries.
DOCKER = """#!/bin/sh
echo "docker $*" >>{folder}/calls
case $3 in
*scoring*) echo elsewhere/scoring@sha256:other; echo {registry}/scoring@{scoring} ;;
*lending*) echo {registry}/lending@{lending} ;;
*batch*) echo {registry}/batch@{batch} ;;
*dashboard*) echo {registry}/dashboard@{dashboard} ;;
*) echo {registry}/training@{training} ;;
esac
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with a docker and an oras that note their calls."""
    docker = DOCKER.format(folder=tmp_path, registry=REGISTRY, **DIGESTS)
    for name, text in {
        "docker": docker,
        "oras": f'#!/bin/sh\necho "oras $*" >>{tmp_path}/calls\n',
    }.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def run(folder: Path, script: str, *words: str) -> subprocess.CompletedProcess[str]:
    path = f"PATH={folder}:/usr/bin:/bin"
    return subprocess.run(
        ["env", path, "sh", str(REPOSITORY / "infra" / script), *words],
        capture_output=True,
        text=True,
        check=False,
    )


def images_file(folder: Path) -> Path:
    """What images.sh writes for all images by tag."""
    file = folder / "var" / "images.tfvars.json"
    tags = [f"{REGISTRY}/{target}:b0b0b0b0" for target in DIGESTS]
    done = run(folder, "docker/images.sh", str(file), *tags)
    assert done.returncode == 0, done.stderr
    return file


def test_images_by_tag_are_written_by_the_digest_of_their_own_registry(tools: Path) -> None:
    assert json.loads(images_file(tools).read_text()) == {
        f"{target}_image": f"{REGISTRY}/{target}@{digest}" for target, digest in DIGESTS.items()
    }


def test_images_by_digest_are_written_as_they_are_and_docker_is_not_asked(tools: Path) -> None:
    names = [f"{REGISTRY}/{target}@{digest}" for target, digest in DIGESTS.items()]
    assert run(tools, "docker/images.sh", f"{tools}/images.json", *names).returncode == 0
    assert list(json.loads((tools / "images.json").read_text()).values()) == names
    assert not (tools / "calls").exists()


def test_an_environment_without_flags_promotes_two_images(cloud: Cloud, tools: Path) -> None:
    names = [f"{REGISTRY}/{target}@{digest}" for target, digest in DIGESTS.items()][:2]
    none = f"{REGISTRY}/lending@"
    absent = (none, f"{REGISTRY}/batch@", f"{REGISTRY}/dashboard@")
    file = tools / "images.json"
    assert run(tools, "docker/images.sh", str(file), *names, *absent).returncode == 0
    assert list(json.loads(file.read_text())) == ["scoring_image", "training_image"]
    assert run(tools, "docker/copy.sh", none, f"{REGISTRY}/lending:1").returncode == 0
    assert not (tools / "calls").exists()
    assert run(cloud.folder, "attest.sh", str(file), ATTESTOR, KEY).returncode == 0
    assert len(cloud.calls("sign-and-create")) == 2


def test_an_image_is_copied_with_what_is_attached(tools: Path) -> None:
    source, copy = f"elsewhere/lending@{DIGESTS['lending']}", f"{REGISTRY}/lending:1"
    assert run(tools, "docker/copy.sh", source, copy).returncode == 0
    assert (tools / "calls").read_text() == f"oras cp --recursive {source} {copy}\n"


def test_an_image_that_was_never_pushed_ends_the_build(tools: Path) -> None:
    others = (f"{REGISTRY}/training:1", f"{REGISTRY}/lending:1")
    words = (f"{tools}/images.json", "elsewhere.dev/a/scoring:1", *others)
    assert run(tools, "docker/images.sh", *words).returncode != 0
    assert not (tools / "images.json").exists()


def test_each_image_has_the_list_of_its_own_contents_attached(tools: Path) -> None:
    file = images_file(tools)
    for target in DIGESTS:
        (tools / f"{target}-image.json").write_text("{}")
    (tools / "calls").unlink()
    done = run(tools, "docker/attach.sh", str(file), str(tools))
    assert done.returncode == 0, done.stderr
    kind = "application/vnd.cyclonedx+json"
    assert (tools / "calls").read_text().splitlines() == [
        f"oras attach --artifact-type={kind} {REGISTRY}/{target}@{digest} "
        f"{tools}/{target}-image.json:{kind}"
        for target, digest in DIGESTS.items()
    ]


def test_a_list_that_is_empty_or_absent_ends_the_build(tools: Path) -> None:
    (tools / "scoring-image.json").touch()
    done = run(tools, "docker/attach.sh", str(images_file(tools)), str(tools))
    assert done.returncode == 1
    assert f"there is no {tools}/scoring-image.json" in done.stderr


ATTESTOR = "projects/money/attestors/surety"
KEY = (
    "projects/money/locations/here/keyRings/surety/cryptoKeys/images/cryptoKeyVersions/1"  # its own
)


def test_every_image_is_signed_by_digest(cloud: Cloud, tools: Path) -> None:
    file = images_file(tools)
    done = run(cloud.folder, "attest.sh", str(file), ATTESTOR, KEY)
    assert done.returncode == 0, done.stderr
    assert cloud.state()["calls"] == [
        "beta container binauthz attestations sign-and-create "
        f"--artifact-url={REGISTRY}/{target}@{digest} --attestor={ATTESTOR} --keyversion={KEY} "
        "--quiet"
        for target, digest in DIGESTS.items()
    ]


def test_without_an_attestor_nothing_is_signed_and_without_a_key_it_fails(
    cloud: Cloud, tools: Path
) -> None:
    file = str(images_file(tools))
    assert run(cloud.folder, "attest.sh", file, "", "").returncode == 0
    done = run(cloud.folder, "attest.sh", file, ATTESTOR, "")
    assert done.returncode != 0
    assert f"the version of a key must sign for {ATTESTOR}" in done.stderr
    assert cloud.state()["calls"] == []


def test_a_signature_that_fails_ends_the_build(cloud: Cloud, tools: Path) -> None:
    cloud.set(failing="sign-and-create")
    assert run(cloud.folder, "attest.sh", str(images_file(tools)), ATTESTOR, KEY).returncode != 0
    assert len(cloud.state()["calls"]) == 1


@pytest.mark.parametrize("line", ["", "enable_binary_authorization = true\n"])
def test_a_submission_names_the_attestor_where_the_variables_ask_for_it(
    tmp_path: Path, line: str
) -> None:
    folder = tmp_path / "terraform" / "environments"
    folder.mkdir(parents=True)
    (folder / "prod.tfvars").write_text(f'project_id = "money"\nregion = "here"\n{line}')
    script = f'set -- prod; . {REPOSITORY}/infra/environment.sh; echo "$attestor $attestor_key"'
    done = subprocess.run(
        ["sh", "-euc", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == (f"{ATTESTOR} {KEY}" if line else "")
