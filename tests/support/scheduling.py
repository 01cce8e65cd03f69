"""Which tests run in one process under pytest-xdist, and which begin first.

`--dist loadgroup` does nothing with pytest 9.2 (pytest-xdist issue 1386), so groups are of files.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from xdist.scheduler import LoadFileScheduling

REPOSITORY = Path(__file__).resolve().parents[2]
# Fixtures that are expensive to make, and the group of the files that name them.
GROUPS = {
    "trained_store": "trained",
    "trained_service": "trained",
    "made_run": "trained",
    "database_url": "book",
    "scoring_image": "images",
    "initialised": "terraform",
}


def group_from_file(file: str) -> str:
    """The group of a test file: of the expensive fixture that it names, or its own."""
    text = (REPOSITORY / file).read_text()
    if file.startswith("tests/terraform/"):
        return "terraform"
    return next((group for fixture, group in GROUPS.items() if fixture in text), file)


def begin_with_the_longest(files: Sequence[str]) -> list[int]:
    """Order tests, by index: groups that take minutes first, so that none of them runs last alone.

    The other files follow, those with the most tests first, which pytest-xdist does by itself.
    """
    groups = {file: group_from_file(file) for file in set(files)}
    tests = Counter(groups[file] for file in files)

    def rank(index: int) -> tuple[bool, int]:
        group = groups[files[index]]
        return group not in GROUPS.values(), -tests[group]

    return sorted(range(len(files)), key=rank)


class GroupScheduling(LoadFileScheduling):  # type: ignore[misc]  # it has no types
    """Runs the tests of a file in one process, and all files of a group in the same one."""

    def _split_scope(self, nodeid: str) -> str:
        return group_from_file(nodeid.partition("::")[0])
