"""Copies of the modules with their provider installed, where terraform and a provider are found."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import REPOSITORY
from tests.terraform.plan_pages import PLANS
from tests.terraform.plan_tables import initialised_copy, plan_everything, tables_from

SOURCE = REPOSITORY / "terraform"
GRANT = re.compile(r"_iam_(member|binding)$")
EVERY_PLAN = pytest.mark.parametrize("plan", ["shipped", "everything", "public", "dev"])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run in `make test-environments` what needs Terraform's binary and a provider."""
    for item in items:
        if isinstance(item, pytest.Function) and "initialised" in item.fixturenames:
            item.add_marker(pytest.mark.environments)


def run_terraform(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run terraform in a folder; what it drew around its messages is left out."""
    done = subprocess.run(
        ["terraform", *arguments, "-no-color"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    done.stdout = re.sub(r"[\s│╷╵]+", " ", done.stdout + done.stderr)
    return done


class Planned:
    """The resources of both modules in one plan."""

    def __init__(self, documents: Sequence[Mapping[str, Any]]) -> None:
        self.documents = documents
        self.variables = documents[0]["variables"]
        self.resources: list[dict[str, Any]] = [
            resource
            for document in documents
            for resource in document["planned_values"]["root_module"]["resources"]
            if resource["mode"] == "managed"
        ]

    def of_kind(self, kind: str) -> dict[str, dict[str, Any]]:
        """Values of every resource of a kind, by address without the kind."""
        return {
            resource["address"].removeprefix(f"{kind}."): resource["values"]
            for resource in self.resources
            if resource["type"] == kind
        }

    @property
    def grants(self) -> list[dict[str, Any]]:
        """Every grant, a member each; members that only Google Cloud knows are absent."""
        rights = []
        for resource in self.resources:
            if not GRANT.search(resource["type"]):
                continue
            values = resource["values"]
            members = values.get("members") or [values.get("member")]
            rights += [
                values | {"member": member, "address": resource["address"]} for member in members
            ]
        return rights


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of `terraform/` and `infra/`, initialised."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed: nothing of terraform/ was checked")
    try:
        return initialised_copy(tmp_path_factory.mktemp("terraform"))
    except subprocess.CalledProcessError:
        pytest.skip("no provider can be had: nothing of terraform/ was checked")


@pytest.fixture(scope="session")
def documents(initialised: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Every plan of the tables, as Terraform's JSON, by module and name."""
    return plan_everything(initialised)


@pytest.fixture(scope="session")
def tables(documents: dict[tuple[str, str], dict[str, Any]], initialised: Path) -> dict[str, str]:
    """The tables as they are planned now."""
    shipped = Planned([documents["bootstrap", "shipped"]])
    # The real provider writes its own defaults into a plan; the tables have what this project sets.
    if shipped.of_kind("google_storage_bucket")["state"]["force_destroy"] is not None:
        pytest.skip("the tables are made with the provider's schemas alone: no table was compared")
    return tables_from(documents, initialised)


@pytest.fixture(scope="session")
def plans(documents: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Planned]:
    """Every plan, by its name in the tables."""
    return {
        plan.name: Planned([d for (_, name), d in documents.items() if name == plan.name])
        for plan in PLANS
    }


@pytest.fixture
def copied(initialised: Path, tmp_path: Path) -> Iterator[Path]:
    """Another copy, to be changed."""
    folder = tmp_path / "copy"
    shutil.copytree(initialised, folder, symlinks=True)
    yield folder
    shutil.rmtree(folder)
