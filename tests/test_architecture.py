"""What holds for the whole repository: rooms, the arrows between them, names, sizes, tests."""

import ast
import itertools
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.support.source_tree import (
    REPOSITORY,
    code_lines,
    defined_names,
    definitions,
    imported_modules,
    imported_packages,
    module_name,
    project_files,
    python_files,
    syntax_tree,
)

ROOMS = ("models", "functions", "training", "infra", "terraform")
PYTHON_ROOMS = ("models", "functions", "training", "infra")
SHARED_BY_FUNCTIONS = {"models", "functions.web", "functions.access"}
# What each folder may import of ours, itself included; the longest prefix counts.
ARROWS = {
    "models": {"models"},
    "functions": set(),
    "functions.web": {"functions.web", "models.errors", "models.figures"},
    "functions.access": {"functions.access", "functions.web", "models.errors"},
    "functions.client": {"functions.client"},
    "functions.dashboard": {*SHARED_BY_FUNCTIONS, "functions.client", "functions.dashboard"},
    "functions.lending": {*SHARED_BY_FUNCTIONS, "functions.client", "functions.lending"},
    "training": {"training", "models"},
    "infra": {"infra"},
}
NOT_IN_MODELS = {"pandas", "sklearn", "xgboost", "os"}
NOT_AT_SERVING = {"pandas", "sklearn", "shap", "scipy", "xgboost"}
NO_PICKLE = {"pickle", "joblib", "cloudpickle", "dill"}
MOST_LINES_OF_A_FUNCTION = 40
MOST_LINES_OF_A_MODULE = 400

# A variable is named by what it holds, never by how it came about; a class or function `x_of`
# would stand beside `x_from`.
FORBIDDEN_NAMES = frozenset(
    (
        *("found", "said", "told", "asked", "known", "kept", "shown", "named", "given"),
        *("places", "whole"),
    )
)

# A module without a test of its name: the file that tests it, below tests/.
TESTED_BY = {
    "functions/lending/actions/book_rules.py": "functions/lending/contracts/test_rules.py",
    "functions/dashboard/components/counter_offer.py": "functions/dashboard/test_pages.py",
    "functions/lending/actions/counter_offers.py": (
        "functions/lending/contracts/test_counter_offers.py"
    ),
    "functions/access/principal.py": "functions/access/test_api_keys.py",
    "functions/access/protection.py": "functions/access/test_guard.py",
    "functions/batch/app.py": "functions/batch/test_contract.py",
    "functions/batch/columns.py": "functions/batch/test_rows.py",
    "functions/batch/documents.py": "functions/batch/test_contract.py",
    "functions/batch/dry_run.py": "functions/batch/test_cli.py",
    "functions/batch/errors.py": "functions/batch/test_contract.py",
    "functions/batch/execution.py": "functions/batch/test_cli.py",
    "functions/batch/jobs.py": "functions/batch/test_contract.py",
    "functions/batch/main.py": "functions/batch/test_events.py",
    "functions/batch/plans.py": "functions/batch/test_cli.py",
    "functions/batch/results.py": "functions/batch/test_contract.py",
    "functions/batch/runs.py": "functions/batch/test_shards.py",
    "functions/batch/anchors.py": "functions/batch/test_verification.py",
    "functions/batch/part_verification.py": "functions/batch/test_verification.py",
    **dict.fromkeys(
        (
            "functions/dashboard/application_row.py",
            "functions/dashboard/book_figures.py",
            "functions/dashboard/entry.py",
            "functions/dashboard/frame.py",
            "functions/dashboard/lists.py",
            "functions/dashboard/loan_actions.py",
            "functions/dashboard/runtime.py",
            *(
                f"functions/dashboard/components/{name}.py"
                for name in (
                    *("action_form", "case", "case_actions", "decision", "filters"),
                    *("loan_history", "models", "monitored", "registration", "simulation"),
                    *("overrides", "rules", "terms"),
                )
            ),
            *(
                f"functions/dashboard/pages/{name}.py"
                for name in (
                    *("administration", "applicant", "application", "applications"),
                    *("customers", "home", "loan", "loans", "monitoring", "my_applications"),
                    *("new_application", "portfolio", "registry", "reviews", "what_if"),
                )
            ),
        ),
        "functions/dashboard/test_pages.py",
    ),
    **dict.fromkeys(
        (
            "functions/dashboard/loss_rows.py",
            *(
                f"functions/dashboard/components/{name}.py"
                for name in ("figure_table", "notice", "own_recourse", "stress")
            ),
            *(
                f"functions/dashboard/pages/{name}.py"
                for name in (
                    *("arrears", "early_warning", "expected_loss", "figure_loans", "policy"),
                    *("risk_loans", "roll_rates", "vintages"),
                )
            ),
        ),
        "functions/dashboard/test_risk_pages.py",
    ),
    "functions/client/lending_endpoints.py": "functions/dashboard/test_pages.py",
    "functions/client/lending_responses.py": "functions/client/test_responses.py",
    "functions/client/lending_bounds.py": "functions/client/test_responses.py",
    "functions/client/batch_responses.py": "functions/client/test_responses.py",
    "functions/client/retrain_responses.py": "functions/client/test_responses.py",
    "functions/client/administration_endpoints.py": (
        "functions/lending/contracts/test_administration_client.py"
    ),
    "functions/dashboard/components/audit.py": ("functions/dashboard/components/test_imports.py"),
    "functions/dashboard/components/batch_upload.py": (
        "functions/dashboard/components/test_batch_state.py"
    ),
    "functions/dashboard/pages/batches.py": "functions/dashboard/components/test_batch_state.py",
    "functions/lending/actions/audit_search.py": "functions/lending/contracts/test_audit.py",
    "functions/lending/actions/webhook_list.py": "functions/lending/contracts/test_webhooks.py",
    "functions/retrain/documents.py": "infra/local/test_documents.py",
    "functions/client/portfolio_responses.py": "functions/client/test_responses.py",
    "functions/client/rules_responses.py": "functions/client/test_responses.py",
    "functions/client/endpoints.py": "functions/client/test_clients.py",
    "functions/client/errors.py": "functions/client/test_retries.py",
    "functions/client/loop_thread.py": "functions/client/test_retries.py",
    "functions/client/response.py": "functions/client/test_responses.py",
    "functions/lending/actions/check_rows.py": "functions/lending/test_deciding.py",
    "functions/lending/actions/confirming.py": "functions/lending/test_app.py",
    "functions/lending/actions/loan_replies.py": "functions/lending/contracts/test_loans.py",
    "functions/lending/actions/money.py": "functions/lending/contracts/test_loans.py",
    "functions/lending/actions/replies.py": "functions/lending/test_app.py",
    "functions/lending/actions/review_queue.py": "functions/lending/contracts/test_reviews.py",
    "functions/lending/actions/reviewing.py": "functions/lending/contracts/test_reviews.py",
    "functions/lending/actions/securities.py": "functions/lending/contracts/test_loans.py",
    "functions/lending/actions/risk_figures.py": "functions/lending/test_risk_reports.py",
    "functions/lending/actions/stress.py": "functions/lending/test_risk_reports.py",
    "functions/lending/cli_risk.py": "functions/lending/test_cli.py",
    "functions/lending/contracts/risk.py": "functions/lending/test_risk_reports.py",
    "functions/lending/risk_rows.py": "functions/lending/test_risk_reports.py",
    "functions/lending/storage/report_index.py": "functions/lending/test_risk_reports.py",
    "functions/lending/storage/risk_storage.py": "functions/lending/test_risk_reports.py",
    "functions/lending/storage/risk_tables.py": "functions/lending/storage/test_migrate.py",
    "functions/lending/storage/migrations/versions/v0005_risk_reports.py": (
        "functions/lending/storage/test_migrate.py"
    ),
    "functions/lending/actions/scoring_rows.py": "functions/lending/test_scoring.py",
    "functions/lending/actions/lists.py": "functions/lending/contracts/test_applications.py",
    "functions/lending/actions/granting.py": "functions/lending/actions/test_concurrency.py",
    "functions/lending/actions/applications.py": "functions/lending/contracts/test_applications.py",
    "functions/lending/actions/customers.py": "functions/lending/contracts/test_customers.py",
    "functions/lending/actions/policy_whatif.py": "functions/lending/contracts/test_portfolio.py",
    "functions/lending/actions/portfolio.py": "functions/lending/contracts/test_portfolio.py",
    "functions/lending/analytics/answers.py": "functions/lending/contracts/test_analytics.py",
    "functions/lending/analytics/figures.py": "functions/lending/contracts/test_analytics.py",
    "functions/lending/analytics/live_figures.py": "functions/lending/contracts/test_analytics.py",
    "functions/lending/analytics/month_end_figures.py": (
        "functions/lending/contracts/test_analytics.py"
    ),
    "functions/lending/analytics/month_end_rows.py": (
        "functions/lending/analytics/test_month_ends.py"
    ),
    "functions/lending/analytics/month_end_sql.py": (
        "functions/lending/analytics/test_month_ends.py"
    ),
    "functions/lending/contracts/documents.py": "functions/lending/test_app.py",
    "functions/lending/actions/applicants.py": "functions/lending/contracts/test_applications.py",
    "functions/lending/actions/cases.py": "functions/lending/contracts/test_applications.py",
    "functions/lending/actions/warning_followups.py": (
        "functions/lending/contracts/test_early_warnings.py"
    ),
    "functions/lending/contracts/edge.py": "functions/lending/contracts/test_loans.py",
    "functions/lending/contracts/health.py": "functions/lending/storage/test_database.py",
    "functions/lending/documents.py": "functions/lending/test_app.py",
    "functions/lending/errors.py": "functions/lending/contracts/test_loans.py",
    "functions/lending/main.py": "functions/lending/test_app.py",
    "functions/lending/notices/templates.py": "functions/lending/notices/test_notice.py",
    "functions/lending/posting/fact_rows.py": "functions/lending/posting/test_postings.py",
    "functions/lending/posting/ledger_rows.py": "functions/lending/posting/test_postings.py",
    "functions/lending/posting/loan_records.py": "functions/lending/posting/test_postings.py",
    "functions/lending/posting/state_rows.py": "functions/lending/posting/test_postings.py",
    "functions/lending/requests.py": "functions/lending/contracts/test_loans.py",
    "functions/lending/seed_files.py": "functions/lending/test_seeding.py",
    "functions/lending/seed_loading.py": "functions/lending/test_seeding.py",
    "functions/lending/seed_rows.py": "functions/lending/test_seeding.py",
    "functions/lending/storage/identifiers.py": "functions/lending/contracts/test_loans.py",
    "functions/lending/storage/migrations/env.py": "functions/lending/storage/test_migrate.py",
    "functions/lending/storage/migrations/versions/v0001_loan_book.py": (
        "functions/lending/storage/test_migrate.py"
    ),
    "functions/lending/storage/migrations/versions/v0002_portfolio_cells.py": (
        "functions/lending/storage/test_migrate.py"
    ),
    "functions/lending/storage/migrations/versions/v0003_cases.py": (
        "functions/lending/storage/test_migrate.py"
    ),
    "functions/lending/storage/case_tables.py": "functions/lending/storage/test_migrate.py",
    "functions/lending/storage/migrations/versions/v0004_portfolio_analytics.py": (
        "functions/lending/storage/test_migrate.py"
    ),
    "functions/lending/storage/analytics_tables.py": "functions/lending/storage/test_migrate.py",
    "functions/lending/storage/migrations/versions/v0006_alerts.py": (
        "functions/lending/storage/test_migrate.py"
    ),
    "functions/lending/storage/migrations/versions/v0007_counter_offers.py": (
        "functions/lending/storage/test_migrate.py"
    ),
    "functions/lending/storage/migrations/versions/v0008_npa_days_and_warnings.py": (
        "functions/lending/storage/test_migrate.py"
    ),
    "functions/lending/storage/alert_tables.py": "functions/lending/storage/test_migrate.py",
    "functions/lending/storage/opening.py": "functions/lending/test_cli.py",
    "functions/lending/storage/tables.py": "functions/lending/storage/test_migrate.py",
    "functions/lending/storage/transaction.py": "functions/lending/contracts/test_loans.py",
    "functions/retrain/errors.py": "functions/retrain/test_cloud_run.py",
    "functions/retrain/main.py": "functions/retrain/test_app.py",
    "functions/retrain/runs.py": "functions/retrain/test_app.py",
    "functions/scoring/app.py": "functions/scoring/test_openapi.py",
    "functions/scoring/bigquery.py": "functions/scoring/contracts/test_bigquery.py",
    "functions/scoring/contracts/foreign_errors.py": "functions/scoring/test_malformed.py",
    "functions/scoring/contracts/model_schemas.py": "functions/scoring/test_openapi.py",
    "functions/scoring/contracts/parameters.py": "functions/scoring/contracts/test_kserve_v1.py",
    "functions/scoring/contracts/tensors.py": "functions/scoring/contracts/test_open_inference.py",
    "functions/scoring/contracts/warehouse_rows.py": "functions/scoring/contracts/test_bigquery.py",
    "functions/scoring/contracts/waterfall.py": "functions/scoring/contracts/test_explain.py",
    "functions/scoring/decision_engine.py": "functions/scoring/test_same_answers.py",
    "functions/scoring/snowflake.py": "functions/scoring/contracts/test_snowflake.py",
    "functions/scoring/documents.py": "functions/scoring/test_openapi.py",
    "functions/scoring/errors.py": "functions/scoring/test_model_loader.py",
    "functions/scoring/main.py": "functions/scoring/contracts/test_kserve_v1.py",
    "functions/scoring/operations/health.py": "functions/scoring/test_refresh.py",
    "functions/scoring/operations/telemetry.py": "functions/scoring/operations/test_prometheus.py",
    "functions/web/cold_start.py": "functions/scoring/test_cold_start.py",
    "functions/web/contract.py": "functions/access/test_scopes.py",
    "functions/web/examples.py": "functions/scoring/test_examples.py",
    "functions/web/health.py": "functions/scoring/test_refresh.py",
    "functions/web/identifiers.py": "functions/client/test_retries.py",
    "functions/web/openapi.py": "functions/scoring/test_openapi.py",
    "functions/web/problems.py": "functions/scoring/test_malformed.py",
    "infra/airflow/dags/surety.py": "infra/airflow/test_dags.py",
    "infra/cloud_run.py": "infra/test_release.py",
    "infra/google_api.py": "infra/test_release.py",
    "infra/local/client_types.py": "functions/client/test_responses.py",
    "infra/local/cost.py": "infra/test_cost.py",
    "infra/local/dashboard.py": "docs/test_dashboard.py",
    "infra/local/oidc_issuer.py": "docs/test_dashboard.py",
    "infra/local/issuer.py": "docs/test_loan_book.py",
    "infra/local/lending.py": "docs/test_loan_book.py",
    "infra/local/postgres.py": "training/reading/test_database.py",
    "infra/local/run.py": "infra/test_local.py",
    "infra/local/stress.py": "infra/test_local.py",
    "infra/own_models.py": "infra/test_scripts.py",
    "infra/probe.py": "infra/test_rehearsal.py",
    "infra/serving.py": "infra/test_scripts.py",
    "infra/smoke.py": "infra/test_release.py",
    "models/evidence/batch_records.py": "models/evidence/test_batch_verification.py",
    "models/evidence/batch_tables.py": "models/evidence/test_batch_verification.py",
    "models/figures.py": "training/test_prometheus_text.py",
    "training/reading/arguments.py": "training/reading/test_options.py",
    "training/streaming/fitting.py": "training/streaming/test_dask_fit.py",
}


def test_the_top_level_holds_what_the_design_names() -> None:
    top_level = {path.relative_to(REPOSITORY).parts[0] for path in project_files()}
    assert top_level >= {
        *ROOMS,
        *("tests", "docs", ".ci", "cloudbuild.yaml", "requirements.txt", "README.md"),
        *("pyproject.toml", "uv.lock", "Makefile", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"),
        *("SECURITY.md", ".editorconfig", ".pre-commit-config.yaml"),
    }


def allowed_prefixes(module: str) -> set[str]:
    """What a module may import of ours."""
    prefixes = [name for name in ARROWS if f"{module}.".startswith(f"{name}.")]
    longest = max(prefixes, key=len)
    parts = module.split(".")
    if longest == "functions" and len(parts) > 1:
        return SHARED_BY_FUNCTIONS | {f"functions.{parts[1]}"}
    return ARROWS[longest]


def forbidden_arrows() -> set[tuple[str, str]]:
    arrows = set()
    for path in python_files(*PYTHON_ROOMS):
        module = module_name(path)
        for imported in imported_modules(path):
            is_ours = imported.split(".")[0] in {*ROOMS, "tests"}
            prefixes = allowed_prefixes(module)
            if is_ours and not any(f"{imported}.".startswith(f"{p}.") for p in prefixes):
                arrows.add((module, imported))
    return arrows


def test_a_module_imports_only_what_the_design_allows() -> None:
    assert forbidden_arrows() == set()


@pytest.mark.parametrize(
    ("module", "imported", "is_allowed"),
    [
        ("functions.scoring.app", "functions.web.bodies", True),
        ("functions.scoring.app", "functions.retrain.app", False),
        ("functions.web.bodies", "models.errors", True),
        ("functions.web.bodies", "models.scorer", False),
        ("functions.webshop.app", "models.scorer", True),
        ("models.scorer", "training.run", False),
        ("training.run", "functions.web.logs", False),
        ("infra.smoke", "models.errors", False),
    ],
)
def test_the_arrows_are_those_of_the_design(module: str, imported: str, is_allowed: bool) -> None:  # noqa: FBT001 -- a parameter
    prefixes = allowed_prefixes(module)
    assert any(f"{imported}.".startswith(f"{p}.") for p in prefixes) is is_allowed


def sibling_arrows() -> dict[tuple[str, str], set[tuple[str, str]]]:
    """The imports between two neighbours, that is, members of one folder, at every level."""
    arrows: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for path in python_files(*PYTHON_ROOMS):
        module = module_name(path)
        for imported in imported_modules(path):
            pairs = zip(module.split("."), imported.split("."), strict=False)
            shared = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)))
            ends = [".".join(name.split(".")[: shared + 1]) for name in (module, imported)]
            if ends[0] != module.rpartition(".")[0] and len(set(ends)) == len(ends):
                arrows[ends[0], ends[1]].add((module, imported))
    return arrows


def test_no_two_neighbours_import_each_other() -> None:
    arrows = sibling_arrows()
    both_ways = {pair for pair in arrows if pair[0] < pair[1] and pair[::-1] in arrows}
    assert both_ways == set()


def test_the_models_room_reads_no_environment_and_knows_no_training_library() -> None:
    for path in python_files("models"):
        allowed = {"os"} if path.name == "files.py" else set()  # fsync, not the environment
        assert imported_packages(path) & NOT_IN_MODELS <= allowed, path
        assert "environ" not in path.read_text(), path


def test_the_clock_is_an_argument_in_the_models_room() -> None:
    clock = re.compile(r"\.now\(|\.time\(|\.today\(|perf_counter")
    for path in python_files("models"):
        assert not clock.search(path.read_text()), path


def test_functions_import_no_training_library() -> None:
    for path in python_files("functions"):
        assert not imported_packages(path) & NOT_AT_SERVING, path


def test_nothing_is_pickled_anywhere() -> None:
    for path in python_files(*PYTHON_ROOMS, "tests"):
        assert not imported_packages(path) & NO_PICKLE, path


def test_a_package_holds_one_docstring_line_in_its_init() -> None:
    for path in project_files():
        if path.name == "__init__.py":
            assert len(path.read_text().splitlines()) == 1, path
            assert ast.get_docstring(syntax_tree(path)), path
            assert "tests" not in path.parts, path


def forbidden_names(path: Path) -> list[str]:
    names = [
        f"{line}: {name}"
        for line, name in defined_names(path)
        if name.strip("_").lower() in FORBIDDEN_NAMES
    ]
    return names + [f"{d.lineno}: {d.name}" for d in definitions(path) if d.name.endswith("_of")]


def test_names_say_what_a_thing_is() -> None:
    faults = {
        str(path.relative_to(REPOSITORY)): forbidden_names(path)
        for path in python_files(*PYTHON_ROOMS, "tests")
        if forbidden_names(path)
    }
    assert faults == {}


def test_every_way_to_name_something_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "places.py"
    path.write_text(
        "def said(told, *, asked=None): _known = shown = 1\n"
        "class Box:\n    kept: int\n    def price_of(self): self._found = (given := 2)\n"
        "for whole in []: pass\n"
        "try: pass\nexcept OSError as named: pass\n"
        "import json as Told\nfrom json import loads as ASKED\n"
        "match {}:\n    case {**found}: pass\n"
    )
    names = [name.partition(": ")[2].strip("_") for name in forbidden_names(path)]
    assert set(names) == FORBIDDEN_NAMES | {"price_of", "Told", "ASKED"}
    assert names.count("found") == len(("self._found", "**found"))


def test_class_names_are_unique() -> None:
    paths = defaultdict(set)
    for path in python_files(*PYTHON_ROOMS):
        for definition in definitions(path):
            # The client repeats the names of what it receives: it is installed without the rest.
            if isinstance(definition, ast.ClassDef) and "client" not in path.parts:
                paths[definition.name].add(path)
    repeated = {name for name, files in paths.items() if len(files) > 1}
    assert repeated == set()


@pytest.mark.parametrize("room", [*PYTHON_ROOMS, "tests"])
def test_functions_and_modules_stay_small(room: str) -> None:
    for path in python_files(room):
        lines = code_lines(path)
        if room != "tests":  # a suite may be long; each of its tests may not
            assert len(lines) <= MOST_LINES_OF_A_MODULE, path
        for node in definitions(path):
            if not isinstance(node, ast.ClassDef):
                name = f"{path.relative_to(REPOSITORY)}: {node.name}"
                size = len(lines & set(range(node.lineno, (node.end_lineno or 0) + 1)))
                assert size <= MOST_LINES_OF_A_FUNCTION, (name, size)


def test_docstrings_comments_and_blank_lines_are_no_code(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(
        '"""Two\nlines."""\n\n# A comment.\ndef answer() -> str:\n    """One line."""\n\n'
        '    return """\n\n    text"""  # three lines of a value\n'
    )
    assert len(code_lines(path)) == 1 + 3


def test_every_test_stands_where_its_module_does() -> None:
    for path in (REPOSITORY / "tests").rglob("test_*.py"):
        folder = path.parent.relative_to(REPOSITORY / "tests")
        # All rooms together have no module to stand beside.
        assert folder == Path("stack") or (REPOSITORY / folder).is_dir(), path


def test_every_module_has_a_test_of_its_name_or_the_list_says_where_it_is_tested() -> None:
    tests = REPOSITORY / "tests"
    modules = set()
    for path in python_files(*PYTHON_ROOMS):
        module = path.relative_to(REPOSITORY)
        own = tests / module.parent / f"test_{path.stem.strip('_')}.py"
        if path.name not in {"__init__.py", "__main__.py"} and not own.exists():
            modules.add(str(module))
    assert modules == set(TESTED_BY)
    assert [file for file in TESTED_BY.values() if not (tests / file).exists()] == []


def test_no_path_of_a_machine_stands_in_the_repository() -> None:
    pattern = re.compile(r"/(?:work|root|farm|opt/(?:wheels|pypi))/")
    for path in project_files():
        if path.suffix not in {".parquet", ".png"} and path != Path(__file__):
            assert not pattern.search(path.read_text()), path
