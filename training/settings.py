"""Settings of the training commands, read from the environment."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from models.errors import DeclarationError

CGROUP = Path("/sys/fs/cgroup")
# Files with the microseconds of processor time allowed in a period, and with the period.
QUOTAS = (("cpu.max", "cpu.max"), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"))
MLFLOW_SCHEMES = ("http", "https")
REPOSITORY = Path(__file__).resolve().parent.parent
SHIPPED_SOURCES = REPOSITORY / "training" / "pipeline" / "sources.toml"
SHIPPED_LIMITS = REPOSITORY / "training" / "pipeline" / "quality.toml"
DEFAULT_STORE = (REPOSITORY / "var" / "store").as_uri()
DEFAULT_LAKE = (REPOSITORY / "var" / "lake").as_uri()
DEFAULT_WAREHOUSE = f"duckdb:///{REPOSITORY / 'var' / 'warehouse.duckdb'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSettings:
    """Where the data pipeline reads and writes.

    `addresses` and `tokens` are those of the sources, by name; both may be secrets.
    """

    source_file: Path = SHIPPED_SOURCES
    quality_file: Path = SHIPPED_LIMITS
    lake_uri: str = DEFAULT_LAKE
    warehouse_url: str = field(default=DEFAULT_WAREHOUSE, repr=False)
    warehouse_secret: str = field(default="", repr=False)
    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    feature_store_uri: str = DEFAULT_STORE


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """The model store, modules with external credit models, and the number of threads.

    `data_url` is the SQLAlchemy URL of the database of `--query`. It may have a password.
    `mlflow_tracking_uri` is the address of an MLflow server, or empty: nothing is mirrored then.
    """

    model_store: str
    credit_models: tuple[str, ...]
    threads: int
    data_url: str = field(default="", repr=False)
    mlflow_tracking_uri: str = ""
    pipeline: PipelineSettings = field(default_factory=PipelineSettings)


def settings_from_environment(environment: Mapping[str, str]) -> TrainingSettings:
    """Read the variables of training, and count the available cores.

    They are `MODEL_STORE`, `CREDIT_MODELS`, `DATA_URL`, `MLFLOW_TRACKING_URI`, and those of the
    pipeline: `PIPELINE_SOURCES`, `PIPELINE_QUALITY`, `LAKE_URI`, `WAREHOUSE_URL`,
    `WAREHOUSE_SECRET`, `FEATURE_STORE_URI`, and for each source `SOURCE_URL_NAME` and
    `SOURCE_TOKEN_NAME`.

    Raises
    ------
    DeclarationError
        If `MLFLOW_TRACKING_URI` is not the address of a server, or contains a password.
    """
    return TrainingSettings(
        model_store=_model_store(environment),
        credit_models=tuple(filter(None, environment.get("CREDIT_MODELS", "").split(","))),
        threads=count_threads(len(os.sched_getaffinity(0)), CGROUP),
        data_url=environment.get("DATA_URL", ""),
        mlflow_tracking_uri=_check_tracking_uri(environment.get("MLFLOW_TRACKING_URI", "")),
        pipeline=_read_pipeline(environment),
    )


def _read_pipeline(environment: Mapping[str, str]) -> PipelineSettings:
    return PipelineSettings(
        source_file=Path(environment.get("PIPELINE_SOURCES") or SHIPPED_SOURCES),
        quality_file=Path(environment.get("PIPELINE_QUALITY") or SHIPPED_LIMITS),
        lake_uri=environment.get("LAKE_URI") or DEFAULT_LAKE,
        warehouse_url=environment.get("WAREHOUSE_URL") or DEFAULT_WAREHOUSE,
        warehouse_secret=environment.get("WAREHOUSE_SECRET", ""),
        addresses=_read_prefixed(environment, "SOURCE_URL_"),
        tokens=_read_prefixed(environment, "SOURCE_TOKEN_"),
        feature_store_uri=environment.get("FEATURE_STORE_URI") or _model_store(environment),
    )


def _model_store(environment: Mapping[str, str]) -> str:
    return environment.get("MODEL_STORE") or DEFAULT_STORE


def _read_prefixed(environment: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        name.removeprefix(prefix).lower(): value
        for name, value in environment.items()
        if name.startswith(prefix) and value
    }


def _check_tracking_uri(uri: str) -> str:
    """Accept no password: MLflow repeats the address in its messages."""
    if not uri:
        return uri
    try:
        parts = urlsplit(uri)
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    if parts.scheme not in MLFLOW_SCHEMES or not parts.hostname:
        message = "MLFLOW_TRACKING_URI must be the http:// or https:// address of an MLflow server"
        raise DeclarationError(message)
    if "@" in parts.netloc or parts.query:
        message = (
            "MLFLOW_TRACKING_URI must not contain credentials: set MLFLOW_TRACKING_TOKEN, or "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )
        raise DeclarationError(message)
    return uri


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
