"""What is locked: the pins of exported requirement files, and the wheels that uv.lock names.

`python tests/support/lock.py` prints which platforms can serve, train, operate and test.
"""

import re
import subprocess
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import canonicalize_name, parse_wheel_filename

REPOSITORY = Path(__file__).resolve().parents[2]
UV = str(REPOSITORY / ".uv" / "bin" / "uv")
PYTHONS = ("3.11", "3.12", "3.13")
OLDEST_GLIBC, NEWEST_GLIBC = 5, 35  # 2.5 is what manylinux1 asks for, 2.35 is Ubuntu 22.04's
LEGACY_GLIBC = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
MACOS = (14, 0)


@dataclass(frozen=True, slots=True)
class Platform:
    """A machine that packages are installed on, as markers and as wheels' names describe it."""

    title: str
    markers: Mapping[str, str]
    wheel_platforms: tuple[str, ...]

    def environment(self, python: str) -> dict[str, str]:
        """What a marker is evaluated against."""
        return {
            **self.markers,
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
            "python_version": python,
            "python_full_version": f"{python}.9",
            "extra": "",
        }

    def tags(self, python: str) -> frozenset[Tag]:
        """Every tag of a wheel that can be installed here."""
        major, minor = map(int, python.split("."))
        platforms = self.wheel_platforms
        own = cpython_tags((major, minor), platforms=platforms)
        return frozenset(
            chain(own, compatible_tags((major, minor), f"cp{major}{minor}", platforms))
        )


def linux(machine: str) -> Platform:
    """Linux with glibc on one kind of processor."""
    names = [f"linux_{machine}"]
    for minor in range(OLDEST_GLIBC, NEWEST_GLIBC + 1):
        names.append(f"manylinux_2_{minor}_{machine}")
        names += [f"{LEGACY_GLIBC[minor]}_{machine}"] if minor in LEGACY_GLIBC else []
    markers = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": machine}
    return Platform(f"Linux {machine}", markers | {"os_name": "posix"}, tuple(names))


def macos(machine: str) -> Platform:
    """macOS on one kind of processor."""
    markers = {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": machine}
    names = tuple(mac_platforms(MACOS, machine))
    return Platform(f"macOS {machine}", markers | {"os_name": "posix"}, names)


PLATFORMS = (linux("x86_64"), linux("aarch64"), macos("arm64"))


def exported(*options: str, project: Path = REPOSITORY) -> str:
    """Requirements as `infra/lock.sh` exports them."""
    words = [UV, "export", "--quiet", "--frozen", "--no-header", "--no-annotate"]
    words += ["--no-emit-project", "--no-default-groups", *options]
    done = subprocess.run(words, cwd=project, capture_output=True, text=True, check=True)
    return done.stdout


@dataclass(frozen=True, slots=True)
class Pin:
    """One requirement of an exported file."""

    requirement: Requirement
    hashes: frozenset[str]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        [specifier] = self.requirement.specifier
        assert specifier.operator == "=="
        return specifier.version

    def applies(self, environment: Mapping[str, str] | None = None) -> bool:
        """Whether its marker holds: here, or in another environment."""
        marker = self.requirement.marker
        if marker is None:
            return True
        return marker.evaluate() if environment is None else marker.evaluate(dict(environment))


def pins_from_text(text: str) -> list[Pin]:
    """Every requirement of a file that `uv export` wrote, in order."""
    lines = re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", "").splitlines()
    pins = []
    for line in filter(str.strip, lines):
        requirement, *hashes = re.split(r"\s+--hash=", line.strip())
        pins.append(Pin(Requirement(requirement), frozenset(hashes)))
    return pins


def wheels_from_lock(project: Path = REPOSITORY) -> dict[tuple[str, str], list[str]]:
    """The file names of the wheels of every package and version in a project's uv.lock."""
    locked = tomllib.loads((project / "uv.lock").read_text())
    return {
        (package["name"], package["version"]): [
            wheel["url"].rsplit("/", 1)[1] for wheel in package.get("wheels", [])
        ]
        for package in locked["package"]
        if "registry" in package["source"]
    }


def pins_without_wheel(pins: Sequence[Pin], platform: Platform, python: str) -> Iterator[str]:
    """Names of the packages that would have to be compiled on a platform."""
    wheels, tags = wheels_from_lock(), platform.tags(python)
    for pin in pins:
        if pin.applies(platform.environment(python)):
            names = wheels[pin.name, pin.version]
            if not any(parse_wheel_filename(name)[3] & tags for name in names):
                yield pin.name


SETS: dict[str, tuple[str, ...]] = {
    "serve": (),
    "train, operate": ("--group", "training"),
    "mirror in MLflow": ("--only-group", "mlflow"),
    "train with Dask": ("--only-group", "dask"),
    "test": ("--group", "tests"),
}


def support_table() -> dict[str, dict[str, dict[str, list[str]]]]:
    """By platform, set and Python: the packages that have no wheel there."""
    pins = {name: pins_from_text(exported(*options)) for name, options in SETS.items()}
    return {
        platform.title: {
            name: {
                python: list(pins_without_wheel(pins[name], platform, python)) for python in PYTHONS
            }
            for name in SETS
        }
        for platform in PLATFORMS
    }


def main() -> None:
    """Print the table as Markdown."""
    print("| | " + " | ".join(SETS) + " |")
    print("|---" * (len(SETS) + 1) + "|")
    for title, sets in support_table().items():
        cells = []
        for lacking in sets.values():
            ready = ", ".join(python for python in PYTHONS if not lacking[python])
            names = sorted(set(chain(*lacking.values())))
            cells.append(ready + (f" (no wheel: {', '.join(names)})" if names else ""))
        print(f"| {title} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
