"""Registry commands of `python -m training`: list, verify and prune versions, move the pointer."""

import argparse
import getpass
import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.contract import CreditModel, name_from_model
from models.discovery import credit_models
from models.errors import (
    ApprovalError,
    DeclarationError,
    ModelRefusedError,
    ObjectMissingError,
    RegistryError,
    StoreUnavailableError,
)
from models.registry.approval import (
    Judgement,
    check_reason,
    check_second_person,
    describe,
    find_judgement,
    needs_reason,
    needs_second_person,
)
from models.registry.bundle import bundle_from_bytes
from models.registry.isolated_load import load_in_isolation
from models.registry.moves import read_history
from models.registry.pointer import (
    Author,
    Challenger,
    Pointer,
    challenge,
    find_pointer,
    previous_champion,
    promote,
    prune,
    retire,
    roll_back,
)
from models.registry.versions import Version, read_by_name, version_names
from models.stores.preconditions import prove_preconditions
from models.stores.store import OpenedStore, Store
from models.stores.uri import open_store
from training.comparison import DECISIONS, QUANTILES, compare_variants
from training.mlflow_mirror import MirrorTask, mirror_every_version, mirror_or_warn
from training.progress import say
from training.settings import TrainingSettings

WIDTH = 200

Run = Callable[[argparse.Namespace, TrainingSettings], None]


def add_commands(commands: Any, settings: TrainingSettings) -> None:  # noqa: ANN401 -- argparse hides its type
    """Add the registry commands to the subcommands of a parser."""

    def add_command(name: str, run: Run, text: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
        parser.set_defaults(run=run)
        parser.add_argument("--model", required=True, help="name of the model in the catalogue")
        parser.add_argument("--store", default=settings.model_store, help="URI of the model store")
        return parser

    add_command("versions", _list_versions, "list the versions of a model")
    show = add_command("show", _show, "show one version, by default the champion")
    show.add_argument("--version", help="name of a version (default: the champion)")
    promote_command = add_command("promote", _promote, "make a version the champion")
    _require_version(promote_command)
    promote_command.add_argument(
        "--approved-by", help="the second person who agrees, if the policy asks for one"
    )
    rollback = add_command("rollback", _roll_back, "make the previous champion the champion again")
    rollback.add_argument(
        "--version", help="its name; without it the command only says what it would do"
    )
    challenge_command = add_command(
        "challenge", _challenge, "let a version score a share of the requests"
    )
    _require_version(challenge_command)
    challenge_command.add_argument(
        "--share", type=_parse_share, default=0.1, help="share of requests (default %(default)s)"
    )
    compare = add_command("compare", _compare, "compare champion and challenger in a decision log")
    compare.add_argument("--log", type=Path, required=True, help="path of a decision log")
    retire_command = add_command("retire", _retire, "remove the challenger")
    _accept_reason(promote_command, rollback, challenge_command, retire_command)
    add_command("history", _list_moves, "list every move of the pointer: who, when and why")
    add_command("mirror", _mirror, "write every version and the pointer's aliases to MLflow")
    add_command("verify", _verify, "hash and load every version; exit 1 if one is not as published")
    text = "delete old versions, except those that the pointer refers to; needs the right to delete"
    _require_count(add_command("prune", _prune, text))


def _require_count(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--keep", type=parse_count, required=True, help="number of newest versions to keep"
    )


def _accept_reason(*parsers: argparse.ArgumentParser) -> None:
    for parser in parsers:
        parser.add_argument("--reason", help="why the pointer is moved; kept in the history")


def _require_version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--version", required=True, help="name of a version")


def find_author(reason: str | None = None) -> Author:
    """Return the user who runs the command, the current time, and the user's reason."""
    try:
        who = getpass.getuser()
    except (KeyError, OSError):  # the user of a container may have no name
        who = f"uid {os.getuid()}"
    return Author(who=who, when=datetime.now(UTC), reason=reason)


def _list_versions(options: argparse.Namespace, settings: TrainingSettings) -> None:
    store, model_name = _open_registry(options, settings)
    pointer = find_pointer(store, model_name)
    roles = _roles_from_pointer(pointer)
    table = Table(title=f"{model_name} in {options.store}", title_justify="left")
    for heading in ("version", "role", "outcome", "family", "auc", "log-loss", "trained on"):
        table.add_column(heading)
    for name in version_names(store, model_name):
        judgement = find_judgement(store, model_name, name)
        outcome = judgement.outcome if judgement else "unknown"
        figures = _describe_version(store, model_name, name)
        table.add_row(name, roles.get(name, ""), escape(outcome), *figures)
    console = _open_console()
    console.print(table)
    if pointer:
        moved = f"{pointer.when:%Y-%m-%d %H:%M:%S} UTC by {escape(pointer.who)}"
        console.print(f"pointer: moved {pointer.sequence} times, last {moved}")


def _describe_version(store: Store, model_name: str, name: str) -> tuple[str, ...]:
    try:
        manifest = bundle_from_bytes(read_by_name(store, model_name, name)[1]).manifest
    except (ModelRefusedError, ObjectMissingError) as error:
        return ("refused", "", "", escape(str(error)))
    figures = (manifest.metrics.get(name) for name in ("auc", "log_loss"))
    auc, log_loss = (f"{figure.value:.4f}" if figure else "-" for figure in figures)
    return (manifest.family, auc, log_loss, f"{manifest.provenance.rows_train:,} rows")


def _show(options: argparse.Namespace, settings: TrainingSettings) -> None:
    store, model_name = _open_registry(options, settings)
    pointer = find_pointer(store, model_name)
    if options.version is None and pointer is None:
        message = f"{model_name} has no champion; set --version"
        raise RegistryError(message)
    name = options.version or (pointer and pointer.champion.version)
    version, bundle = read_by_name(store, model_name, str(name))
    manifest = bundle_from_bytes(bundle).manifest
    table = Table(title=f"{model_name} {version.version}", title_justify="left", show_header=False)
    table.add_row("role", _roles_from_pointer(pointer).get(version.version, "none"))
    table.add_row("family", manifest.family)
    table.add_row("sha256", version.sha256)
    table.add_row("size", f"{version.size:,} bytes")
    table.add_row("scale", str(manifest.scale))
    _add_gates(table, find_judgement(store, model_name, version.version))
    for name, figure in manifest.metrics.items():
        table.add_row(name, f"{figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f})")
    for name, value in manifest.provenance.model_dump().items():
        table.add_row(name, json.dumps(value) if isinstance(value, dict) else str(value))
    _open_console().print(table)


def _add_gates(table: Table, judgement: Judgement | None) -> None:
    table.add_row("outcome", escape(judgement.outcome) if judgement else "unknown: no report")
    for gate in judgement.gates if judgement else ():
        words = "passed" if gate.passed else f"failed ({gate.consequence})"
        table.add_row(escape(gate.name), escape(f"{words}: {gate.reason}"))


def _promote(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Promote a version by hand. What its own run did not promote needs a reason."""
    store, version = _find_loadable(options, settings)
    judgement = find_judgement(store, options.model, version.version)
    author = replace(find_author(options.reason), approved_by=options.approved_by)
    try:
        check_reason(version.version, judgement, author.reason)
        is_needed = needs_second_person(_find_model(options, settings).gate_policy, judgement)
        check_second_person(author.who, author.approved_by, is_needed=is_needed)
    except ApprovalError as error:
        message = f"{error}; use --{error.member.replace('_', '-')}"
        raise ApprovalError(message, error.member) from error
    if needs_reason(judgement):
        say(f"promoted by hand: {describe(version.version, judgement)}")
    author = replace(author, failed=judgement.failed if judgement else ())
    _report_move("promoted", promote(store, options.model, version, author), options, settings)


def _list_moves(options: argparse.Namespace, settings: TrainingSettings) -> None:
    store, model_name = _open_registry(options, settings)
    pointer = find_pointer(store, model_name)
    if pointer is None:
        message = f"{model_name} has no champion, so its pointer was never moved"
        raise RegistryError(message)
    history = read_history(store, model_name, pointer.sequence, pointer.nonce)
    table = Table(title=f"{model_name} in {options.store}", title_justify="left")
    for heading in ("move", "when", "who", "did", "champion", "reason", "approved by", "failed"):
        table.add_column(heading)
    for move in history.moves:
        texts = (move.who, move.action, move.champion.version, move.reason, move.approved_by)
        table.add_row(
            str(move.sequence),
            f"{move.when:%Y-%m-%d %H:%M:%S}",
            *(escape(text or "") for text in texts),
            escape(", ".join(move.failed)),
        )
    console = _open_console()
    console.print(table)
    if history.unrecorded:
        console.print(f"moves 1 to {history.unrecorded} have no record")
    moves = [move.model_dump(mode="json") for move in history.moves]
    print(json.dumps({"model": model_name, "unrecorded": history.unrecorded, "moves": moves}))


def _challenge(options: argparse.Namespace, settings: TrainingSettings) -> None:
    store, version = _find_loadable(options, settings)
    challenger = Challenger(version=version, share=options.share)
    author = find_author(options.reason)
    pointer = challenge(store, options.model, challenger, author)
    _report_move("challenged", pointer, options, settings)


def _roll_back(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Restore the previous champion by its name, once a separate process has loaded it."""
    if options.version is None:
        store, model_name = _open_registry(options, settings)
        pointer = find_pointer(store, model_name)
        previous = previous_champion(model_name, pointer).version
        champion = pointer and pointer.champion.version
        message = (
            f"this would make {previous} the champion of {model_name} again, instead of "
            f"{champion}; to do so, add --version {previous}"
        )
        raise RegistryError(message)
    store, version = _find_loadable(options, settings)
    author = find_author(options.reason)
    pointer = roll_back(store, options.model, version, author)
    _report_move("rolled back", pointer, options, settings)


def _retire(options: argparse.Namespace, settings: TrainingSettings) -> None:
    author = find_author(options.reason)
    pointer = retire(*_open_registry(options, settings), author)
    _report_move("retired", pointer, options, settings)


def _compare(options: argparse.Namespace, settings: TrainingSettings) -> None:
    variants = compare_variants(name_from_model(_find_model(options, settings)), options.log)
    table = Table(title=f"{options.model} in {options.log}", title_justify="left")
    for heading in ("variant", "version", "decisions", "mean PD"):
        table.add_column(heading)
    for quantile in QUANTILES:
        table.add_column(f"score, {quantile:.0%}", justify="right")
    for name in DECISIONS:
        table.add_column(name, justify="right")
    for row in variants:
        cells = [
            row.variant,
            escape(row.version),
            f"{row.decisions:,}",
            f"{row.mean_probability:.4f}",
        ]
        cells += [f"{row.scores[quantile]:.0f}" for quantile in QUANTILES]
        table.add_row(*cells, *(f"{row.shares[name]:.1%}" for name in DECISIONS))
    _open_console().print(table)
    print(json.dumps([asdict(row) for row in variants]))


def _verify(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Hash and load every version, including those that the pointer refers to."""
    store, model = open_store(options.store), _find_model(options, settings)
    pointer = find_pointer(store, options.model)
    roles = _roles_from_pointer(pointer)
    table = Table(title=f"{options.model} in {options.store}", title_justify="left")
    for heading in ("version", "role", "result"):
        table.add_column(heading)
    faults = 0
    _report_preconditions(store)
    names = sorted({*version_names(store, options.model), *roles})
    if not names:
        message = f"{options.store} has no version of {options.model}"
        raise RegistryError(message)
    for name in names:
        fault = _find_fault(store, model, pointer, name)
        faults += fault is not None
        table.add_row(name, roles.get(name, ""), escape(fault or "as published"))
    _open_console().print(table)
    if faults:
        message = f"{faults} of the versions of {options.model} must not be served; see the table"
        raise RegistryError(message)


def _report_preconditions(store: OpenedStore) -> None:
    """Prove that the store keeps its word; whoever may only read cannot."""
    try:
        prove_preconditions(store)
    except StoreUnavailableError as error:
        print(f"conditional writes not proved, which needs the right to write: {error}")
    else:
        print("conditional writes hold: of two promotions at once, one wins")


def _find_fault(
    store: Store, model: type[CreditModel], pointer: Pointer | None, name: str
) -> str | None:
    """Return why a version must not be served, or None if it is sound."""
    expected = {v.version: v for v in pointer.versions()} if pointer else {}
    try:
        version, bundle = read_by_name(store, name_from_model(model), name)
        if expected.get(name, version) != version:
            return "its size or sha256 differs from the one in the pointer"
        load_in_isolation(bundle, model)
    except (ModelRefusedError, ObjectMissingError) as error:
        return str(error)
    return None


def _prune(options: argparse.Namespace, settings: TrainingSettings) -> None:
    removed = prune(*_open_registry(options, settings), options.keep)
    print(json.dumps({"outcome": "pruned", "model": options.model, "removed": removed}))


def _mirror(options: argparse.Namespace, settings: TrainingSettings) -> None:
    if not settings.mlflow_tracking_uri:
        message = "mirror needs MLFLOW_TRACKING_URI, the address of an MLflow server"
        raise DeclarationError(message)
    _, model_name = _open_registry(options, settings)
    versions = mirror_every_version(task_from_options(options, settings))
    print(json.dumps({"outcome": "mirrored", "model": model_name, "versions": versions}))


def _find_loadable(
    options: argparse.Namespace, settings: TrainingSettings
) -> tuple[OpenedStore, Version]:
    """Return the requested version after a separate process has loaded it."""
    store, model = open_store(options.store), _find_model(options, settings)
    version, bundle = read_by_name(store, options.model, options.version)
    load_in_isolation(bundle, model)
    prove_preconditions(store)
    return store, version


def _open_registry(options: argparse.Namespace, settings: TrainingSettings) -> tuple[Store, str]:
    """Return the store and the name of the model, which the catalogue must have."""
    return open_store(options.store), name_from_model(_find_model(options, settings))


def _find_model(options: argparse.Namespace, settings: TrainingSettings) -> type[CreditModel]:
    return credit_models(settings.credit_models)[options.model]


def _roles_from_pointer(pointer: Pointer | None) -> dict[str, str]:
    if pointer is None:
        return {}
    roles = {}
    if pointer.previous:
        roles[pointer.previous.version] = "previous"
    if pointer.challenger:
        share = f"challenger, {pointer.challenger.share:.0%}"
        roles[pointer.challenger.version.version] = share
    return roles | {pointer.champion.version: "champion"}


def _open_console() -> Console:
    """Return a console as wide as the terminal, or wide enough for a table row without one."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


def _report_move(
    outcome: str, pointer: Pointer, options: argparse.Namespace, settings: TrainingSettings
) -> None:
    """Print the pointer after a move, and let the mirror follow it."""
    print(json.dumps({"outcome": outcome} | pointer.model_dump(mode="json")))
    mirror_or_warn(task_from_options(options, settings))


def task_from_options(options: argparse.Namespace, settings: TrainingSettings) -> MirrorTask:
    """Return what a mirror needs: the server, the store and the model of a command."""
    return MirrorTask(
        tracking_uri=settings.mlflow_tracking_uri,
        store_uri=options.store,
        model_name=options.model,
    )


def _parse_share(text: str) -> float:
    share = float(text)
    if not 0 < share < 1:
        message = f"must be above 0 and below 1, got {text}"
        raise argparse.ArgumentTypeError(message)
    return share


def parse_count(text: str) -> int:
    """Parse an argument that is an integer of at least 1."""
    count = int(text)
    if count < 1:
        message = f"must be at least 1, got {text}"
        raise argparse.ArgumentTypeError(message)
    return count
