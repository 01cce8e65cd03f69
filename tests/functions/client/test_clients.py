"""Every method of both clients against the running service."""

import inspect
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from functions.client import responses
from functions.client.clients import AsyncSurety, Surety
from functions.client.credentials import Credential
from functions.client.errors import CredentialError, RefusedError, UnavailableError
from models.catalogue.application import Application
from models.contract import CreditModel
from models.discovery import credit_models
from tests.functions.access.conftest import Issuer, KeyFile
from tests.functions.client.conftest import Ask
from tests.functions.scoring.recording import decisions_logged
from tests.support.published import ROWS
from tests.support.running import REPOSITORY, Server, free_port, running_server
from tests.support.source_tree import imported_packages, python_files

RISKY = {"credit_score": 520, "num_late_payments": 3, "savings": 500, "debt_to_income": 0.5}
TWO = [ROWS["application"], ROWS["application"] | RISKY]
SECRETS = ("74321", "s3cret", "Jörg")


def dumped(answer: BaseModel) -> dict[str, Any]:
    """An answer as JSON says it: what was not said is left out."""
    return answer.model_dump(mode="json", exclude_unset=True)


def raw(service: Server, verb: str, rows: list[dict[str, Any]], **parameters: object) -> Any:  # noqa: ANN401 -- JSON
    body = {"instances": rows, "parameters": parameters}
    return service.client.post(f"/v1/models/application:{verb}", json=body).json()


@pytest.fixture
def applications() -> list[Application]:
    return [Application.model_validate(row) for row in TWO]


@pytest.mark.parametrize("reasons", [True, False])
def test_predictions_are_what_the_service_says(
    service: Server,
    ask: Ask,
    applications: list[Application],
    *,
    reasons: bool,
) -> None:
    response = ask(str(service.client.base_url), "predict", applications, reasons=reasons)
    assert [dumped(p) for p in response] == raw(service, "predict", TWO, reasons=reasons)[
        "predictions"
    ]


@pytest.mark.parametrize("name", sorted(credit_models()))
def test_the_model_follows_from_the_class_of_the_application(url: str, ask: Ask, name: str) -> None:
    [prediction] = ask(url, "predict", [credit_models()[name].model_validate(ROWS[name])])
    assert prediction.model == name
    assert (prediction.rating is None) == (name != "bureau")


@pytest.mark.parametrize("picture", [True, False])
def test_explanations_are_what_the_service_says(
    service: Server,
    ask: Ask,
    applications: list[Application],
    *,
    picture: bool,
) -> None:
    response = ask(str(service.client.base_url), "explain", applications, picture=picture)
    parameters = {"picture": "svg"} if picture else {}
    assert dumped(response) == raw(service, "explain", TWO, **parameters)
    assert (response.explanations[0].picture is not None) == picture


def test_a_grid_is_what_the_service_says(
    service: Server,
    ask: Ask,
    applications: list[Application],
) -> None:
    grid = {"credit_score": (500, 600), "home_ownership": ("rent", "own")}
    response = ask(str(service.client.base_url), "whatif", applications[1], grid)
    assert dumped(response) == raw(service, "whatif", TWO[1:], grid=grid)
    assert response.whatif.values == [[500, 600], ["rent", "own"]]


def test_recourses_are_what_the_service_says(
    service: Server,
    ask: Ask,
    applications: list[Application],
) -> None:
    safe = TWO[0] | {"income": 1e6, "savings": 1e6}
    entries = [*applications, Application.model_validate(safe)]
    response = ask(str(service.client.base_url), "recourse", entries)
    assert dumped(response) == raw(service, "recourse", [*TWO, safe])
    outcomes = [recourse.outcome for recourse in response.recourses]
    assert outcomes == ["none_exists", "none_exists", "approved_already"]


def test_models_are_what_the_service_says(service: Server, url: str, ask: Ask) -> None:
    ask(url, "predict", [Application.model_validate(ROWS["application"])])
    response = ask(url, "models")
    assert [dumped(model) for model in response] == service.client.get("/v1/models").json()[
        "details"
    ]
    [loaded] = [model for model in response if model.name == "application"]
    assert loaded.ready
    assert loaded.version


def test_a_refusal_names_every_fault_and_repeats_no_value(url: str, ask: Ask) -> None:
    faulty = Application.model_construct(**ROWS["application"] | {"age": 5, "income": -74321.5})
    with pytest.raises(RefusedError) as raised:
        ask(url, "predict", [faulty])
    error = raised.value
    assert (error.status, error.title) == (422, "Unprocessable Entity")
    assert {fault.path for fault in error.faults} == {"instances[0].age", "instances[0].income"}
    assert str(error) == (
        "422 Unprocessable Entity: the request does not follow the contract: 2 faults; "
        "instances[0].age: Input should be greater than or equal to 18; "
        "instances[0].income: Input should be greater than or equal to 1"
    )


def test_many_faults_are_counted_in_the_message_and_all_listed() -> None:
    error = RefusedError(422, "T", "d", [responses.Fault(path="p", message="m")] * 5)
    assert str(error) == "422 T: d; p: m; p: m; p: m; and 2 more"
    assert len(error.faults) == 5


def test_a_model_the_service_does_not_have_is_refused(url: str, ask: Ask) -> None:
    class Unknown(Application):
        """A model of the caller's own."""

    with pytest.raises(RefusedError, match="no credit model of this name") as raised:
        ask(url, "predict", [Unknown.model_validate(ROWS["application"])])
    assert raised.value.status == 404


@pytest.mark.parametrize("models", [(), ("application", "customer")])
def test_applications_are_of_one_model(url: str, ask: Ask, models: tuple[str, ...]) -> None:
    mixed: list[CreditModel] = [credit_models()[m].model_validate(ROWS[m]) for m in models]
    with pytest.raises(ValueError, match="of one credit model"):
        ask(url, "predict", mixed)


def test_a_key_decides_which_decision_it_is(
    ask: Ask, made_store: str, tmp_path: Path, application: Application
) -> None:
    log = tmp_path / "decisions"
    with running_server(tmp_path / "log", MODEL_STORE=made_store, DECISION_LOG=str(log)) as server:
        address = str(server.client.base_url)
        for key in ("loan 4711", "loan 4711", None, None):
            ask(address, "predict", [application], idempotency_key=key, applicant_id="a-17")
        ask(address, "explain", [application], idempotency_key="loan 4711")
        ask(address, "whatif", application, {"savings": [1, 2]})
        ask(address, "recourse", [application])
    ids = [decision["decision_id"] for decision in decisions_logged(log)]
    assert len(ids) == 5
    assert ids[0] == ids[1] == ids[4]
    assert len(set(ids)) == 3


def test_an_api_key_opens_what_its_scopes_say(
    ask: Ask, made_store: str, tmp_path: Path, application: Application, key_file: KeyFile
) -> None:
    key = key_file.add("score")
    environment = key_file.settings() | {"MODEL_STORE": made_store}
    with running_server(tmp_path / "log", "module", **environment) as server:
        _opens(ask, str(server.client.base_url), application, key, "sk_wrong_s3cret")


def test_a_token_opens_what_its_roles_say(
    ask: Ask, made_store: str, tmp_path: Path, application: Application, issuer: Issuer
) -> None:
    token = issuer.token(roles=["client"])
    environment = issuer.settings() | {"MODEL_STORE": made_store}
    with running_server(tmp_path / "log", "module", **environment) as server:
        other = issuer.token(roles=["client"], aud="https://other.example.com")
        _opens(ask, str(server.client.base_url), application, token, other)


def _opens(ask: Ask, url: str, application: Application, right: str, wrong: str) -> None:
    credentials: list[Credential] = [right, lambda: right]
    for credential in credentials:
        [prediction] = ask(url, "predict", [application], credential=credential)
        assert prediction.model == "application"
    for other in (None, wrong):
        with pytest.raises(RefusedError) as raised:
            ask(url, "predict", [application], credential=other)
        assert raised.value.status == 401
        assert wrong not in str(raised.value)


FAILURES: list[tuple[type[Exception], dict[str, Any]]] = [
    (UnavailableError, {}),
    (CredentialError, {"credential": "s3cret\n"}),
    (CredentialError, {"credential": lambda: ""}),
    (ValueError, {"applicant_id": "Jörg\n"}),
    (ValueError, {"idempotency_key": "s3cret\r\nX-Applicant-Id: 1"}),
]


@pytest.mark.parametrize(("error", "options"), FAILURES)
def test_no_failure_shows_a_credential_or_what_an_applicant_said(
    ask: Ask, error: type[Exception], options: dict[str, Any]
) -> None:
    application = Application.model_validate(ROWS["application"] | {"income": 74321})
    settings = {"credential": "s3cret", "timeout": 1.0} | options
    with pytest.raises(error) as raised:
        ask(f"http://127.0.0.1:{free_port()}", "predict", [application], **settings)
    text = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
    # The test's own source line is in a traceback, its values are not.
    assert not any(secret in text for secret in SECRETS)


def test_a_client_shows_nothing_of_its_credential() -> None:
    with Surety("https://credit.example.com", credential="s3cret") as client:
        assert "s3cret" not in repr(client)


def methods(client: type) -> dict[str, Callable[..., object]]:
    response = inspect.getmembers(client, inspect.isfunction)
    return {name: method for name, method in response if not name.startswith("_")}


def test_both_clients_have_the_same_methods_with_the_same_signatures() -> None:
    assert inspect.signature(Surety) == inspect.signature(AsyncSurety)
    awaits, waits = methods(AsyncSurety), methods(Surety)
    assert waits.keys() == awaits.keys()
    assert waits.keys() == {
        "predict",
        "explain",
        "whatif",
        "recourse",
        "models",
        "request",
        "close",
    }
    for name, method in waits.items():
        assert inspect.signature(method) == inspect.signature(awaits[name]), name
        assert inspect.iscoroutinefunction(awaits[name]), name


def asks_over_http(path: Path) -> bool:
    """Whether a file is of a function that asks another one, or somebody else's service."""
    rooms = ("functions/dashboard", "functions/lending/checks", "functions/lending/scoring.py")
    return any(path.is_relative_to(REPOSITORY / room) for room in rooms)


def test_the_functions_neither_import_the_client_nor_what_it_alone_needs() -> None:
    client = REPOSITORY / "functions" / "client"
    for path in python_files("functions"):
        if path.is_relative_to(client):
            assert "functions.scoring" not in path.read_text(), path
        elif not asks_over_http(path):
            assert "functions.client" not in path.read_text(), path
            assert "aiohttp" not in imported_packages(path), path
