"""`make infra-mutations`: break lines of Terraform one at a time, and count those noticed.

A broken line is noticed if a table of terraform/plans changes, if a plan or the validation fails,
or if `terraform test` fails. Tests in Python are not asked, so the share is a lower bound. The list
has lines that matter for safety, of every kind; it is not made from what the checks look at.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.terraform.mutated_lines import MUTATIONS, Mutation
from tests.terraform.plan_pages import Row, render_lifecycle
from tests.terraform.plan_tables import (
    CASES,
    MODULES,
    committed,
    initialised_copy,
    plan_everything,
    planned_document,
    rows_from,
    tables_from,
)

NOTICED_SHARE = 0.95

Rows = Mapping[tuple[str, str], set[tuple[str, Row]]]


@dataclass(frozen=True)
class Result:
    """Which check noticed a broken line; empty if none did."""

    mutation: Mutation
    noticed_by: str


def main() -> int:
    """Print a line for each mutation and the share; exit with 1 below 95 %."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="mutations whose file or kind contains this")
    options = parser.parse_args()
    chosen = [m for m in MUTATIONS if not options.only or options.only in f"{m.kind} {m.file}"]
    with tempfile.TemporaryDirectory() as folder:
        sound = initialised_copy(Path(folder) / "sound")
        documents = plan_everything(sound)
        tables = tables_from(documents, sound)
        if any(committed(name) != text for name, text in tables.items()):
            print("the tables are not what is planned: run make plan-tables first", file=sys.stderr)
            return 2
        control = sound.parent / "control"
        shutil.copytree(sound, control, symlinks=True)
        if by := notice_by_tests(control):
            print(f"nothing is broken yet, and {by} fails", file=sys.stderr)
            return 2
        rows = {case: set(rows_from(d, case[0])) for case, d in documents.items()}
        results = [judge(sound, rows, m) for m in chosen]
    noticed = [result for result in results if result.noticed_by]
    share = len(noticed) / len(results)
    print(f"{len(noticed)} of {len(results)} broken lines were noticed: {share:.1%}")
    for result in results:
        if not result.noticed_by:
            print(f"not noticed: {describe(result.mutation)}")
    return int(share < NOTICED_SHARE)


def judge(sound: Path, rows: Rows, mutation: Mutation) -> Result:
    """Break one line in a copy, and ask the checks in order of their cost."""
    started = time.monotonic()
    folder = sound.parent / "broken"
    shutil.copytree(sound, folder, symlinks=True)
    try:
        path = folder / mutation.file
        path.write_text(mutation.apply(path.read_text()))
        module = "bootstrap" if "bootstrap/" in mutation.file else ""
        by = notice_by_tables(folder, rows, module) or notice_by_tests(folder)
    finally:
        shutil.rmtree(folder)
    seconds = time.monotonic() - started
    print(f"{by or 'NOTHING':<24} {seconds:4.0f} s  {describe(mutation)}", flush=True)
    return Result(mutation, by)


def describe(mutation: Mutation) -> str:
    """Name a mutation on one line."""
    return f"[{mutation.kind}] {mutation.file}: {mutation.broken.strip()!r}"


def notice_by_tables(copy: Path, rows: Rows, module: str) -> str:
    """Name the first plan that has other lines than the committed tables, or that fails."""
    if render_lifecycle(copy / "terraform") != committed("lifecycle.md"):
        return "lifecycle.md"
    command = ["terraform", "validate"]
    done = subprocess.run(command, cwd=copy / MODULES[module], capture_output=True, check=False)
    if done.returncode:
        return "validate"
    cases = [case for case in CASES if case[0] == module]
    for _, plan in sorted(cases, key=lambda case: case[1].name != "everything"):
        try:
            document = planned_document(copy, module, plan)
        except RuntimeError:
            return f"plan {plan.name} fails"
        if set(rows_from(document, module)) != rows[module, plan.name]:
            return f"table, {plan.name}"
    return ""


def notice_by_tests(copy: Path) -> str:
    """Name the module whose `terraform test` fails."""
    (copy / "terraform" / "placeholder_override.tf").unlink()
    (copy / "terraform" / "bootstrap" / "number_override.tf").unlink()
    for module in ("terraform", "terraform/bootstrap"):
        command = ["terraform", "test"]
        if subprocess.run(command, cwd=copy / module, capture_output=True, check=False).returncode:
            return f"test of {module}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
