"""The plan of a run: written once, by whichever task comes first, and followed by all.

It pins what must not change while tasks are retried: the generation of the file, the version of the
model, the parts, and the time of the decisions. So a task that is run twice writes the same bytes.
"""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_json

from functions.batch.columns import list_read_fields, map_fields
from functions.batch.sources import FilePart, InputFile, Location
from models.contract import CreditModel, name_from_model
from models.data_file import CsvDialect
from models.errors import DataError, ObjectExistsError, ObjectMissingError
from models.evidence.hash_chain import Seal
from models.registry.pointer import read_pointer
from models.registry.versions import Version
from models.stores.store import Reader, Store

GENERATION_DIGITS = 16
Reasons = Literal["none", "adverse", "all"]


class BatchRequest(BaseModel):
    """What a caller asks for: the same words on the command line and in `POST /v1/batches`.

    `mapping` names the columns of fields. `keep` are columns that results repeat, such as an
    account number. `reasons` are given to nobody, to everyone who is not approved, or to all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    input: str
    mapping: dict[str, str] = {}
    without: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    reasons: Reasons = "none"
    dialect: dict[str, Any] = {}


class RunPlan(BaseModel):
    """What every task of a run follows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    request: BatchRequest
    object: str
    generation: str
    size: int
    version: Version
    columns: dict[str, str]
    decided_at: datetime
    key: str
    nonce: str
    salt_secret: str | None
    parts: tuple[tuple[int, int, int, int, int, int], ...]

    @property
    def rows(self) -> int:
        """The number of rows of the file."""
        return sum(part.rows for part in self.list_parts())

    def list_parts(self) -> list[FilePart]:
        """Return the parts in their order."""
        return [FilePart(*numbers) for numbers in self.parts]


class Planning(NamedTuple):
    """What a plan is made from."""

    models: Reader
    model: type[CreditModel]
    seal: Seal
    now: datetime


def run_prefix(file: InputFile) -> str:
    """Return the folder of a run: the object's name and its generation.

    They are joined, so that results may lie beside the file.
    """
    generation = re.sub(r"[^0-9A-Za-z]", "", file.state.generation)[:GENERATION_DIGITS]
    return f"{file.location.name}-{generation}"


def find_file(request: BatchRequest, model: type[CreditModel]) -> InputFile:
    """Find the file of a request, in the dialect it declares, else the model's.

    Raises
    ------
    DataError
        If it does not exist.
    DeclarationError
        If the dialect cannot be.
    """
    dialect = CsvDialect(**{**asdict(model.data_file.csv), **request.dialect})
    return InputFile.find(Location.from_text(request.input), dialect)


def make_plan(request: BatchRequest, file: InputFile, planning: Planning) -> RunPlan:
    """Plan a run, without writing anything.

    Raises
    ------
    DataError
        If the file cannot be read, or a column is missing.
    """
    columns = map_fields(planning.model, file.columns, request.mapping, request.without)
    lacking = [name for name in request.keep if name not in file.columns]
    if lacking:
        message = f"--keep {lacking[0]}: the file has no column {lacking[0]}"
        raise DataError(message)
    is_keyed = planning.seal.salt_secret is not None
    parts = [asdict(part) for part in file.cut()]
    return RunPlan(
        request=request,
        object=file.location.name,
        generation=file.state.generation,
        size=file.state.size,
        version=read_pointer(planning.models, name_from_model(planning.model)).champion,
        columns=columns,
        decided_at=planning.now,
        key=planning.seal.name,
        nonce=secrets.token_hex(8),
        salt_secret=None if is_keyed else secrets.token_hex(32),
        parts=tuple(tuple(part.values()) for part in parts),
    )


def settle_plan(
    output: Store, prefix: str, request: BatchRequest, make: Callable[[], RunPlan]
) -> RunPlan:
    """Return the plan that was written first, which may be ours.

    Raises
    ------
    DataError
        If the output has a run of this file with another request.
    """
    name = f"{prefix}/plan.json"
    try:
        plan = read_plan(output, prefix)
    except ObjectMissingError:
        ours = make()
        try:
            output.create(name, ours.model_dump_json(indent=1).encode())
        except ObjectExistsError:
            plan = read_plan(output, prefix)
        else:
            return ours
    if plan.request != request:
        message = (
            f"--output: {name} is of a run of this file with other options; repeat them, or name "
            "another output"
        )
        raise DataError(message)
    return plan


def read_plan(output: Reader, prefix: str) -> RunPlan:
    """Read the plan of a run.

    Raises
    ------
    ObjectMissingError
        If there is none.
    DataError
        If it cannot be read.
    """
    return parse_plan(output.read(f"{prefix}/plan.json").data, prefix)


def parse_plan(data: bytes, prefix: str) -> RunPlan:
    """Read the plan of a run from its bytes; errors are those of `read_plan`."""
    try:
        return RunPlan.model_validate_json(data)
    except ValidationError as error:
        message = f"{prefix}/plan.json: not a plan ({error.error_count()} faults)"
        raise DataError(message) from error


def batch_name(plan: RunPlan) -> str:
    """Name what is decided: a file and a version. Decision ids begin with it, in every run."""
    identity = [plan.object, plan.generation, plan.version.version]
    return hashlib.sha256(to_json(identity)).hexdigest()[:24]


def read_columns(plan: RunPlan, model: type[CreditModel]) -> list[str]:
    """Return the columns that are read: those of fields, and those that results repeat."""
    fields = [plan.columns[c.name] for c in list_read_fields(model) if c.name in plan.columns]
    return list(dict.fromkeys([*fields, *plan.request.keep]))
