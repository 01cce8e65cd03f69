"""Settings of the scoring function, read once from the environment and checked as a whole."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from functions.access.settings import Access, access_from
from functions.web.environment import parse_default_model, store_uri_from_environment
from functions.web.settings import (
    MAX_PORT,
    REPOSITORY,
    Faults,
    Listening,
    Tracing,
    Variable,
    listening_from,
    parse_number,
    reject_wrong_settings,
    split_list,
    tracing_from,
    try_reading,
)
from models.discovery import Catalogue, credit_models
from models.evidence.hash_chain import MIN_KEY_CHARACTERS, Seal
from models.stores.store import Store
from models.stores.uri import open_store

DEFAULT_PORT = 8080
REFRESH_SECONDS = 60.0
FEATURE_MAX_AGE_DAYS = 2
MOST_AGE_DAYS = 31
ROUTE = re.compile(r"(/[A-Za-z0-9._~:-]+)+")

MODEL_VARIABLES = (
    Variable(
        "MODEL_STORE",
        "`var/store` of the clone",
        "Where models are: `file:///path`, `gs://bucket/prefix` or `s3://bucket/prefix`. "
        "Credentials are found as google-auth and boto3 find them; `AWS_ENDPOINT_URL_S3` names "
        "an S3 service other than Amazon's.",
    ),
    Variable(
        "DEFAULT_MODEL",
        "`application`",
        "The model that answers where a contract names none, such as `/predict`.",
    ),
    Variable(
        "CREDIT_MODELS", "none", "Python modules that declare more models, separated by commas."
    ),
    Variable(
        "MODEL_REFRESH_SECONDS",
        f"`{REFRESH_SECONDS:g}`",
        "Age of the pointer, in seconds, from which a request starts a refresh.",
    ),
)
FEATURE_VARIABLES = (
    Variable(
        "FEATURE_STORE_URI",
        "none",
        "Where `python -m training snapshot` publishes features of applicants, in the form of "
        "`MODEL_STORE`. With it, a row of `:predict` may be an identifier alone.",
    ),
    Variable(
        "FEATURE_MAX_AGE_DAYS",
        f"`{FEATURE_MAX_AGE_DAYS}`",
        "The oldest snapshot that is still used, in days. If there is none, such a row is "
        "answered with 503.",
    ),
)
EVIDENCE_VARIABLES = (
    Variable(
        "DECISION_LOG",
        "`stdout`",
        "Where decision records go: `stdout`, `off`, or a file. A decision that cannot be "
        "recorded is not returned.",
    ),
    Variable(
        "DECISION_LOG_KEY",
        "none",
        f"Secret of at least {MIN_KEY_CHARACTERS} characters that the chain of records is keyed "
        "with; after a space, older keys that `audit` still reads. Without a key anyone could "
        "rebuild the chain undetected, and no record can be found by applicant.",
    ),
    Variable(
        "DECISION_ANCHOR_STORE",
        "none",
        "Where ends of chains are anchored, in the form of `MODEL_STORE`: a place where scoring "
        "may create objects and nobody may replace them.",
    ),
)
VERTEX_VARIABLES = (
    Variable("AIP_HTTP_PORT", "none", "Set by Vertex AI: the port to listen on."),
    Variable("AIP_HEALTH_ROUTE", "none", "Set by Vertex AI: the path of its health checks."),
    Variable("AIP_PREDICT_ROUTE", "none", "Set by Vertex AI: the path of its predictions."),
    Variable("AIP_STORAGE_URI", "none", "Set by Vertex AI: the store if `MODEL_STORE` is not set."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VertexRoutes:
    """Paths that Vertex AI calls; None where it names none."""

    health: str | None = None
    predict: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSettings:
    """What reading a decision log needs. The first seal makes new records, all read old ones."""

    store: Store
    catalogue: Catalogue
    seals: tuple[Seal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringSettings(EvidenceSettings):
    """Everything that may differ between two deployments.

    `decision_log` is `stdout`, `off`, or the path of a file.
    """

    listening: Listening
    access: Access
    default_model: str
    decision_log: str
    anchor_store: Store | None
    model_refresh_seconds: float
    feature_store: Store | None = None
    feature_max_age_days: int = FEATURE_MAX_AGE_DAYS
    vertex: VertexRoutes = VertexRoutes()
    tracing: Tracing = field(default_factory=Tracing)


def read_settings() -> ScoringSettings:
    """Read the settings of this process."""
    return settings_from(os.environ)


def read_evidence_settings() -> EvidenceSettings:
    """Read `MODEL_STORE`, `CREDIT_MODELS` and `DECISION_LOG_KEY`; errors as `settings_from`."""
    evidence, faults = _evidence_settings(os.environ)
    reject_wrong_settings(faults)
    return evidence


def settings_from(environment: Mapping[str, str]) -> ScoringSettings:
    """Read and check all settings.

    Raises
    ------
    DeclarationError
        If any is wrong: the message names every faulty variable.
    """
    environment, port_faults = _with_vertex_port(environment)
    evidence, evidence_faults = _evidence_settings(environment)
    listening, listening_faults = listening_from(environment, DEFAULT_PORT)
    access, access_faults = access_from(environment, listening)
    refresh = environment.get("MODEL_REFRESH_SECONDS", "")
    seconds, refresh_faults = parse_number("MODEL_REFRESH_SECONDS", refresh)
    anchors, anchor_faults = _optional_store(
        "DECISION_ANCHOR_STORE", environment.get("DECISION_ANCHOR_STORE", "")
    )
    features, feature_faults = _optional_store(
        "FEATURE_STORE_URI", environment.get("FEATURE_STORE_URI", "")
    )
    max_age, age_faults = _feature_age(environment.get("FEATURE_MAX_AGE_DAYS", ""))
    tracing, tracing_faults = tracing_from(environment)
    vertex, vertex_faults = _vertex_routes(environment)
    default_model, model_faults = parse_default_model(environment, evidence.catalogue)
    reject_wrong_settings(
        [
            *(*port_faults, *evidence_faults, *listening_faults, *access_faults),
            *(*refresh_faults, *anchor_faults, *vertex_faults, *model_faults),
            *(*tracing_faults, *feature_faults, *age_faults),
        ]
    )
    return ScoringSettings(
        store=evidence.store,
        catalogue=evidence.catalogue,
        seals=evidence.seals,
        listening=listening,
        access=access,
        default_model=default_model,
        decision_log=environment.get("DECISION_LOG") or "stdout",
        anchor_store=anchors,
        model_refresh_seconds=REFRESH_SECONDS if seconds is None else seconds,
        feature_store=features,
        feature_max_age_days=max_age,
        vertex=vertex,
        tracing=tracing,
    )


def _evidence_settings(environment: Mapping[str, str]) -> tuple[EvidenceSettings, Faults]:
    modules = split_list(environment.get("CREDIT_MODELS", ""))
    catalogue, catalogue_faults = try_reading(
        "CREDIT_MODELS", partial(credit_models, modules), credit_models()
    )
    embedded = (REPOSITORY / "var" / "store").as_uri()
    name = "MODEL_STORE" if environment.get("MODEL_STORE") else "AIP_STORAGE_URI"
    uri = store_uri_from_environment(environment) or embedded
    store, store_faults = try_reading(name, partial(open_store, uri), open_store(embedded))
    seals, seal_faults = _seals(environment.get("DECISION_LOG_KEY", ""))
    settings = EvidenceSettings(store=store, catalogue=catalogue, seals=seals)
    return settings, [*catalogue_faults, *store_faults, *seal_faults]


def _with_vertex_port(environment: Mapping[str, str]) -> tuple[Mapping[str, str], Faults]:
    """Listen where Vertex AI calls, on every address, as any of its containers must."""
    port = environment.get("AIP_HTTP_PORT")
    if not port:
        return environment, []
    if not (re.fullmatch("[0-9]{1,5}", port) and 1 <= int(port) <= MAX_PORT):
        rule = f"must be a number from 1 to {MAX_PORT}, not {port!r}"
        return environment, [f"AIP_HTTP_PORT: {rule}"]
    return {"HOST": "0.0.0.0", **environment, "PORT": port}, []  # noqa: S104 -- a container must


def _vertex_routes(environment: Mapping[str, str]) -> tuple[VertexRoutes, Faults]:
    health = environment.get("AIP_HEALTH_ROUTE") or None
    predict = environment.get("AIP_PREDICT_ROUTE") or None
    faults = [
        f"{name}: must be a path such as /predict, not {path!r}"
        for name, path in (("AIP_HEALTH_ROUTE", health), ("AIP_PREDICT_ROUTE", predict))
        if path and not ROUTE.fullmatch(path)
    ]
    return VertexRoutes(health=health, predict=predict), faults


def _optional_store(name: str, uri: str) -> tuple[Store | None, Faults]:
    if not uri:
        return None, []
    return try_reading(name, partial(open_store, uri), None)


def _feature_age(text: str) -> tuple[int, Faults]:
    if not text:
        return FEATURE_MAX_AGE_DAYS, []
    if not (re.fullmatch("[0-9]{1,2}", text) and int(text) <= MOST_AGE_DAYS):
        rule = f"must be a number of days from 0 to {MOST_AGE_DAYS}, not {text!r}"
        return FEATURE_MAX_AGE_DAYS, [f"FEATURE_MAX_AGE_DAYS: {rule}"]
    return int(text), []


def _seals(text: str) -> tuple[tuple[Seal, ...], Faults]:
    keys = text.split()
    seals = tuple(Seal(key) for key in keys) or (Seal(),)
    if any(len(key) < MIN_KEY_CHARACTERS for key in keys):
        # Never the key itself: this is printed.
        return seals, [f"DECISION_LOG_KEY: a key has at least {MIN_KEY_CHARACTERS} characters"]
    return seals, []
