"""Documents are true: their commands run, what they refer to exists."""

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.docs.markdown import blocks, commands, languages
from tests.support.running import REPOSITORY, Server
from tests.support.source_tree import project_files

README = (REPOSITORY / "README.md").read_text()
README_LINES = 120
DOCUMENTS = [path for path in project_files() if path.suffix == ".md"]
NAMES = [str(path.relative_to(REPOSITORY)) for path in DOCUMENTS]
VOLATILE = {"processing_time_ms", "timestamp", "model_version"}

# Every `sh` block of every document, and which test runs it.
RUN = {
    "README.md": {
        "make run": "tests/infra/test_local.py",
        "make test": ".ci/run",
        "curl -s http://localhost:8080/predict": "tests/test_docs.py",
    },
    "docs/alerts.md": {
        "training monitor": "tests/docs/test_alerts.py",
        "make alerts": "tests/docs/test_alerts.py",
        "promtool check rules": "tests/docs/test_alerts.py",
        "amtool config routes": "tests/docs/test_alerts.py",
    },
    "docs/architecture.md": {"functions-framework": "tests/docs/test_guides.py"},
    "docs/evidence.md": {"audit verify": "tests/docs/test_evidence.py"},
    "docs/loan-book.md": {
        "make lending": "tests/docs/test_loan_book.py",
        "as()": "tests/docs/test_loan_book.py",
        "show()": "tests/docs/test_loan_book.py",
        "book=": "tests/docs/test_loan_book.py",
        "/api/customers/register": "tests/docs/test_loan_book.py",
        "terms=": "tests/docs/test_loan_book.py",
        "/api/loans/apply": "tests/docs/test_loan_book.py",
        "/api/loans/applications/": "tests/docs/test_loan_book.py",
        "/checks": "tests/docs/test_loan_book.py",
        ":accept": "tests/docs/test_loan_book.py",
        ":disburse": "tests/docs/test_loan_book.py",
        ":repay": "tests/docs/test_loan_book.py",
        "/schedule": "tests/docs/test_loan_book.py",
        "/api/portfolio/summary": "tests/docs/test_loan_book.py",
    },
    "docs/monitoring.md": {"training monitor": "tests/docs/test_monitoring.py"},
    "docs/operate.md": {"training train": "tests/docs/test_guides.py"},
    "docs/registry.md": {
        "training versions": "tests/docs/test_registry.py",
        "training show": "tests/docs/test_registry.py",
        "training verify": "tests/docs/test_registry.py",
    },
    "docs/restore-the-book.md": {
        "pg_basebackup": "tests/docs/test_restore_the_book.py",
        "restore_command": "tests/docs/test_restore_the_book.py",
        "recovery.signal": "tests/docs/test_restore_the_book.py",
        "pg_ctl": "tests/docs/test_restore_the_book.py",
        "pg_isready": "tests/docs/test_restore_the_book.py",
        "pg_dumpall": "tests/docs/test_restore_the_book.py",
        "pg_dump --dbname": "tests/docs/test_restore_the_book.py",
        "CREATE DATABASE": "tests/docs/test_restore_the_book.py",
        "pg_restore": "tests/docs/test_restore_the_book.py",
        "functions.lending migrate": "tests/docs/test_restore_the_book.py",
        "functions.lending check": "tests/docs/test_restore_the_book.py",
    },
    "docs/training.md": {
        "training train --model german_credit --family logistic --family scorecard": (
            "tests/docs/test_training.py"
        ),
        "--journal var/search.log": "tests/docs/test_training.py",
        "training evaluate": "tests/docs/test_training.py",
        "training generate": "tests/docs/test_training.py",
    },
    "docs/batch.md": {
        "training generate": "tests/docs/test_batch.py",
        "--dry-run": "tests/docs/test_batch.py",
        "functions.batch score": "tests/docs/test_batch.py",
        "functions.batch verify": "tests/docs/test_batch.py",
        "/v1/batches": "tests/docs/test_batch.py",
    },
    "docs/data-pipeline.md": {
        "make pipeline": "tests/infra/local/test_pipeline.py",
        "training ingest": "tests/docs/test_data_pipeline.py",
        "training quality": "tests/docs/test_data_pipeline.py",
        "training features --day": "tests/docs/test_data_pipeline.py",
        "training warehouse check": "tests/docs/test_data_pipeline.py",
        "training features --since": "tests/docs/test_data_pipeline.py",
        "training train --model customer": "tests/docs/test_data_pipeline.py",
    },
    "docs/warehouses.md": {"training export-sql": "tests/docs/test_warehouses.py"},
    "docs/large-data.md": {
        "training generate": "tests/docs/test_large_data.py",
        "--engine stream": "tests/docs/test_large_data.py",
    },
    "docs/model-development.md": {
        "--family lightgbm --dry-run": "tests/docs/test_model_development.py",
    },
    "docs/your-own-model.md": {
        "training inspect --data loans.csv": "tests/docs/test_your_own_model.py",
        "training generate": "tests/docs/test_your_own_model.py",
        "--write-model my_loans.py": "tests/docs/test_your_own_model.py",
        "training train --model my_loans": "tests/docs/test_your_own_model.py",
        "functions.scoring": "tests/docs/test_your_own_model.py",
    },
    "docs/dashboard.md": {"make dashboard": "tests/docs/test_dashboard.py"},
    "docs/troubleshooting.md": {
        "/health/ready": "tests/docs/test_guides.py",
        "/v1/models": "tests/docs/test_guides.py",
    },
}
# What a block of each language is: run, read by a test, or for a person.
LANGUAGES = {"sh", "python", "json", "console", "sql", "hcl", "yaml", "toml", "text", "mermaid"}


def test_the_readme_is_one_page() -> None:
    assert len(README.splitlines()) <= README_LINES


def test_the_readme_says_what_runs_where() -> None:
    assert "Linux x86_64, Linux aarch64 | serve, train, operate |" in README
    assert "macOS arm64, after `brew install libomp` (for XGBoost) | train, operate |" in README
    assert "Python 3.11, 3.12 or 3.13" in README


@pytest.mark.parametrize("name", NAMES)
def test_every_shell_block_is_run_by_a_test(name: str) -> None:
    lines, parts = commands((REPOSITORY / name).read_text()), RUN.get(name, {})
    assert len(lines) == len(parts), lines
    for line, (part, runner) in zip(lines, parts.items(), strict=True):
        assert part in line
        assert (REPOSITORY / runner).exists()


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_every_other_block_says_what_it_is_and_is_sound(path: Path) -> None:
    text = path.read_text()
    assert languages(path) <= LANGUAGES
    for block in blocks(text, "console"):
        subprocess.run(["sh", "-n", "-c", block], check=True)
    for block in blocks(text, "json"):
        json.loads(block)
    for block in blocks(text, "python"):
        compile(block, str(path), "exec")


def test_the_documented_request_gets_the_documented_answer(trained_service: Server) -> None:
    [documented] = [json.loads(block) for block in blocks(README, "json")]
    [curl] = [command for command in commands(README) if command.startswith("curl ")]
    address = str(trained_service.client.base_url)
    words = shlex.split(curl.replace("http://localhost:8080", address))
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    assert list(answer) == list(documented)
    for name in set(documented) - VOLATILE:
        if isinstance(documented[name], str):
            assert answer[name] == documented[name], name
        else:
            # Another number of threads gives slightly other trees.
            assert answer[name] == pytest.approx(documented[name], rel=0.2), name


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_what_a_document_names_exists(path: Path) -> None:
    text = path.read_text()
    targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    for target in re.findall(r"`make ([a-z-]+)", text):
        assert target in targets, target
    for name in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (path.parent / name).exists(), name
    for name in re.findall(
        r"`((?:functions|models|training|infra|terraform|tests|docs)/[^`]*)`", text
    ):
        file, _, test = name.partition("::")
        assert (REPOSITORY / file).exists(), name
        defined = f'run "{test}"' if file.endswith(".hcl") else f"def {test}("
        assert not test or defined in (REPOSITORY / file).read_text(), name


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_a_link_to_a_heading_has_its_heading(path: Path) -> None:
    for file, anchor in re.findall(r"\]\(([^):#]*)#([a-z0-9_-]+)\)", path.read_text()):
        text = (path.parent / file).read_text() if file else path.read_text()
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        assert anchor in [anchor_from_heading(heading) for heading in headings], anchor


def anchor_from_heading(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_decisions_are_numbered_without_gaps_and_have_their_parts() -> None:
    records = sorted((REPOSITORY / "docs/decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        text = path.read_text()
        assert text.startswith(f"# {int(path.name[:4])}. ")
        assert all(p in text for p in ("Status: ", "**Context.**", "**Decision.**"))
        assert "**Consequences.**" in text


def test_every_guide_is_linked_from_the_readme() -> None:
    pages = {path.name for path in (REPOSITORY / "docs").glob("*.md")}
    assert {page for page in pages if f"docs/{page}" not in README} == set()


def test_a_release_has_its_date_and_nothing_follows_the_first() -> None:
    text = (REPOSITORY / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings[-1].startswith("0.1.0 - ")
    assert all(
        heading == "Unreleased" or re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d", heading)
        for heading in headings
    )
