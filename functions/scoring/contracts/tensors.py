"""Tensors of the Open Inference Protocol: one-dimensional columns to rows, and their validation."""

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import TypedDict

from functions.scoring.decision_engine import MAX_ROWS
from functions.web.bodies import unknown_members
from functions.web.problems import Fault
from models.contract import CreditModel, characteristics

BITS = (8, 16, 32, 64)
INTEGERS = {
    **{f"INT{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in BITS},
    **{f"UINT{bits}": (0, 2**bits - 1) for bits in BITS},
}
NUMBERS = (*INTEGERS, "FP16", "FP32", "FP64")
NOT_SERVED = ("shared_memory_region", "classification")
MEMBERS = {"name", "shape", "datatype", "parameters", "data"}

Tensor = dict[str, Any]
Values = list[Any]


class TensorMetadata(TypedDict):
    """Name, datatype and shape of a tensor; -1 is any number of rows."""

    name: str
    datatype: str
    shape: list[int]


def metadata_from_datatypes(datatypes: Mapping[str, str]) -> list[TensorMetadata]:
    """Describe one column for each name."""
    return [{"name": n, "datatype": d, "shape": [-1]} for n, d in datatypes.items()]


def datatypes_from_model(model: type[CreditModel]) -> dict[str, str]:
    """Return the datatype of every field, by name."""
    return {
        c.name: "INT64" if c.is_integer or c.is_coded else "BYTES" if c.is_text else "FP64"
        for c in characteristics(model)
        if c.compute is None
    }


def columns_from_tensors(
    model: type[CreditModel], tensors: Sequence[object]
) -> tuple[dict[str, Values], list[Fault]]:
    """Read the valid columns of a request by name, all of one length, and the faults."""
    datatypes = datatypes_from_model(model)
    columns: dict[str, Values] = {}
    faults: list[Fault] = []
    for i, tensor in enumerate(tensors):
        path = f"inputs[{i}]"
        tensor_faults = _check_tensor(tensor, path, datatypes)
        if not tensor_faults and isinstance(tensor, dict):
            values = _flatten(tensor["data"])
            first = next(iter(columns.values()), values)
            if tensor["name"] in columns:
                tensor_faults = [Fault(f"{path}.name", "This column is listed twice")]
            elif len(values) != len(first):
                tensor_faults = [Fault(f"{path}.shape", f"Input should have {len(first)} rows")]
            else:
                columns[tensor["name"]] = values
        faults += tensor_faults
    sent = [tensor.get("name") for tensor in tensors if isinstance(tensor, dict)]
    faults += [
        Fault(f"inputs.{c.name}", "This column is required")
        for c in characteristics(model)
        if c.compute is None and not c.optional and c.name not in sent
    ]
    return columns, faults


def rows_from_columns(columns: Mapping[str, Values]) -> list[dict[str, Any]]:
    """Turn columns of one length into rows."""
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def check_tensor_parameters(tensor: Mapping[str, Any], path: str) -> list[Fault]:
    """Reject parameters that ask for what is not served; others have no meaning here."""
    parameters = tensor.get("parameters")
    if not isinstance(parameters, dict | None):
        return [Fault(f"{path}.parameters", "Input should be an object")]
    return [
        Fault(f"{path}.parameters.{name}", "This is not served")
        for name in NOT_SERVED
        if parameters and parameters.get(name)
    ]


def _check_tensor(tensor: object, path: str, datatypes: Mapping[str, str]) -> list[Fault]:
    """Check one tensor by itself."""
    if not isinstance(tensor, dict):
        return [Fault(path, "Input should be an object")]
    faults = unknown_members(tensor, MEMBERS, path)
    faults += check_tensor_parameters(tensor, path)
    name = tensor.get("name")
    if not isinstance(name, str) or name not in datatypes:
        faults.append(Fault(f"{path}.name", "Input should be a field of the model"))
        return faults
    datatype = tensor.get("datatype")
    allowed = ("BYTES",) if datatypes[name] == "BYTES" else NUMBERS
    if not isinstance(datatype, str) or datatype not in allowed:
        faults.append(Fault(f"{path}.datatype", f"Input should be {' or '.join(allowed)}"))
    if not _is_column_shape(tensor.get("shape")):
        shapes = f"[n] or [n, 1] with n from 1 to {MAX_ROWS}"
        faults.append(Fault(f"{path}.shape", f"Input should be {shapes}"))
    data = tensor.get("data")
    if not isinstance(data, list):
        faults.append(Fault(f"{path}.data", "Input should be a list"))
    elif not faults:
        faults += _check_values(_flatten(data), tensor, path)
    return faults


def _is_column_shape(shape: object) -> bool:
    if not isinstance(shape, list) or not 1 <= len(shape) <= 2:  # noqa: PLR2004 -- [n], [n, 1]
        return False
    are_integers = all(type(size) is int for size in shape)
    return are_integers and 1 <= shape[0] <= MAX_ROWS and shape[1:] in ([], [1])


def _flatten(data: Values) -> Values:
    """Return the values; of a nested column, those inside."""
    if data and all(isinstance(value, list) and len(value) == 1 for value in data):
        return [value[0] for value in data]
    return data


def _check_values(values: Values, tensor: Tensor, path: str) -> list[Fault]:
    """Check number and datatype of the values; whether null is allowed is for the model to say."""
    if len(values) != tensor["shape"][0]:
        return [Fault(f"{path}.data", "There should be as many values as the shape says")]
    datatype = tensor["datatype"]
    if _have_datatype(values, datatype):
        return []
    return [
        Fault(f"{path}.data[{i}]", f"Input should be {datatype}")
        for i, value in enumerate(values)
        if value is not None and not _has_datatype(value, datatype)
    ]


def _have_datatype(values: Values, datatype: str) -> bool:
    """Whether all values surely have a datatype, by their types alone; False is no verdict."""
    present = [value for value in values if value is not None] if None in values else values
    types = set(map(type, present))
    if datatype not in INTEGERS:
        return types <= ({str} if datatype == "BYTES" else {int, float})
    least, most = INTEGERS[datatype]
    return types == {int} and least <= min(present) <= max(present) <= most


def _has_datatype(value: object, datatype: str) -> bool:
    if datatype == "BYTES":
        return isinstance(value, str)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if datatype not in INTEGERS:
        return True
    least, most = INTEGERS[datatype]
    return least <= value <= most and value == int(value)
