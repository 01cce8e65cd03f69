"""Settings of the training commands, read from the environment."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
# Files with the microseconds of processor time allowed in a period, and with the period.
QUOTAS = (("cpu.max", "cpu.max"), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"))
REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """The model store, modules with external credit models, and the number of threads.

    `data_url` is the SQLAlchemy URL of the database of `--query`. It may have a password.
    """

    model_store: str
    credit_models: tuple[str, ...]
    threads: int
    data_url: str = field(default="", repr=False)


def settings_from_environment(environment: Mapping[str, str]) -> TrainingSettings:
    """Read `MODEL_STORE`, `CREDIT_MODELS` and `DATA_URL`, and count the available cores."""
    return TrainingSettings(
        model_store=environment.get("MODEL_STORE") or (REPOSITORY / "var" / "store").as_uri(),
        credit_models=tuple(filter(None, environment.get("CREDIT_MODELS", "").split(","))),
        threads=count_threads(len(os.sched_getaffinity(0)), CGROUP),
        data_url=environment.get("DATA_URL", ""),
    )


def count_threads(cores: int, cgroup: Path) -> int:
    """Return how many threads can run at once: the cores, or the quota of the container if lower.

    The quota is that of the folder's control group, version 2 (`cpu.max`) or 1.
    """
    for quota_file, period_file in QUOTAS:
        try:
            quota = (cgroup / quota_file).read_text().split()
            period = (cgroup / period_file).read_text().split()
        except OSError:
            continue
        if quota and quota[0] not in ("max", "-1"):
            return max(1, min(cores, math.ceil(int(quota[0]) / int(period[-1]))))
    return cores
