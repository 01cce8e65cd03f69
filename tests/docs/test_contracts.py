"""The table of contracts is whole: what it names is served, what is served is in it."""

import re

import pytest
from starlette.routing import Route

from functions.scoring.app import create_app
from functions.scoring.settings import settings_from
from tests.support.running import REPOSITORY
from tests.support.source_tree import imported_modules, python_files

TEXT = (REPOSITORY / "docs/contracts.md").read_text()
FOREIGN = (
    *("bigquery", "bureau", "customer", "mlflow", "open_inference", "sagemaker", "snowflake"),
    *("versions", "vertex"),
)


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
def test_a_foreign_contract_is_one_file_that_only_the_assembly_knows(contract: str) -> None:
    module = f"functions.scoring.contracts.{contract}"
    files = [path for path in python_files("functions") if module in imported_modules(path)]
    # functions/scoring/bigquery.py is a documented command of its contract.
    assert {path.name for path in files} - {f"{contract}.py"} == {"app.py"}
