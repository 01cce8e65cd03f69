"""Settings of the training commands, read from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """The model store, modules with external credit models, and the number of threads."""

    model_store: str
    credit_models: tuple[str, ...]
    threads: int


def settings_from_environment(environment: Mapping[str, str]) -> TrainingSettings:
    """Read `MODEL_STORE` and `CREDIT_MODELS`. `threads` is the number of available cores."""
    return TrainingSettings(
        model_store=environment.get("MODEL_STORE") or (REPOSITORY / "var" / "store").as_uri(),
        credit_models=tuple(filter(None, environment.get("CREDIT_MODELS", "").split(","))),
        threads=len(os.sched_getaffinity(0)),
    )
