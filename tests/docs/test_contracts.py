"""The table of contracts is whole: what it names is served, what is served is in it."""

import ast
import re

import pytest
from starlette.routing import Route

from functions.scoring.app import create_app
from functions.scoring.settings import settings_from
from tests.support.running import REPOSITORY

TEXT = (REPOSITORY / "docs/contracts.md").read_text()
SCORING = REPOSITORY / "functions" / "scoring"
CONTRACTS = "functions.scoring.contracts"
# A documented command prints the warehouse's arguments.
ALSO_IMPORTING = {"bigquery": {"bigquery.py"}}
FOREIGN = ("bigquery", "bureau", "customer", "open_inference", "versions", "vertex")


def served() -> set[tuple[str, str]]:
    """Method and path of every route."""
    app = create_app(settings_from({}))
    return {
        (method, route.path)
        for route in app.routes
        if isinstance(route, Route)
        for method in route.methods or ()
    }


def test_every_route_the_table_names_is_served() -> None:
    documented = re.findall(r"`(GET|POST) (/[^`]*)`", TEXT)
    assert len(documented) > 12
    for method, path in documented:
        spelled = path.replace("{m}", "{model}").replace("{v}", "{version}")
        assert (method, spelled) in served(), path


def test_every_route_that_scores_is_in_the_table() -> None:
    for method, path in served():
        if method == "POST":
            spelled = path.replace("{model}", "{m}").replace("{version}", "{v}")
            assert f"`POST {spelled}`" in TEXT, spelled


@pytest.mark.parametrize("contract", FOREIGN)
def test_a_foreign_contract_is_one_file_that_only_the_list_of_contracts_imports(
    contract: str,
) -> None:
    importing = {
        str(path.relative_to(SCORING))
        for path in (REPOSITORY / "functions").rglob("*.py")
        if imports_contract(ast.parse(path.read_text()), contract)
    }
    assert importing == {"app.py"} | ALSO_IMPORTING.get(contract, set())
    assert (SCORING / "contracts" / f"{contract}.py").exists()


def imports_contract(tree: ast.Module, contract: str) -> bool:
    """Whether a module imports a contract, or something from it."""
    return any(
        node.module == f"{CONTRACTS}.{contract}"
        or (node.module == CONTRACTS and contract in {alias.name for alias in node.names})
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
    )
