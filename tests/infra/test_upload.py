"""What `gcloud builds submit` uploads: the tree as .gcloudignore says, tested where it arrives."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.running import REPOSITORY
from tests.support.source_tree import project_files

RULES = (REPOSITORY / ".gcloudignore").read_text().splitlines()
IGNORED = [
    *(rule for rule in RULES if not rule.startswith("#")),
    *(REPOSITORY / ".gitignore").read_text().splitlines(),
]


def left_out(folder: str, names: list[str]) -> set[str]:
    """Names without a slash count everywhere, paths from the top."""
    here = Path(folder).relative_to(REPOSITORY)
    patterns = [rule.rstrip("/") for rule in IGNORED]
    everywhere = shutil.ignore_patterns(*(rule for rule in patterns if "/" not in rule))
    return everywhere(folder, names) | {name for name in names if str(here / name) in patterns}


def test_the_rules_are_gits_own_and_its_folder_stays_here() -> None:
    assert RULES == [".git", "#!include:.gitignore"]


@pytest.mark.environments
def test_the_uploaded_tree_passes_the_tests_of_the_house_and_its_documents(tmp_path: Path) -> None:
    tree = tmp_path / "workspace"
    shutil.copytree(REPOSITORY, tree, ignore=left_out)
    assert (tree / ".gitignore").is_file()
    assert not {".git", ".venv", "var"} & {path.name for path in tree.iterdir()}
    docs = ("test_what_a_document_names_exists", "test_decisions_are_numbered_without_gaps")
    tests = [
        "tests/test_architecture.py",
        "tests/test_docs.py",
        "-k",
        " or ".join(("test_architecture", *docs)),
    ]
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(words, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.environments
@pytest.mark.skipif(
    not shutil.which("gcloud"), reason="gcloud is not installed: the tree was copied by our reading"
)
def test_the_real_gcloud_uploads_every_file_of_the_project(tmp_path: Path) -> None:
    words = ["env", f"CLOUDSDK_CONFIG={tmp_path}", "gcloud", "meta", "list-files-for-upload"]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    uploaded = set(done.stdout.split())
    assert uploaded >= {str(path.relative_to(REPOSITORY)) for path in project_files()}
    assert not [name for name in uploaded if name.startswith((".git/", ".venv/", "var/"))]
