"""The whole matrix: every route of these functions, for every role and for nobody."""

from collections.abc import Callable
from itertools import product
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from functions.access.guard import guard_routes
from functions.access.scopes import ROLES
from functions.batch.app import create_app as create_batch
from functions.batch.settings import settings_from as batch_settings_from
from functions.retrain.app import create_app as create_retrain
from functions.retrain.settings import settings_from as retrain_settings_from
from functions.scoring.app import create_app as create_scoring
from functions.scoring.settings import settings_from as scoring_settings_from
from functions.web.contract import Contract, ScopedRoute, scoped_routes
from models.errors import DeclarationError
from tests.functions.access.conftest import Asking, Issuer, KeyFile

# Stated once more, by hand: a slip in a contract's own table is not repeated here. A path that the
# environment chooses is listed under its route's name.
SCORING = {
    "GET /health/live": "probe",
    "GET /health/ready": "probe",
    "GET /": "probe",
    "GET /health": "open",
    "GET /docs": "open",
    "GET /openapi.json": "open",
    "GET /metrics": "metrics",
    "GET /v1/models": "models",
    "GET /v1/models/{model}": "models",
    "POST /v1/models/{model}:predict": "score",
    "POST /v1/models/{model}:explain": "explain",
    "POST /v1/models/{model}:whatif": "simulate",
    "POST /v1/models/{model}:recourse": "simulate",
    "POST /predict": "score",
    "POST /predict/batch": "score",
    "POST /api/v1/predict": "score",
    "POST /api/v1/predict/batch": "score",
    "POST /bigquery/{model}": "score",
    "POST /snowflake/{model}": "score",
    "GET /ping": "probe",
    "POST /invocations": "score",
    "GET /model/versions": "models",
    "GET /model/info": "models",
    "GET /v1/models/{model}/versions/{version}/report": "models",
    "GET /v1/models/{model}/versions/{version}/report.json": "models",
    "GET /v1/models/{model}/monitoring": "models",
    "GET /v2": "models",
    "GET /v2/": "models",
    "GET /v2/health/live": "probe",
    "GET /v2/health/ready": "probe",
    "POST /v2/repository/index": "models",
    "GET /v2/models/{model}": "models",
    "GET /v2/models/{model}/ready": "models",
    "POST /v2/models/{model}/infer": "score",
    "GET /v2/models/{model}/versions/{version}": "models",
    "GET /v2/models/{model}/versions/{version}/ready": "models",
    "POST /v2/models/{model}/versions/{version}/infer": "score",
    "GET AIP_HEALTH_ROUTE": "probe",
    "POST AIP_PREDICT_ROUTE": "score",
}
RETRAIN = {
    "POST /train": "train",
    "GET /train/status": "train",
    "GET /v1/models/{model}/pointer": "models",
    "POST /v1/models/{model}:promote": "promote",
    "POST /v1/models/{model}:rollback": "promote",
    "GET /health/live": "probe",
    "GET /health/ready": "probe",
    "GET /docs": "open",
    "GET /openapi.json": "open",
    "GET /metrics": "metrics",
}
BATCH = {
    "POST /v1/batches": "batches",
    "GET /v1/batches/{batch}": "batches",
    "POST /v1/batches/{batch}:cancel": "batches",
    "POST /v1/batches/{batch}:resume": "batches",
    "GET /v1/batches/{batch}/results": "batches",
    "GET /v1/batches/{batch}/faults": "batches",
    "GET /health/live": "probe",
    "GET /health/ready": "probe",
    "GET /docs": "open",
    "GET /openapi.json": "open",
    "GET /metrics": "metrics",
}
NEEDS = SCORING | RETRAIN | BATCH
MAY = {
    "score": {"admin", "officer", "client"},
    "batches": {"admin", "officer"},
    "explain": {"admin", "officer", "client", "manager", "risk"},
    "simulate": {"admin", "officer", "client", "manager", "risk"},
    "models": {"admin", "officer", "client", "auditor", "manager", "risk"},
    "metrics": {"admin", "auditor", "risk"},
    "train": {"admin"},
    "promote": {"admin"},
}
FREE = {"probe", "open"}
CHOSEN = {"AIP_HEALTH_ROUTE": "/vertex/health", "AIP_PREDICT_ROUTE": "/vertex/predict"}
REFUSED = {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}


def list_routes(app: Starlette) -> list[str]:
    """`METHOD path`, as the table says it but for chosen paths."""
    collected = [route for route in app.routes if isinstance(route, Route)]
    assert len(collected) == len(app.routes)
    return [f"{m} {r.path}" for r in collected for m in sorted((r.methods or set()) - {"HEAD"})]


def all_functions(environment: dict[str, str]) -> list[Asking]:
    scoring = scoring_settings_from(environment | {"DECISION_LOG": "off"})
    return [
        Asking(create_scoring(scoring)),
        Asking(create_retrain(retrain_settings_from(environment))),
        Asking(create_batch(batch_settings_from(environment))),
    ]


@pytest.fixture
def quiet(tmp_path: Path) -> dict[str, str]:
    """No model and no training run to be found, and every route that can be chosen."""
    store, logs = (tmp_path / "store").as_uri(), str(tmp_path / "logs")
    return CHOSEN | {"MODEL_STORE": store, "TRAINING_LOGS": logs, "BATCH_STORE": store}


def scope_needed(route: str) -> str:
    for name, path in CHOSEN.items():
        route = route.replace(path, name)
    return NEEDS[route]


def everything(asking: Asking, credential: str | None) -> dict[str, int]:
    """The status of each route."""
    collected = {}
    for route in list_routes(asking.app):
        method, path = route.split(" ")
        path = (
            path.replace("{batch}", "none")
            .replace("{model}", "application")
            .replace("{version}", "v")
        )
        answer = asking(method, path, credential)
        collected[route] = answer.status_code
    return collected


def test_the_tables_have_every_route_and_no_other(quiet: dict[str, str]) -> None:
    for asking, table in zip(all_functions(quiet), (SCORING, RETRAIN, BATCH), strict=True):
        served = list_routes(asking.app)
        assert {scope_needed(route) for route in served} <= {*MAY, *FREE}
        assert {route for route in table if "AIP_" not in route} <= set(served)
        assert len(set(served)) == len(table)


@pytest.mark.parametrize("role", ["admin", "officer", "auditor", "client", "visitor", None])
def test_a_role_may_ask_what_the_matrix_says_and_nothing_else(
    role: str | None, issuer: Issuer, quiet: dict[str, str]
) -> None:
    token = issuer.token(roles=role)
    for asking in all_functions(quiet | issuer.settings()):
        for route, status in everything(asking, token).items():
            need = scope_needed(route)
            is_allowed = need in FREE or role in MAY[need]
            assert (status == httpx.codes.FORBIDDEN) != is_allowed, route
            assert status != httpx.codes.UNAUTHORIZED, route


@pytest.mark.parametrize("scope", list(MAY))
def test_a_key_may_ask_what_its_scope_names_and_nothing_else(
    scope: str, key_file: KeyFile, quiet: dict[str, str]
) -> None:
    key = key_file.add(scope)  # type: ignore[arg-type]  # each is one of the scopes
    for asking in all_functions(quiet | key_file.settings()):
        for route, status in everything(asking, key).items():
            is_allowed = scope_needed(route) in FREE | {scope}
            assert (status == httpx.codes.FORBIDDEN) != is_allowed, route


@pytest.mark.parametrize("credential", [None, "sk_00000000_" + 43 * "A", "x.y.z", ""])
@pytest.mark.parametrize("kind", ["keys", "tokens"])
def test_nobody_gets_past_what_is_open(
    kind: str, credential: str | None, key_file: KeyFile, issuer: Issuer, quiet: dict[str, str]
) -> None:
    variables = key_file.settings() if kind == "keys" else issuer.settings()
    for asking in all_functions(quiet | variables):
        for route, status in everything(asking, credential).items():
            assert (status == httpx.codes.UNAUTHORIZED) == (scope_needed(route) not in FREE), route


@pytest.mark.parametrize("auth", [{}, {"AUTH": "iam", "K_SERVICE": "scoring", "TRAINING_JOB": ""}])
def test_where_others_check_callers_nobody_is_refused_here(
    auth: dict[str, str], quiet: dict[str, str]
) -> None:
    settings = scoring_settings_from(quiet | auth | {"DECISION_LOG": "off"})
    statuses = everything(Asking(create_scoring(settings)), None)
    assert REFUSED.isdisjoint(statuses.values())


def test_every_role_and_scope_is_in_the_matrix() -> None:
    assert {need for need in NEEDS.values() if need not in FREE} <= set(MAY)
    for (role, scopes), scope in product(ROLES.items(), MAY):
        assert (scope in scopes) == (role in MAY[scope]), (role, scope)


async def nothing(_request: Request) -> Response:
    return Response()


@pytest.mark.parametrize(
    ("route", "message"),
    [
        (Route("/secret", nothing, methods=["GET"]), "GET,HEAD /secret"),
        (Route("/predict", nothing, methods=["DELETE"]), "DELETE /predict"),
        (Route("/predict", nothing, methods=["POST", "DELETE"]), "DELETE,POST /predict"),
        (Route("/both", nothing, methods=["POST", "DELETE"]), "DELETE,POST /both"),
        (Mount("/v9", routes=[]), "/v9"),
    ],
)
def test_a_route_without_a_scope_fails_at_start(route: Route, message: str) -> None:
    scopes = {"POST /both": "score", "DELETE /both": "train"}
    beside = Route("/both", nothing, methods=["POST"]), Route("/both", nothing, methods=["DELETE"])
    scopes |= {"POST /predict": "score"}
    predict = Route("/predict", nothing, methods=["POST"])
    contract = Contract(tag="Test", routes=[route, predict, *beside], scopes=scopes)
    with pytest.raises(DeclarationError) as caught:
        scoped_routes([contract])
    assert str(caught.value) == f"{message}: declare one scope, the same for all its methods"


def test_a_scope_without_a_route_fails_at_start() -> None:
    route = Route("/predict", nothing, methods=["POST"])
    scopes = {"POST /predict": "score", "POST /predct": "score", "GET /predict": "score"}
    with pytest.raises(DeclarationError) as caught:
        scoped_routes([Contract(tag="Test", routes=[route], scopes=scopes)])
    assert [fault.partition(":")[0] for fault in str(caught.value).split("; ")] == [
        *("POST /predct", "GET /predict"),
    ]


def test_a_scope_that_nobody_can_hold_fails_at_start(key_file: KeyFile) -> None:
    scoped = ScopedRoute(Route("/loans", nothing, methods=["POST"]), "lendd")
    access = scoring_settings_from(key_file.settings() | {"DECISION_LOG": "off"}).access
    with pytest.raises(DeclarationError, match="no key or role can hold lendd"):
        guard_routes([scoped], access)


def test_a_path_that_the_environment_chooses_is_found_by_its_routes_name() -> None:
    route = Route("/chosen", nothing, methods=["POST"], name="AIP_PREDICT_ROUTE")
    contract = Contract(tag="Test", routes=[route], scopes={"POST AIP_PREDICT_ROUTE": "score"})
    assert scoped_routes([contract]) == [ScopedRoute(route, "score")]


def test_an_unknown_path_or_method_tells_nothing_of_callers(
    scoring: Callable[..., Asking], key_file: KeyFile
) -> None:
    asking = scoring(**key_file.settings())
    assert asking("GET", "/secret").status_code == httpx.codes.NOT_FOUND
    assert asking("GET", "/predict").status_code == httpx.codes.METHOD_NOT_ALLOWED
