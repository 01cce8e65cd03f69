"""A package index made of tiny wheels, and the pips that install from it."""

import base64
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from packaging.utils import canonicalize_name

from tests.support.lock import UV, Pin, wheels_from_lock

FUTURE = "9999.0"
OLDEST_PIP = "23.2.1"  # what Python 3.11 was shipped with
FIRST_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class PackageIndex:
    """A folder that pip reads as an index (PEP 503)."""

    folder: Path

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    def add(self, name: str, version: str, requirements: Sequence[str] = ()) -> str:
        """Offer a release of a package that holds nothing but its metadata; return its SHA-256."""
        folder = self.folder / canonicalize_name(name)
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"{canonicalize_name(name).replace('-', '_')}-{version}"
        wheel = folder / f"{stem}-py3-none-any.whl"
        _write_wheel(wheel, stem, _metadata(name, version, requirements))
        links = (f'<a href="{path.name}">{path.name}</a>' for path in sorted(folder.glob("*.whl")))
        (folder / "index.html").write_text("<!DOCTYPE html>\n" + "<br>\n".join(links))
        return hashlib.sha256(wheel.read_bytes()).hexdigest()


def _metadata(name: str, version: str, requirements: Iterable[str]) -> str:
    lines = [f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in requirements]
    extras = set(re.findall(r"""extra == ['"]([^'"]+)""", "\n".join(lines)))
    lines += [f"Provides-Extra: {extra}" for extra in sorted(extras)]
    return "Metadata-Version: 2.1\n" + "\n".join(lines) + "\n"


def _write_wheel(path: Path, stem: str, metadata: str) -> None:
    members = {
        f"{stem}.dist-info/METADATA": metadata,
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{stem}.dist-info/RECORD"
    rows = [f"{name},{_record_hash(text)},{len(text)}" for name, text in members.items()]
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in (members | {record: "\n".join([*rows, f"{record},,"]) + "\n"}).items():
            wheel.writestr(zipfile.ZipInfo(name, FIRST_DATE), text)


def _record_hash(text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
    return "sha256=" + digest.decode().rstrip("=")


def future_index(folder: Path) -> PackageIndex:
    """An index that offers a newer release of everything that is locked, and of uv."""
    index = PackageIndex(folder)
    for name in {name for name, _ in wheels_from_lock()} | {"uv"}:
        index.add(name, FUTURE)
    return index


def stand_in_requirements(index: PackageIndex, pins: Iterable[Pin]) -> str:
    """The same requirements with the hashes of stand-ins, which an index then offers.

    A stand-in has the name, the version and the dependencies of the package that is installed
    here, and nothing else: resolving the requirements takes seconds and no network.
    """
    lines = []
    for pin in pins:
        needs = installed_requirements(pin.name) if pin.applies() else []
        lines.append(f"{pin.requirement} --hash=sha256:{index.add(pin.name, pin.version, needs)}")
    return "\n".join(lines) + "\n"


def installed_requirements(name: str) -> list[str]:
    """What an installed package asks for: of this environment, or of the one that holds uv."""
    path = [*sys.path, *map(str, Path(UV).parents[1].glob("lib/*/site-packages"))]
    distribution = next(iter(distributions(name=name, path=path)))
    return distribution.requires or []


@dataclass(frozen=True, slots=True)
class Pip:
    """One version of pip in a folder of its own, run by this Python."""

    folder: Path

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one command; `variables` are added to the environment."""
        return subprocess.run(
            [sys.executable, "-m", "pip", "--disable-pip-version-check", *words],
            env={**os.environ, "PYTHONPATH": str(self.folder), **variables},
            capture_output=True,
            text=True,
            check=False,
        )


def install_pip(folder: Path, requirement: str) -> Pip:
    """Fetch a version of pip."""
    words = [UV, "pip", "install", "--quiet", "--python", sys.executable, "--target", str(folder)]
    subprocess.run([*words, requirement], check=True)
    return Pip(folder)


def offline(index: PackageIndex) -> dict[str, str]:
    """The environment of a pip that knows one index and no configuration of this machine."""
    return {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": index.url,
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_NO_CACHE_DIR": "1",
    }
