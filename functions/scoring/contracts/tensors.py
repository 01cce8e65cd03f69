"""Columns of the Open Inference Protocol: one-dimensional tensors to rows, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

from functions.scoring.decision_engine import MAX_ROWS
from functions.web.problems import Fault, extra_members
from models.contract import CreditModel, characteristics

BITS = (8, 16, 32, 64)
INTEGERS = {
    **{f"INT{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in BITS},
    **{f"UINT{bits}": (0, 2**bits - 1) for bits in BITS},
}
NUMBERS = (*INTEGERS, "FP16", "FP32", "FP64")
MEMBERS = {"name", "shape", "datatype", "parameters", "data"}

Tensor = dict[str, Any]
Values = list[Any]


def inputs_from_model(model: type[CreditModel]) -> list[Tensor]:
    """Name, datatype and shape of every input."""
    return [{"name": n, "datatype": d, "shape": [-1]} for n, d in datatypes(model).items()]


def datatypes(model: type[CreditModel]) -> dict[str, str]:
    """Datatype of every field, by name."""
    fields = [c for c in characteristics(model) if c.compute is None]
    return {
        c.name: "INT64"
        if c.is_integer or c.is_coded
        else "BYTES"
        if c.levels or c.identifier
        else "FP64"
        for c in fields
    }


def columns_from(
    model: type[CreditModel], inputs: Sequence[object], faults: list[Fault]
) -> dict[str, Values]:
    """Sound columns of a request by name, all of one length; what is wrong is added to `faults`."""
    kinds = datatypes(model)
    found: dict[str, Values] = {}
    for i, tensor in enumerate(inputs):
        path = f"inputs[{i}]"
        wrong = _faults_of(tensor, path, kinds)
        if not wrong and isinstance(tensor, dict):
            values = _flat(tensor["data"])
            first = next(iter(found.values()), values)
            if tensor["name"] in found:
                wrong = [Fault(f"{path}.name", "This column stands twice")]
            elif len(values) != len(first):
                wrong = [Fault(f"{path}.shape", f"Input should have {len(first)} rows")]
            else:
                found[tensor["name"]] = values
        faults += wrong
    named = [tensor.get("name") for tensor in inputs if isinstance(tensor, dict)]
    faults += [
        Fault(f"inputs.{c.name}", "This column is required")
        for c in characteristics(model)
        if c.compute is None and not c.optional and c.name not in named
    ]
    return found


def rows_from(columns: Mapping[str, Values]) -> list[dict[str, Any]]:
    """Columns of one length as rows."""
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _faults_of(tensor: object, path: str, kinds: Mapping[str, str]) -> list[Fault]:
    """What is wrong with one tensor by itself."""
    if not isinstance(tensor, dict):
        return [Fault(path, "Input should be an object")]
    faults = extra_members(tensor, MEMBERS, path)
    faults += parameter_faults(tensor, path)
    name = tensor.get("name")
    if not isinstance(name, str) or name not in kinds:
        faults.append(Fault(f"{path}.name", "Input should be a field of the model"))
        return faults
    datatype = tensor.get("datatype")
    fitting = ("BYTES",) if kinds[name] == "BYTES" else NUMBERS
    if not isinstance(datatype, str) or datatype not in fitting:
        faults.append(Fault(f"{path}.datatype", f"Input should be {' or '.join(fitting)}"))
    shape = tensor.get("shape")
    if not _is_column(shape):
        rows = f"[n] or [n, 1] with n from 1 to {MAX_ROWS}"
        faults.append(Fault(f"{path}.shape", f"Input should be {rows}"))
    data = tensor.get("data")
    if not isinstance(data, list):
        faults.append(Fault(f"{path}.data", "Input should be a list"))
    elif not faults:
        faults += _value_faults(_flat(data), tensor, path)
    return faults


def parameter_faults(tensor: Mapping[str, Any], path: str) -> list[Fault]:
    """Parameters of a tensor say nothing here, but for asking for what is not served."""
    parameters = tensor.get("parameters", {})
    if not isinstance(parameters, dict):
        return [Fault(f"{path}.parameters", "Input should be an object")]
    if parameters.get("binary_data") or "binary_data_size" in parameters:
        return [Fault(f"{path}.parameters", "Binary tensors are not served")]
    return []


def _is_column(shape: object) -> bool:
    if not isinstance(shape, list) or not 1 <= len(shape) <= 2:  # noqa: PLR2004 -- [n], [n, 1]
        return False
    whole = all(type(size) is int for size in shape)
    return whole and 1 <= shape[0] <= MAX_ROWS and shape[1:] in ([], [1])


def _flat(data: Values) -> Values:
    """The values; of a column that is nested, those inside."""
    if data and all(isinstance(value, list) and len(value) == 1 for value in data):
        return [value[0] for value in data]
    return data


def _value_faults(values: Values, tensor: Tensor, path: str) -> list[Fault]:
    """Values not as many as the shape says, or not of the datatype; null is the model's."""
    if len(values) != tensor["shape"][0]:
        return [Fault(f"{path}.data", "There should be as many values as the shape says")]
    datatype = tensor["datatype"]
    if _are_surely_of(values, datatype):
        return []
    return [
        Fault(f"{path}.data[{i}]", f"Input should be {datatype}")
        for i, value in enumerate(values)
        if value is not None and not _is_of(value, datatype)
    ]


def _are_surely_of(values: Values, datatype: str) -> bool:
    """Whether all values are of a datatype by their types alone; no is no verdict."""
    present = [value for value in values if value is not None] if None in values else values
    kinds = set(map(type, present))
    if datatype not in INTEGERS:
        return kinds <= ({str} if datatype == "BYTES" else {int, float})
    least, most = INTEGERS[datatype]
    return kinds == {int} and least <= min(present) <= max(present) <= most


def _is_of(value: object, datatype: str) -> bool:
    if datatype == "BYTES":
        return isinstance(value, str)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if datatype not in INTEGERS:
        return True
    least, most = INTEGERS[datatype]
    return least <= value <= most and value == int(value)
