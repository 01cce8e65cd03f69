"""What Cloud Run would start, read from the files that say so: Dockerfile and Terraform."""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.support.running import REPOSITORY

Target = Literal["lending", "scoring", "training"]
DOCKERFILE = (REPOSITORY / "infra/docker/Dockerfile").read_text()
TERRAFORM = (REPOSITORY / "terraform" / "training.tf").read_text()
LENDING_JOBS = (REPOSITORY / "terraform" / "lending_jobs.tf").read_text()


@dataclass(frozen=True, slots=True)
class Image:
    """The command of a target, and its variables where this repository is the container's /app."""

    command: list[str]
    environment: dict[str, str]


def image_from_dockerfile(target: Target) -> Image:
    """Read one target of the Dockerfile and the stages below it."""
    text = ""
    name: str | None = target
    while name and (match := re.search(rf"^FROM (\S+) AS {name}\n", DOCKERFILE, re.MULTILINE)):
        text = DOCKERFILE[match.end() :].partition("\nFROM ")[0] + "\n" + text
        name = match[1]
    [line] = re.findall(r"^(?:CMD|ENTRYPOINT) (\[.*\])$", text, re.MULTILINE)
    python, *words = json.loads(line)
    assert python == "python"
    declared = re.findall(r"^ENV ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    environment = dict(re.findall(r"(\w+)=(\S+)", " ".join(declared)))
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    here = {"PYTHONPATH": str(REPOSITORY), "PATH": path}
    return Image([sys.executable, *words], environment | here)


def max_retries() -> int:
    """How often the platform starts a failed training task again."""
    [count] = re.findall(r"max_retries\s*=\s*(\d+)", TERRAFORM)
    return int(count)


def training_arguments(model: str, data: str) -> list[str]:
    """What Terraform gives the training job of a model that has data of its own."""
    [declared] = re.findall(
        r'\["train", "--model", name\],\s*model\.data == null \? \[\] : (\[.*?\])',
        TERRAFORM,
    )
    assert declared == '["--data", model.data]'
    return ["train", "--model", model, "--data", data]


def lending_arguments(job: str) -> list[str]:
    """What Terraform gives a job of the loan book, up to what it computes."""
    pattern = rf"^      {job} = {{\n(?:        .*\n)*?        args\s*= (?:concat\(\s*)?\[(.*)\]"
    [declared] = re.findall(pattern, LENDING_JOBS, re.MULTILINE)
    [literals] = re.findall(r'^(?:"[^"]*"(?:, )?)+', declared)
    return re.findall(r'"([^"]*)"', literals)
