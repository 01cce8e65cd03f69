"""What tests read from Markdown: code blocks, tables, text without its line breaks."""

import re
from pathlib import Path

from tests.support.running import REPOSITORY

DOCS = REPOSITORY / "docs"


def page(name: str) -> str:
    """Text of a page of docs/."""
    return (DOCS / f"{name}.md").read_text()


def normalised(text: str) -> str:
    """Text with all white space as single blanks: where a line breaks is no fact."""
    return " ".join(text.split())


def blocks(text: str, language: str) -> list[str]:
    """Code blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(text: str, language: str = "sh") -> list[str]:
    """Lines of all shell blocks."""
    return [line for block in blocks(text, language) for line in block.splitlines()]


def rows(text: str) -> list[list[str]]:
    """Cells of every row of every table, without headings."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    rules = [i for i, line in enumerate(cells) if set(line[0]) <= set("-:")]
    return [row for i, row in enumerate(cells) if i not in rules and i + 1 not in rules]


def languages(path: Path) -> set[str]:
    """Languages of a page's code blocks; the empty one is a block that names none."""
    fences = re.findall(r"^```(\w*)$", path.read_text(), re.MULTILINE)
    return set(fences[::2])
