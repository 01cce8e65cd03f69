"""The comparison of two published versions, from their reports and on rows of a file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from models.contract import CreditModel, name_from_model
from models.errors import DataError, ObjectMissingError
from models.features import columns_from_fields, matrix_from_columns
from models.registry.serving import LoadedVersion, load_version
from models.registry.store_paths import version_prefix
from models.registry.versions import read_by_name
from models.scorer import probabilities_from_log_odds
from models.stores.store import Store
from training.reading.data import DataRequest, read_data
from training.reading.row_validation import CheckedRows
from training.reporting.decisions import compare_pairwise
from training.reporting.page import build_environment

FORMAT = 2  # of the reports that are compared
Document = Mapping[str, Any]

# What explains a difference: its name, and where a report has it.
FACTS: Mapping[str, tuple[str, ...]] = {
    "outcome": ("identity", "outcome"),
    "published": ("identity", "published"),
    "family": ("manifest", "family"),
    "source of the data": ("data", "source"),
    "rows accepted": ("data", "accepted"),
    "default rate": ("data", "default_rate"),
    "sha256 of the rows": ("manifest", "provenance", "data_sha256"),
    "contract": ("reproduce", "contract_hash"),
    "sha256 of the declaration": ("reproduce", "declaration_sha256"),
    "commit": ("reproduce", "commit"),
    "seed": ("reproduce", "seed"),
    "approve below": ("manifest", "policy", "approve_below"),
    "decline from": ("manifest", "policy", "decline_from"),
    "default from": ("manifest", "default_from"),
}
RELIABILITY = ("ece", "ece_floor", "ece_floor_high", "in_the_large", "slope")


def read_report(store: Store, model_name: str, version: str) -> dict[str, Any]:
    """Read the `report.json` of a published version.

    Raises
    ------
    RegistryError
        If the name is not one of a version, or there is no such version.
    DataError
        If it has no report, or one of another format.
    """
    read_by_name(store, model_name, version)
    try:
        data = store.read(version_prefix(model_name, version) + "report.json").data
        document: dict[str, Any] = json.loads(data)
    except (ObjectMissingError, ValueError) as error:
        message = f"{model_name} {version}: it has no readable report.json; train it again"
        raise DataError(message) from error
    if document.get("format") != FORMAT:
        message = (
            f"{model_name} {version}: its report.json has format {document.get('format')} and "
            f"not {FORMAT}; train it again"
        )
        raise DataError(message)
    return document


def compare_versions(
    store: Store, model: type[CreditModel], versions: tuple[str, str], rows: DataRequest | None
) -> dict[str, Any]:
    """Compare an old and a new version. Every difference is the new version minus the old one.

    Errors are those of `read_report`, and of reading the rows and loading the versions.
    """
    name = name_from_model(model)
    old, new = (read_report(store, name, version) for version in versions)
    return {
        "format": FORMAT,
        "model": name,
        "old": old["identity"] | {"version": versions[0]},
        "new": new["identity"] | {"version": versions[1]},
        "facts": _compare_facts(old, new),
        "figures": _compare_figures(old, new),
        "gates": _compare_gates(old, new),
        "decisions": _compare_by_name(old["decisions"], new["decisions"], "decisions", "share"),
        "importances": _compare_importances(old, new),
        "paired": _compare_on_rows(store, model, versions, rows) if rows else None,
    }


def render_comparison(document: Document) -> str:
    """Render the page of a comparison from its document alone."""
    page: str = (
        build_environment()
        .get_template("comparison.html")
        .render(document, paired_result=document["paired"])
    )
    return page


def _compare_facts(old: Document, new: Document) -> list[dict[str, Any]]:
    facts = []
    for name, path in FACTS.items():
        first, second = _look_up(old, path), _look_up(new, path)
        facts.append({"name": name, "old": first, "new": second, "is_equal": first == second})
    return facts


def _look_up(document: Document, path: Sequence[str]) -> Any:  # noqa: ANN401 -- any JSON
    value: Any = document
    for member in path:
        value = value[member]
    return value


def _compare_figures(old: Document, new: Document) -> list[dict[str, Any]]:
    pairs = {
        name: (old["manifest"]["metrics"][name]["value"], figure["value"])
        for name, figure in new["manifest"]["metrics"].items()
        if name in old["manifest"]["metrics"]
    }
    pairs |= {
        name: (old["manifest"]["reliability"][name], new["manifest"]["reliability"][name])
        for name in RELIABILITY
    }
    return [_pair(name, first, second) for name, (first, second) in pairs.items()]


def _pair(name: str, old: float, new: float) -> dict[str, Any]:
    return {"name": name, "old": old, "new": new, "difference": new - old}


def _compare_gates(old: Document, new: Document) -> list[dict[str, Any]]:
    first, second = ({gate["name"]: gate for gate in d["gates"]} for d in (old, new))
    return [
        {"name": name, "old": first.get(name), "new": second.get(name)}
        for name in dict.fromkeys((*first, *second))
    ]


def _compare_by_name(
    old: Document, new: Document, member: str, figure: str
) -> list[dict[str, Any]]:
    before = {group["name"]: group for group in old[member]}
    return [
        _pair(group["name"], before[group["name"]][figure], group[figure])
        | {
            "old_default_rate": before[group["name"]]["default_rate"],
            "new_default_rate": group["default_rate"],
        }
        for group in new[member]
        if group["name"] in before
    ]


def _compare_importances(old: Document, new: Document) -> list[dict[str, Any]]:
    first, second = (
        {one["field"]: one["share"] for one in d["explanations"]["importances"]} for d in (old, new)
    )
    names = dict.fromkeys((*second, *first))
    return [_pair(name, first.get(name, 0.0), second.get(name, 0.0)) for name in names]


def _compare_on_rows(
    store: Store, model: type[CreditModel], versions: tuple[str, str], rows: DataRequest
) -> dict[str, Any]:
    """Score the same rows with both versions."""
    data = read_data(model, rows)
    checked = data.rows
    if len(np.unique(checked.labels)) < 2:  # noqa: PLR2004 -- both outcomes
        message = f"{data.source}: a comparison needs defaults and non-defaults; it has only one"
        raise DataError(message)
    name = name_from_model(model)
    old, new = (
        load_version(store, model, read_by_name(store, name, version)[0]) for version in versions
    )
    probabilities = [_score(loaded, checked) for loaded in (new, old)]
    policies = [loaded.scorer.policy for loaded in (new, old)]
    cutoffs = policies[0].approve_below, policies[1].approve_below
    figures = compare_pairwise(
        (checked.labels, checked.special.weights),
        probabilities[0],
        probabilities[1],
        new.scorer.scale,
        cutoffs,
    )
    return asdict(figures) | {"source": data.source, "refused": checked.refused}


def _score(loaded: LoadedVersion, rows: CheckedRows) -> Any:  # noqa: ANN401 -- an array
    model = loaded.scorer.model
    matrix = matrix_from_columns(model, columns_from_fields(model, rows.columns))
    return probabilities_from_log_odds(loaded.scorer.log_odds_from_matrix(matrix))
