"""Copy the modules that `credit_models` names into a tree that is to be built.

What stands in own_models/ already is left as it is; the rest is searched on PYTHONPATH. Only
Python and JSON files are copied, and sources.json says where from: commit and digest.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
KINDS = (".py", ".json")


class SourceError(Exception):
    """A module cannot be released as it is."""


def main() -> int:
    """0: every module is there. 2: one is not, or is not what its repository holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variables", type=Path, required=True, help="the environment's tfvars")
    parser.add_argument("--into", type=Path, required=True)
    options = parser.parse_args()
    search = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    folders = [Path(folder).resolve() for folder in search if folder]
    try:
        sources = {
            name: copy_package(name, [f for f in folders if f != REPOSITORY], options.into)
            for name in packages_from(options.variables.read_text())
            if not any((options.into / f"{name}{kind}").exists() for kind in ("", ".py"))
            and not (REPOSITORY / name).is_dir()
        }
    except SourceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if sources:
        (options.into / "sources.json").write_text(json.dumps(sources, indent=2) + "\n")
    return 0


def packages_from(variables: str) -> list[str]:
    """The first names of the modules in credit_models, which may stand on several lines."""
    text = re.sub(r"(#|//).*", "", variables)
    stated = re.search(r"^credit_models\s*=\s*\[([^\]]*)\]", text, re.MULTILINE)
    modules = re.findall(r'"([^"]+)"', stated[1]) if stated else []
    return sorted({module.partition(".")[0] for module in modules})


def copy_package(name: str, folders: list[Path], into: Path) -> dict[str, str]:
    """Copy a package, or a module and the examples beside it; say what was copied."""
    for folder in folders:
        package, module = folder / name, folder / f"{name}.py"
        if package.is_dir():
            files = [path for path in package.rglob("*") if path.suffix in KINDS]
        elif module.is_file():
            files = [module, *(folder / "examples").glob("*.json")]
        else:
            continue
        return copy_files(sorted(files), folder, into)
    message = (
        f"credit_models names {name}, which is neither in own_models/ nor in a folder of PYTHONPATH"
    )
    raise SourceError(message)


def copy_files(files: list[Path], folder: Path, into: Path) -> dict[str, str]:
    """Copy files to where they are below a folder."""
    digest = hashlib.sha256()
    for path in files:
        target = into / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return {"commit": commit_from(files, folder), "sha256": digest.hexdigest()}


def commit_from(files: list[Path], folder: Path) -> str:
    """The commit that these files are of; empty where no repository holds them."""
    git = ["git", "-C", str(folder)]
    head = subprocess.run(  # noqa: S603 -- fixed words
        [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    if head.returncode:
        return ""
    status = [*git, "status", "--porcelain", "--", *map(str, files)]
    changed = subprocess.run(status, capture_output=True, text=True, check=True).stdout  # noqa: S603 -- likewise
    if changed:
        message = f"files in {folder} differ from their commit; commit them first:\n{changed}"
        raise SourceError(message)
    return head.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
