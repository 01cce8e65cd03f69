"""The environment of a training run, read once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where models are published, which modules bring further ones, and the cores to use."""

    model_store: str
    credit_models: tuple[str, ...]
    threads: int


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Read `MODEL_STORE` and `CREDIT_MODELS`; the process's own cores set the threads."""
    return Settings(
        model_store=environment.get("MODEL_STORE") or (REPOSITORY / "var" / "store").as_uri(),
        credit_models=tuple(filter(None, environment.get("CREDIT_MODELS", "").split(","))),
        threads=len(os.sched_getaffinity(0)),
    )
