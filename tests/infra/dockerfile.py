"""A Dockerfile without a container engine: its own steps, carried out in folders of their own."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.package_index import future_index
from tests.support.running import REPOSITORY, TOOLS

DOCKERFILE = REPOSITORY / "infra" / "docker" / "Dockerfile"
# What they do to Python itself would be done to this machine's.
NOT_CARRIED_OUT = ("base", "runtime")


@dataclass(frozen=True)
class Stage:
    """One `FROM` and what follows, as words and the rest of their lines."""

    name: str
    parent: str
    steps: tuple[tuple[str, str], ...]

    def arguments(self, word: str) -> list[str]:
        """What all instructions of one kind say."""
        return [rest for kind, rest in self.steps if kind == word]


def stages() -> dict[str, Stage]:
    """Every stage of the Dockerfile by name."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)
    stages_by_name = {}
    for part in re.split(r"^FROM ", text.replace("\\\n", ""), flags=re.MULTILINE)[1:]:
        heading, *lines = filter(None, part.splitlines())
        parent, name = heading.split(" AS ")
        steps = tuple((line.split(" ")[0], line.split(" ", 1)[1]) for line in lines)
        stages_by_name[name] = Stage(name, parent, steps)
    return stages_by_name


STAGES = stages()


@dataclass(frozen=True)
class Image:
    """What the steps of one target left in a folder."""

    root: Path
    target: str

    @property
    def folder(self) -> Path:
        """Where the target's own files are: its /app."""
        return self.root / self.target / "app"

    @property
    def venv(self) -> Path:
        return self.root / "venv"

    def place(self, text: str, stage: str) -> str:
        """A text of the Dockerfile with the image's paths where they are here."""
        for path, here in (
            ("/venv", self.venv),
            ("/app", self.root / stage / "app"),
            ("/tmp", self.root / "tmp"),  # noqa: S108 -- the image's own
        ):
            text = re.sub(rf"(?<![\w/]){path}\b", f"\0{here.relative_to(self.root)}", text)
        return text.replace("\0", f"{self.root}/")

    def variables(self, stage: str) -> list[str]:
        """The environment the Dockerfile gives a stage, as `env` takes it."""
        line = STAGES.get(STAGES[stage].parent)
        inherited = self.variables(line.name) if line else []
        own = [word for rest in STAGES[stage].arguments("ENV") for word in rest.split()]
        return inherited + [self.place(word, self.target) for word in own]

    def command(self, *arguments: str, **variables: str) -> list[str]:
        """How the image starts, with arguments, in its own environment alone."""
        lines = STAGES[self.target].arguments("ENTRYPOINT") or STAGES[self.target].arguments("CMD")
        return self.started(*json.loads(lines[0]), *arguments, **variables)

    def started(self, *words: str, **variables: str) -> list[str]:
        """Another command in the image, with its environment."""
        own = [word.replace("$PATH", "/usr/bin:/bin") for word in self.variables(self.target)]
        own_variables = [f"{name}={value}" for name, value in variables.items()]
        return ["env", "-i", f"--chdir={self.folder}", *own, *own_variables, *words]

    def files(self) -> dict[Path, tuple[int, int]]:
        """All that is in the image, so that a write to it shows."""
        stats = {}
        for folder in (self.folder, self.venv):
            for path in folder.rglob("*"):
                stat = path.lstat()
                stats[path] = (stat.st_mtime_ns, stat.st_size)
        return stats


def build_with(packages: Path, target: str, root: Path, tree: Path) -> Image:
    """Carry out the last stage of a target in an uploaded tree; its packages are there already."""
    image = Image(root, target)
    (root / "tmp").mkdir(parents=True)
    image.folder.mkdir(parents=True)
    (root / "venv").symlink_to(packages)
    for word, rest in STAGES[target].steps:
        if word == "COPY" and not rest.startswith("--from="):
            _copy(rest, image.folder, tree)
        elif word == "RUN":
            _run(image, STAGES[target], rest, [packages / "bin"])
    return image


def build(target: str, root: Path, pip: Path | None = None) -> Image:
    """Carry out the COPY and RUN steps of a target and of the stages it copies from.

    `pip` is a folder with another pip than Python's own. Packages come from an index that also
    offers a newer release of each.
    """
    image = Image(root, target)
    (root / "tmp").mkdir(parents=True)
    future_index(root / "index")
    tools = [folder for folder in (pip, TOOLS) if folder]
    for stage in _needed(target):
        folder = root / stage.name / "app"
        folder.mkdir(parents=True)
        for word, rest in stage.steps:
            if word == "COPY" and not rest.startswith("--from="):
                _copy(rest, folder)
            elif word == "RUN":
                _run(image, stage, rest, tools)
    subprocess.run(["chmod", "--recursive", "a-w", image.folder, image.venv], check=True)
    return image


def _run(image: Image, stage: Stage, line: str, tools: list[Path]) -> None:
    path = ":".join([*map(str, tools), "$PATH"])
    variables = [word.replace("$PATH", path) for word in image.variables(stage.name)]
    variables.append(f"PIP_EXTRA_INDEX_URL={(image.root / 'index').as_uri()}")
    exported = " ".join(f'"{variable}"' for variable in variables)
    script = f"export {exported}\n{image.place(line, stage.name)}"
    folder = image.root / stage.name / "app"
    subprocess.run(["sh", "-euc", script], cwd=folder, check=True)


def _needed(target: str) -> Iterator[Stage]:
    for copy in STAGES[target].arguments("COPY"):
        if source := re.match(r"--from=(\S+) (\S+) (\S+)$", copy):
            assert source[2] == source[3] == "/venv", "stages share the environment only"
            yield from _needed(source[1])
    assert STAGES[target].parent in NOT_CARRIED_OUT
    yield STAGES[target]


def _copy(rest: str, folder: Path, tree: Path = REPOSITORY) -> None:
    source, destination = rest.split()
    path = tree / source
    if path.is_dir():
        shutil.copytree(path, folder / destination, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(path, folder / destination)
