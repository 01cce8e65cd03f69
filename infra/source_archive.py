"""Write the zip that a function is deployed from: the same tree gives the same bytes."""

import argparse
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# The platform imports the target from main.py at the archive's root.
MAIN = '''"""The target of a deployment from source."""

from functions.scoring.main import scoring

__all__ = ["scoring"]
'''
FIRST_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can state
READABLE_FILE = 0o100644


def main() -> None:
    """Write the archive to `--output`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    output = parser.parse_args().output
    output.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(output, "w") as archive:
        for name, data in contents():
            entry = zipfile.ZipInfo(name, FIRST_DATE)
            entry.create_system = 3  # Unix, wherever this runs
            entry.external_attr = READABLE_FILE << 16
            archive.writestr(entry, data)  # stored: a compressor's version would show


def contents() -> list[tuple[str, bytes]]:
    """All that is let in, sorted by name."""
    files = [
        path
        for room in ("functions", "models")
        for kind in ("*.py", "*.html")
        for path in (REPOSITORY / room).rglob(kind)
    ]
    allowed = [*files, REPOSITORY / "requirements.txt"]
    members = {str(path.relative_to(REPOSITORY)): path.read_bytes() for path in allowed}
    return sorted((members | {"main.py": MAIN.encode()}).items())


if __name__ == "__main__":
    main()
