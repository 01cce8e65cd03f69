"""The notebook runs from its first cell to its last, and shows what it showed when it was kept."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import REPOSITORY

NOTEBOOK = REPOSITORY / "docs" / "notebooks" / "from-file-to-score.ipynb"


def code_cells(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def outputs(cell: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """What kind of output a cell has, and its text without numbers and addresses."""
    texts = []
    for output in cell["outputs"]:
        text = "".join(output.get("text") or output.get("data", {}).get("text/plain", ""))
        texts.append((output["output_type"], re.sub(r"0x\w+|-?\d+\.?\d*", "#", text).split()))
    return texts


@pytest.mark.environments
def test_the_notebook_runs_and_shows_what_it_shows(tmp_path: Path) -> None:
    output = tmp_path / "executed.ipynb"
    command = [
        str(REPOSITORY / ".venv/bin/jupyter-execute"),
        str(NOTEBOOK),
        "--output",
        str(output),
    ]
    # Streamlit, which other tests import, chooses how pictures are drawn for every child process.
    command = ["env", "--unset=MPLBACKEND", *command]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    executed, committed = code_cells(output), code_cells(NOTEBOOK)
    assert [outputs(cell) for cell in executed] == [outputs(cell) for cell in committed]
    assert "promoted" in str(executed)


def test_no_cell_failed_and_no_path_of_a_machine_is_kept() -> None:
    cells = code_cells(NOTEBOOK)
    assert all(output["output_type"] != "error" for cell in cells for output in cell["outputs"])
    assert not re.search(r"/(tmp|work|home|root)/", NOTEBOOK.read_text())
