"""The registry from the shell: look at versions, and move the pointer that names the champion."""

import argparse
import getpass
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.contract import CreditModel, name_from_model
from models.discovery import credit_models, find_model
from models.errors import ModelRefusedError, ObjectMissingError, RegistryError
from models.registry.bundle import bundle_from_bytes
from models.registry.pointer import (
    Author,
    Challenger,
    Pointer,
    challenge,
    find_pointer,
    promote,
    prune,
    retire,
    roll_back,
)
from models.registry.versions import Version, read_by_name, version_names
from models.stores.store import Store
from models.stores.uri import open_store
from training.comparison import DECISIONS, QUANTILES, compare_variants
from training.isolated_load import load_in_isolation
from training.settings import Settings

WIDTH = 200

Run = Callable[[argparse.Namespace, Settings], None]


def add_commands(commands: Any, settings: Settings) -> None:  # noqa: ANN401 -- argparse hides its type
    """Add every command of the registry to the parser's subcommands."""

    def command(name: str, run: Run, text: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
        parser.set_defaults(run=run)
        parser.add_argument("--model", required=True, help="its name in the catalogue")
        parser.add_argument("--store", default=settings.model_store, help="model store URI")
        return parser

    command("versions", _versions, "list the versions of a model")
    shown = command("show", _show, "show one version, the champion by default")
    shown.add_argument("--version")
    promoted = command("promote", _promote, "make a version the champion")
    promoted.add_argument("--version", required=True)
    command("rollback", _roll_back, "make the previous champion the champion again")
    challenged = command("challenge", _challenge, "let a version answer a share of requests")
    challenged.add_argument("--version", required=True)
    challenged.add_argument("--share", type=_share, default=0.1, help="default %(default)s")
    compared = command("compare", _compare, "show champion and challenger side by side")
    compared.add_argument("--log", type=Path, required=True, help="a decision log")
    command("retire", _retire, "take the challenger away")
    command("verify", _verify, "hash every version again; exit 1 if any is not as published")
    pruned = command("prune", _prune, "remove old versions; needs the right to delete them")
    pruned.add_argument("--keep", type=count, required=True, help="so many of the newest stay")


def author() -> Author:
    """Whoever runs the command, now."""
    try:
        who = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        who = f"uid {os.getuid()}"
    return Author(who=who, when=datetime.now(UTC))


def _versions(options: argparse.Namespace, settings: Settings) -> None:
    store, model = _opened(options, settings)
    pointer = find_pointer(store, model)
    roles = _roles(pointer)
    table = Table(title=f"{model} in {options.store}", title_justify="left")
    for heading in ("version", "role", "family", "auc", "log-loss", "trained on"):
        table.add_column(heading)
    for name in version_names(store, model):
        table.add_row(name, roles.get(name, ""), *_described(store, model, name))
    console = _console()
    console.print(table)
    if pointer:
        moved = f"{pointer.when:%Y-%m-%d %H:%M:%S} UTC by {escape(pointer.who)}"
        console.print(f"pointer: moved {pointer.sequence} times, last {moved}")


def _described(store: Store, model: str, name: str) -> tuple[str, ...]:
    try:
        manifest = bundle_from_bytes(read_by_name(store, model, name)[1]).manifest
    except (ModelRefusedError, ObjectMissingError) as error:
        return ("refused", "", "", escape(str(error)))
    figures = (manifest.metrics[name].value for name in ("auc", "log_loss"))
    auc, log_loss = (f"{figure:.4f}" for figure in figures)
    return (manifest.family, auc, log_loss, f"{manifest.provenance.rows_train:,} rows")


def _show(options: argparse.Namespace, settings: Settings) -> None:
    store, model = _opened(options, settings)
    pointer = find_pointer(store, model)
    if options.version is None and pointer is None:
        message = f"{model} has no champion; name a --version"
        raise RegistryError(message)
    name = options.version or (pointer and pointer.champion.version)
    version, bundle = read_by_name(store, model, str(name))
    manifest = bundle_from_bytes(bundle).manifest
    table = Table(title=f"{model} {version.version}", title_justify="left", show_header=False)
    table.add_row("role", _roles(pointer).get(version.version, "none"))
    table.add_row("family", manifest.family)
    table.add_row("sha256", version.sha256)
    table.add_row("size", f"{version.size:,} bytes")
    table.add_row("scale", str(manifest.scale))
    for name, figure in manifest.metrics.items():
        table.add_row(name, f"{figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f})")
    for name, value in manifest.provenance.model_dump().items():
        table.add_row(name, json.dumps(value) if isinstance(value, dict) else str(value))
    _console().print(table)


def _promote(options: argparse.Namespace, settings: Settings) -> None:
    store, version = _rehearsed(options, settings)
    _said("promoted", promote(store, options.model, version, author()))


def _challenge(options: argparse.Namespace, settings: Settings) -> None:
    store, version = _rehearsed(options, settings)
    challenger = Challenger(version=version, share=options.share)
    _said("challenged", challenge(store, options.model, challenger, author()))


def _roll_back(options: argparse.Namespace, settings: Settings) -> None:
    _said("rolled back", roll_back(*_opened(options, settings), author()))


def _retire(options: argparse.Namespace, settings: Settings) -> None:
    _said("retired", retire(*_opened(options, settings), author()))


def _compare(options: argparse.Namespace, settings: Settings) -> None:
    found = compare_variants(name_from_model(_model(options, settings)), options.log)
    table = Table(title=f"{options.model} in {options.log}", title_justify="left")
    for heading in ("variant", "version", "decisions", "mean PD"):
        table.add_column(heading)
    for quantile in QUANTILES:
        table.add_column(f"score, {quantile:.0%}", justify="right")
    for name in DECISIONS:
        table.add_column(name, justify="right")
    for row in found:
        cells = [
            row.variant,
            escape(row.version),
            f"{row.decisions:,}",
            f"{row.mean_probability:.4f}",
        ]
        cells += [f"{row.scores[quantile]:.0f}" for quantile in QUANTILES]
        table.add_row(*cells, *(f"{row.shares[name]:.1%}" for name in DECISIONS))
    _console().print(table)
    print(json.dumps([asdict(row) for row in found]))


def _verify(options: argparse.Namespace, settings: Settings) -> None:
    """Hash and load every version, those the pointer names among them."""
    store, model = open_store(options.store), _model(options, settings)
    pointer = find_pointer(store, options.model)
    roles = _roles(pointer)
    table = Table(title=f"{options.model} in {options.store}", title_justify="left")
    for heading in ("version", "role", "result"):
        table.add_column(heading)
    faults = 0
    for name in sorted({*version_names(store, options.model), *roles}):
        fault = _fault(store, model, pointer, name)
        faults += fault is not None
        table.add_row(name, roles.get(name, ""), escape(fault or "as published"))
    _console().print(table)
    if faults:
        message = f"{faults} of the versions of {options.model} must not be served"
        raise RegistryError(message)


def _fault(
    store: Store, model: type[CreditModel], pointer: Pointer | None, name: str
) -> str | None:
    """Why a version must not be served; None if it may."""
    named = {v.version: v for v in pointer.versions()} if pointer else {}
    try:
        version, bundle = read_by_name(store, name_from_model(model), name)
        if named.get(name, version) != version:
            return "the pointer expects another size or sha256"
        load_in_isolation(bundle, model)
    except (ModelRefusedError, ObjectMissingError) as error:
        return str(error)
    return None


def _prune(options: argparse.Namespace, settings: Settings) -> None:
    removed = prune(*_opened(options, settings), options.keep)
    print(json.dumps({"outcome": "pruned", "model": options.model, "removed": removed}))


def _rehearsed(options: argparse.Namespace, settings: Settings) -> tuple[Store, Version]:
    """The version asked for, after a fresh process has loaded it."""
    store, model = open_store(options.store), _model(options, settings)
    version, bundle = read_by_name(store, options.model, options.version)
    load_in_isolation(bundle, model)
    return store, version


def _opened(options: argparse.Namespace, settings: Settings) -> tuple[Store, str]:
    """The store, and the name of a model that the catalogue has."""
    return open_store(options.store), name_from_model(_model(options, settings))


def _model(options: argparse.Namespace, settings: Settings) -> type[CreditModel]:
    return find_model(credit_models(settings.credit_models), options.model)


def _roles(pointer: Pointer | None) -> dict[str, str]:
    if pointer is None:
        return {}
    roles = {}
    if pointer.previous:
        roles[pointer.previous.version] = "previous"
    if pointer.challenger:
        share = f"challenger, {pointer.challenger.share:.0%}"
        roles[pointer.challenger.version.version] = share
    return roles | {pointer.champion.version: "champion"}


def _console() -> Console:
    """As wide as the terminal; where there is none, wide enough for a whole row."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


def _said(outcome: str, pointer: Pointer) -> None:
    print(json.dumps({"outcome": outcome} | pointer.model_dump(mode="json")))


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share < 1:
        message = "must be a share above 0 and below 1"
        raise argparse.ArgumentTypeError(message)
    return share


def count(text: str) -> int:
    """Read an argument that is a number from 1."""
    count = int(text)
    if count < 1:
        message = "must be at least 1"
        raise argparse.ArgumentTypeError(message)
    return count
