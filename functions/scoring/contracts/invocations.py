"""`POST /invocations`, the one path that SageMaker and MLflow both call.

`Content-Type` and the members of the body say whose it is. Each contract turns its body into rows;
what follows is the same, and is that of the canonical contract. Errors are objects with a
`message`, which MLflow's clients read and SageMaker passes on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.scoring.contracts.foreign_errors import with_error_member
from functions.scoring.contracts.kserve_v1 import Predictions, predictions_response
from functions.scoring.decision_engine import (
    DecisionEngine,
    Rows,
    ScoringRequest,
    validate_table,
)
from functions.web.bodies import read_body, read_json_object
from functions.web.contract import Contract
from functions.web.middleware import caller_from_request
from functions.web.openapi import Operation, Schema
from functions.web.problems import Fault, reject_faults
from models.contract import CreditModel

PATH = "/invocations"


class Invocation(NamedTuple):
    """The rows of a body, whether reasons are wanted, and the faults of the rest."""

    rows: Rows
    with_reasons: bool
    faults: Sequence[Fault]


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonBody:
    """A body in JSON, told apart by a member."""

    member: str
    parse: Callable[[Mapping[str, Any]], Invocation]
    schema: Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBody:
    """A body that is a file of a media type."""

    media_type: str
    parse: Callable[[type[CreditModel], bytes], Invocation]


def contract(
    engine: DecisionEngine, model_name: str, file: FileBody, bodies: Sequence[JsonBody]
) -> Contract:
    """The path, answered by one model."""
    model = engine.catalogue[model_name]
    by_member = {body.member: body for body in bodies}

    async def invoke(request: Request) -> Response:
        if _media_type(request) == file.media_type:
            invocation = file.parse(model, await read_body(request))
        else:
            document = await read_json_object(request)
            members = [name for name in by_member if name in document]
            if len(members) != 1:
                rule = f"There should be exactly one of {', '.join(by_member)}"
                reject_faults([Fault("body", rule)])
            invocation = by_member[members[0]].parse(document)
        rows, features_of = await engine.complete(model, invocation.rows)
        scored = await engine.decide(
            ScoringRequest(
                table=validate_table(model, rows, invocation.faults),
                caller=caller_from_request(request),
                with_reasons=invocation.with_reasons,
                features_of=features_of,
            )
        )
        return predictions_response(scored)

    operation = Operation(
        f"Score {model_name} applications, as SageMaker and MLflow send them",
        {"oneOf": [body.schema for body in bodies]},
        Predictions,
        uploads=(file.media_type,),
        error_member="message",
    )
    return Contract(
        tag="SageMaker and MLflow",
        routes=[Route(PATH, with_error_member("message", invoke), methods=["POST"])],
        scopes={f"POST {PATH}": "score"},
        paths=lambda: {PATH: {"post": operation}},
    )


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
