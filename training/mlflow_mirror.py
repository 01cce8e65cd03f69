"""A mirror of the registry in MLflow: its models, runs and aliases follow the model store.

The store stays the registry. Nothing reads the mirror, and a mirror that cannot be written never
changes what a command did.
"""

import contextlib
import importlib.util
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from models.errors import LibraryMissingError, MirrorError
from models.registry.bundle import Manifest, manifest_from_bytes
from models.registry.pointer import Pointer, find_pointer
from models.registry.store_paths import bundle_path, version_prefix
from models.registry.versions import Version, find_object, read_by_name, version_names
from models.stores.store import Store
from models.stores.uri import open_store
from training.progress import say

INSTALL = "pip install --requirement training/mlflow.txt"
VERSION_TAG = "surety.version"
CHAMPION, CHALLENGER = "champion", "challenger"
FINISHED = "FINISHED"
MOST_ATTEMPTS = 3  # to follow a pointer that moves meanwhile
MOST_CHARACTERS = 300  # of a server's message

Client = Any  # an MlflowClient, whose package may not be installed


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorTask:
    """The address of an MLflow server, empty for none, and the model and store it mirrors."""

    tracking_uri: str
    store_uri: str
    model_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedVersion:
    """What the store has of one version. `report` is empty if its report is not readable."""

    version: Version
    uri: str
    manifest: Manifest
    report: Mapping[str, Any]
    pages: Mapping[str, str]


def require_mlflow() -> None:
    """Require the package that a mirror needs.

    Raises
    ------
    LibraryMissingError
        If it is not installed.
    """
    if importlib.util.find_spec("mlflow") is None:
        message = f"MLFLOW_TRACKING_URI needs mlflow-skinny: {INSTALL}"
        raise LibraryMissingError(message)


def mirror_or_warn(task: MirrorTask, published: Iterable[str] = ()) -> None:
    """Mirror the versions that the pointer names, and `published`. A failure is one warning."""
    if not task.tracking_uri:
        return
    try:
        mirror_versions(task, published)
    except MirrorError as error:
        say(f"warning: {error}; to try again, run python -m training mirror")


def mirror_every_version(task: MirrorTask) -> int:
    """Mirror every version of the store, oldest first, and return their number.

    Raises
    ------
    MirrorError
        If MLflow or the store fails.
    """
    names = version_names(open_store(task.store_uri), task.model_name)
    mirror_versions(task, names)
    return len(names)


def mirror_versions(task: MirrorTask, published: Iterable[str] = ()) -> None:
    """Mirror the versions that the pointer names, and `published`; then set the aliases.

    A version is mirrored once. What an earlier attempt left unfinished is completed.

    Raises
    ------
    MirrorError
        If anything fails.
    """
    try:
        # MLflow prints to standard output, whose last line is a command's result.
        with contextlib.redirect_stdout(io.StringIO()):
            _follow_pointer(connect(task.tracking_uri), task, tuple(published))
    except Exception as error:  # the errors of MLflow, of its transports and of the store
        text = " ".join(str(error).split())[:MOST_CHARACTERS]
        message = f"MLflow does not mirror {task.model_name}: {type(error).__name__}: {text}"
        raise MirrorError(message) from error


def connect(tracking_uri: str) -> Client:
    """Return a client of an MLflow server. It asks nothing yet."""
    from mlflow import MlflowClient  # noqa: PLC0415 -- optional, and costs a second to import

    return MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)


def _follow_pointer(client: Client, task: MirrorTask, published: tuple[str, ...]) -> None:
    """Mirror what the pointer names, and once more if it has moved meanwhile.

    Each writer reads the pointer after its last write, so the last one leaves the latest aliases.
    """
    store = open_store(task.store_uri)
    _create_model(client, task.model_name)
    for _ in range(MOST_ATTEMPTS):
        pointer = find_pointer(store, task.model_name)
        roles = versions_from_pointer(pointer)
        names = {*published, *(v.version for v in (pointer.versions() if pointer else ()))}
        numbers = {name: _mirror_version(client, task, store, name) for name in sorted(names)}
        aliases = {alias: name and numbers[name] for alias, name in roles.items()}
        _set_aliases(client, task.model_name, aliases)
        if find_pointer(store, task.model_name) == pointer:
            return


def versions_from_pointer(pointer: Pointer | None) -> dict[str, str | None]:
    """Return the version name of each alias, or None for an alias that must not exist."""
    challenger = pointer.challenger if pointer else None
    return {
        CHAMPION: pointer.champion.version if pointer else None,
        CHALLENGER: challenger.version.version if challenger else None,
    }


def _create_model(client: Client, model_name: str) -> None:
    if not client.search_registered_models(f"name = '{model_name}'"):
        client.create_registered_model(model_name, description="Mirrored from Surety's model store")


def _set_aliases(client: Client, model_name: str, aliases: Mapping[str, str | None]) -> None:
    """Set or remove each alias. Those of other people stay."""
    before = client.get_registered_model(model_name).aliases
    for alias, number in aliases.items():
        if number is None and alias in before:
            client.delete_registered_model_alias(model_name, alias)
        elif number is not None and str(before.get(alias)) != number:
            client.set_registered_model_alias(model_name, alias, number)


def _mirror_version(client: Client, task: MirrorTask, store: Store, name: str) -> str:
    """Mirror a version as a run and a model version, and return the number of the latter."""
    experiment = _find_experiment(client, task.model_name)
    runs = client.search_runs([experiment], f"tags.`{VERSION_TAG}` = '{name}'")
    for run in runs:
        if registered := client.search_model_versions(f"run_id = '{run.info.run_id}'"):
            return str(registered[0].version)
    version = read_version(task, store, name)
    run = runs[0] if runs else _create_run(client, experiment, version)
    if run.info.status != FINISHED:
        _log_run(client, run.info.run_id, version)
    # A server refuses the path of a folder as a source, because it would have to read it.
    source = run.info.artifact_uri if version.uri.startswith("file:") else version.uri
    tags = tags_from_version(version)
    return str(
        client.create_model_version(
            *(task.model_name, source, run.info.run_id), tags=tags, await_creation_for=0
        ).version
    )


def _find_experiment(client: Client, model_name: str) -> str:
    experiment = client.get_experiment_by_name(model_name)
    return str(experiment.experiment_id if experiment else client.create_experiment(model_name))


def _create_run(client: Client, experiment: str, version: PublishedVersion) -> Any:  # noqa: ANN401 -- MLflow's
    return client.create_run(
        experiment,
        start_time=_milliseconds(version),
        tags=tags_from_version(version),
        run_name=version.version.version,
    )


def _log_run(client: Client, run_id: str, version: PublishedVersion) -> None:
    from mlflow.entities import Metric, Param  # noqa: PLC0415 -- optional

    when = _milliseconds(version)
    metrics = [Metric(n, value, when, 0) for n, value in metrics_from_version(version).items()]
    parameters = [Param(n, value) for n, value in parameters_from_version(version).items()]
    client.log_batch(run_id, metrics=metrics, params=parameters)
    for file, text in version.pages.items():
        client.log_text(run_id, text, file)
    client.set_terminated(run_id, FINISHED, end_time=when)


def _milliseconds(version: PublishedVersion) -> int:
    return round(version.version.published.timestamp() * 1_000)


def read_version(task: MirrorTask, store: Store, name: str) -> PublishedVersion:
    """Read the bundle and the report of a version."""
    version, bundle = read_by_name(store, task.model_name, name)
    folder = version_prefix(task.model_name, name)
    files = {file: find_object(store, folder + file) for file in ("report.json", "report.html")}
    pages = {file: stored.data.decode() for file, stored in files.items() if stored}
    return PublishedVersion(
        version=version,
        uri=f"{task.store_uri.rstrip('/')}/{bundle_path(task.model_name, name)}",
        manifest=manifest_from_bytes(bundle),
        report=json.loads(pages.get("report.json", "{}")),
        pages=pages,
    )


def tags_from_version(version: PublishedVersion) -> dict[str, str]:
    """Return what identifies a version, and the outcome of the run that trained it."""
    identity = version.report.get("identity", {})
    return {
        VERSION_TAG: version.version.version,
        "surety.bundle": version.uri,
        "surety.sha256": version.version.sha256,
        "surety.contract_hash": version.manifest.contract_hash,
        "surety.family": version.manifest.family,
        "surety.outcome": str(version.report.get("outcome") or identity.get("outcome", "unknown")),
    }


def parameters_from_version(version: PublishedVersion) -> dict[str, str]:
    """Return the family, its hyper-parameters, the seed and the rows, as MLflow's parameters."""
    provenance = version.manifest.provenance
    hyper_parameters = version.report.get("parameters") or provenance.parameters
    shared = {
        "family": version.manifest.family,
        "seed": provenance.seed,
        "threads": provenance.threads,
        "rows": provenance.rows,
        "rows_refused": provenance.rows_refused,
        "rows_train": provenance.rows_train,
        "rows_test": provenance.rows_test,
        "bads_test": provenance.bads_test,
        "weight_column": provenance.weights.column if provenance.weights else "none",
        "data_sha256": provenance.data_sha256,
    }
    own = {f"{version.manifest.family}.{name}": hyper_parameters[name] for name in hyper_parameters}
    return {name: str(value) for name, value in (shared | own).items()}


def metrics_from_version(version: PublishedVersion) -> dict[str, float]:
    """Return every figure by a flat name: those of the test part, of training, and of the gates.

    `auc` is the figure of the test part, `auc_low` and `auc_high` are its 95 % interval, and
    `auc_train` and `auc_folds` are the figure on the training rows, seen and unseen.
    """
    figures: dict[str, float | None] = {}
    for name, estimate in version.manifest.metrics.items():
        figures |= {
            name: estimate.value,
            f"{name}_low": estimate.low,
            f"{name}_high": estimate.high,
        }
    for part in version.report.get("parts", ()):
        figures |= {f"{part['name']}_{place}": part[place] for place in ("train", "folds")}
    for gate in version.report.get("gates", ()):
        # MLflow allows no brackets: four_fifths[sex] is gate.four_fifths.sex there.
        name = gate["name"].replace("[", ".").replace("]", "")
        figures[f"gate.{name}"] = gate.get("figure")
    return {name: value for name, value in figures.items() if value is not None}
