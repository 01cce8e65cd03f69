"""The application as a whole: who may call which route, branches, both commands, the document."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from functions.access.scopes import ROLES
from functions.lending.documents import openapi
from tests.functions.access.conftest import Issuer, _keys, issuer
from tests.support.counts import counts
from tests.support.lending import PERSON, TERMS, BookClient, client_on
from tests.support.running import REPOSITORY, ServerKind, running_server

__all__ = ["_keys", "issuer"]
CLI = Path(sys.executable).parent / "schemathesis"
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance"
)
# The scope of every route, written by hand.
NEEDS = {
    "POST /api/customers/register": "originate",
    "GET /api/customers/": "book",
    "GET /api/customers/{customer}": "book",
    "PATCH /v1/customers/{customer}": "originate",
    "POST /v1/customers/{customer}/employment": "originate",
    "POST /v1/customers/{customer}/kyc": "originate",
    "POST /api/loans/apply": "apply",
    "GET /api/loans/applications": "applications",
    "GET /api/loans/applications/{application}": "applications",
    "GET /v1/applications/{application}/checks": "book",
    "POST /v1/applications/{application}:request_review": "apply",
    "POST /v1/applications/{application}:claim": "decide",
    "POST /v1/applications/{application}:release": "decide",
    "GET /v1/applications/{application}/counter_terms": "decide",
    "POST /v1/applications/{application}:counter_offer": "decide",
    "GET /v1/applications/{application}/review": "decide",
    "GET /v1/reviews": "decide",
    "GET /v1/reviews/overrides": "portfolio",
    "GET /v1/requests": "adjust",
    "POST /v1/requests/{request}:confirm": "adjust",
    "POST /v1/requests/{request}:refuse": "adjust",
    "POST /v1/applications/{application}:accept": "apply",
    "POST /v1/applications/{application}:withdraw": "apply",
    "POST /v1/applications/{application}:decide": "apply",
    "POST /v1/applications/{application}:approve": "decide",
    "POST /v1/applications/{application}:reject": "decide",
    "GET /v1/applications/{application}/notice": "applications",
    "GET /v1/applications/{application}/notice.html": "applications",
    "GET /api/loans/loans": "book",
    "GET /v1/loans/{loan}": "book",
    "GET /v1/loans/{loan}/schedule": "book",
    "GET /v1/loans/{loan}/transactions": "book",
    "GET /v1/loans/{loan}/journal": "book",
    "GET /v1/loans/{loan}/classes": "book",
    "GET /v1/loans/{loan}/quote": "book",
    "GET /v1/loans/{loan}/collateral": "book",
    "GET /v1/loans/{loan}/guarantors": "book",
    "POST /v1/loans/{loan}:disburse": "disburse",
    "POST /v1/loans/{loan}:repay": "collect",
    "POST /v1/loans/{loan}:prepay": "collect",
    "POST /v1/loans/{loan}:close": "collect",
    "POST /v1/loans/{loan}:charge": "adjust",
    "POST /v1/loans/{loan}:reverse": "adjust",
    "POST /v1/loans/{loan}:waive": "adjust",
    "POST /v1/loans/{loan}:write_off": "adjust",
    "POST /v1/loans/{loan}:reschedule": "adjust",
    "POST /v1/loans/{loan}/collateral": "originate",
    "POST /v1/loans/{loan}/guarantors": "originate",
    "GET /api/portfolio/summary": "portfolio",
    "GET /api/portfolio/npa-analysis": "portfolio",
    "GET /api/portfolio/repayment-stats": "portfolio",
    "GET /api/portfolio/collateral-analysis": "portfolio",
    "GET /api/portfolio/loan-distribution": "portfolio",
    "POST /api/portfolio/stress": "portfolio",
    "GET /v1/portfolio/provisions": "portfolio",
    "GET /v1/portfolio/expected-loss": "portfolio",
    "GET /v1/portfolio/expected-loss/loans": "portfolio",
    "POST /api/portfolio/policy-whatif": "portfolio",
    "GET /v1/warnings": "portfolio",
    "POST /v1/loans/{loan}/warnings/{reason}:assign": "adjust",
    "POST /v1/loans/{loan}/warnings/{reason}:snooze": "originate",
    "POST /v1/loans/{loan}/warnings/{reason}:wake": "originate",
    **{
        f"GET /v1/portfolio/{name}{part}": "portfolio"
        for name in (
            *("par", "ageing", "asset-classes", "collection-efficiency", "concentration"),
            *("next-npa", "early-warning", "month-ageing", "month-asset-classes"),
            *("npa-movement", "roll-rates", "cure-rates", "vintages", "cohorts"),
        )
        for part in ("", "/loans")
    },
    "GET /api/portfolio/alerts": "alerts",
    "GET /v1/webhooks": "administer",
    "POST /v1/webhooks": "administer",
    "POST /v1/webhooks/{webhook}:rotate": "administer",
    "POST /v1/webhooks/{webhook}:finish_rotation": "administer",
    "POST /v1/webhooks/{webhook}:disable": "administer",
    "GET /v1/webhooks/{webhook}/messages": "administer",
    "POST /v1/messages/{message}:replay": "administer",
    "POST /v1/imports": "administer",
    "GET /v1/audit": "audit",
    "GET /v1/rules": "book",
    "GET /health": "none",
    "GET /health/live": "none",
    "GET /health/ready": "none",
    "GET /metrics": "metrics",
    "GET /docs": "none",
    "GET /openapi.json": "none",
}
MAY = {
    "applications": {"admin", "officer", "manager", "risk", "auditor", "client"},
    "apply": {"admin", "officer", "manager", "client"},
    "book": {"admin", "officer", "collector", "manager", "risk", "auditor"},
    "portfolio": {"admin", "officer", "manager", "risk", "auditor"},
    "alerts": {"admin", "risk", "auditor"},
    "originate": {"admin", "officer", "manager"},
    "decide": {"admin", "manager"},
    "disburse": {"admin", "officer", "manager"},
    "collect": {"admin", "officer", "collector", "manager"},
    "adjust": {"admin", "manager"},
    "audit": {"admin", "auditor"},
    "administer": {"admin"},
    "metrics": {"admin", "auditor", "risk"},
}
ROLE_NAMES = (*ROLES, "visitor", None)


@pytest.fixture
def guarded(database_url: str, issuer: Issuer) -> Iterator[BookClient]:
    """The application for holders of tokens."""
    with client_on(database_url, **issuer.settings(), RATE_LIMIT="off") as client:
        yield client


def bearer(issuer: Issuer, role: str | None, **claims: Any) -> dict[str, str]:  # noqa: ANN401 -- claims
    token = issuer.token(roles=role and [role], sub=f"{role}", **claims)
    return {"authorization": f"Bearer {token}"}


def concrete(path: str) -> str:
    for name, value in (
        ("loan", "loan_"),
        ("application", "app_"),
        ("request", "item_"),
        ("webhook", "item_"),
    ):
        path = path.replace(f"{{{name}}}", value + 32 * "0")
    path = path.replace("{reason}", "score_down")
    return path.replace("{customer}", "99").replace("{message}", 32 * "0")


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_a_role_may_call_what_the_matrix_says_and_nothing_else(
    role: str | None, guarded: BookClient, issuer: Issuer
) -> None:
    guarded.headers = bearer(issuer, role, branches=[1], customer_id=99)
    for route, need in NEEDS.items():
        method, path = route.split(" ")
        status = guarded(method, concrete(path)).status_code
        is_allowed = need == "none" or role in MAY[need]
        assert (status == 403) != is_allowed, (route, status)
        assert status not in {401, 500}, route


def test_without_a_token_nothing_but_the_open_routes_answers(guarded: BookClient) -> None:
    for route, need in NEEDS.items():
        method, path = route.split(" ")
        assert (guarded(method, concrete(path)).status_code == 401) == (need != "none"), route


def test_the_matrix_has_every_route_and_every_role(guarded: BookClient) -> None:
    served = {
        f"{method} {route.path}"  # type: ignore[attr-defined]
        for route in guarded.app.routes
        for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
    }
    assert served == set(NEEDS)
    for role, scopes in ROLES.items():
        for scope, roles in MAY.items():
            assert (scope in scopes) == (role in roles), (role, scope)


@pytest.fixture
def two_branches(guarded: BookClient, issuer: Issuer) -> tuple[str, int]:
    """A loan and its customer in branch 2; both branches have a customer."""
    engine = create_engine(guarded.url)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO branches VALUES (2, 'Second')"))
    engine.dispose()
    guarded.headers = bearer(issuer, "admin")
    guarded.register()
    customer = guarded.register(branch_id=2)
    return guarded.disburse(customer), customer


def test_an_officer_sees_its_branches_and_nothing_of_the_others(
    guarded: BookClient, issuer: Issuer, two_branches: tuple[str, int]
) -> None:
    loan, customer = two_branches
    application = guarded.loan(loan)["application_id"]
    guarded.headers = bearer(issuer, "officer", branches=[1])
    for method, path, body in (
        ("GET", f"/api/customers/{customer}", None),
        ("GET", f"/v1/loans/{loan}", None),
        ("GET", f"/v1/loans/{loan}/schedule", None),
        ("GET", f"/v1/loans/{loan}/transactions", None),
        ("GET", f"/v1/loans/{loan}/quote", None),
        ("GET", f"/v1/loans/{loan}/journal", None),
        ("GET", f"/v1/loans/{loan}/classes", None),
        ("GET", f"/v1/loans/{loan}/guarantors", None),
        ("GET", f"/api/loans/applications/{application}", None),
        ("POST", f"/v1/loans/{loan}:repay", {"amount": "1"}),
        ("POST", "/api/loans/apply", {"customer_id": customer, **TERMS}),
        ("POST", f"/v1/customers/{customer}/kyc", PERSON["kyc"]),
    ):
        assert guarded(method, path, body).status_code == 404, path
    assert guarded.ok("GET", "/api/customers/")["total"] == 1
    assert guarded.ok("GET", "/api/loans/loans")["loans"] == []
    assert guarded.ok("GET", "/api/portfolio/summary")["loan_statistics"]["total_loans"] == 0
    refused = guarded("POST", "/api/customers/register", {**PERSON, "branch_id": 2})
    assert refused.status_code == 403
    guarded.headers = bearer(issuer, "officer", branches=[1, 2])
    assert guarded.ok("GET", "/api/customers/")["total"] == 2
    guarded.ok("POST", f"/v1/loans/{loan}:repay", {"amount": "1"})
    guarded.headers = bearer(issuer, "officer")
    assert guarded.ok("GET", "/api/customers/")["total"] == 0


def test_every_row_of_another_branch_is_hidden_in_every_table(
    guarded: BookClient, two_branches: tuple[str, int]
) -> None:
    assert guarded.loan(two_branches[0])["branch_id"] == 2
    engine = create_engine(guarded.url)
    query = """
        SELECT table_name FROM information_schema.columns
        WHERE column_name = 'branch_id' AND table_schema = 'public' AND table_name <> 'audit'"""
    with engine.connect() as connection:
        names = connection.execute(text(query)).scalars().all()
        connection.execute(text("SET ROLE lending_branch"))
        connection.execute(text("SET lending.branches = '1'"))
        for name in names:
            count = f"SELECT count(*) FROM {name} WHERE branch_id = 2"  # noqa: S608 -- our tables
            assert connection.execute(text(count)).scalar_one() == 0, name
        assert {"loans", "repayments", "journal_lines", "instalments", "decisions"} <= set(names)
    engine.dispose()


def test_a_client_sees_and_accepts_its_own_offers_only(
    guarded: BookClient, issuer: Issuer, two_branches: tuple[str, int]
) -> None:
    _, customer = two_branches
    other = guarded.apply(guarded.register())["application_id"]
    own = guarded.apply(customer)
    path = f"/v1/applications/{own['application_id']}"
    review = {"code": "seen", "note": "In order"}
    guarded.ok("POST", f"{path}:approve", review, if_match='"1"')
    guarded.headers = bearer(issuer, "client", customer_id=customer)
    listed = guarded.ok("GET", "/api/loans/applications")["applications"]
    assert {row["customer_id"] for row in listed} == {customer}
    assert guarded("GET", f"/api/loans/applications/{other}").status_code == 404
    assert guarded("POST", f"/v1/applications/{other}:withdraw").status_code == 404
    assert guarded.ok("POST", f"{path}:accept")["customer_id"] == customer
    assert guarded.ok("POST", "/api/loans/apply", {"customer_id": customer, **TERMS})


def test_another_callers_key_is_another_key(
    guarded: BookClient, issuer: Issuer, two_branches: tuple[str, int]
) -> None:
    loan, _ = two_branches
    path = f"/v1/loans/{loan}:repay"
    guarded.headers = bearer(issuer, "admin")
    guarded.ok("POST", path, {"amount": "1"}, idempotency_key="same")
    guarded.headers = bearer(issuer, "collector", branches=[2])
    response = guarded("POST", path, {"amount": "2"}, idempotency_key="same")
    assert response.status_code == 201
    assert "idempotency-replayed" not in response.headers


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("write_off", {"kind": "technical", "reason": "No recovery expected"}),
        ("waive", {"amount": "1000.01", "component": "fee", "reason": "Goodwill"}),
    ],
)
def test_what_costs_the_lender_much_needs_a_second_person(
    action: str,
    body: dict[str, str],
    guarded: BookClient,
    issuer: Issuer,
    two_branches: tuple[str, int],
) -> None:
    path = f"/v1/loans/{two_branches[0]}:{action}"
    fee = {"amount": "5000", "note": "Collection"}
    guarded.ok("POST", f"/v1/loans/{two_branches[0]}:charge", fee)
    guarded.headers = bearer(issuer, "manager", branches=[2])
    first = guarded("POST", path, body)
    assert (first.status_code, first.json()["status"]) == (202, "awaiting_second_person")
    assert guarded.loan(two_branches[0])["due_fees"] == "5000.00"
    again = guarded("POST", path, body)
    assert again.status_code == 403
    assert "another person has to send the same request" in again.json()["detail"]
    guarded.headers = bearer(issuer, "admin")
    other = guarded("POST", path, {**body, "reason": "Another"})
    assert other.status_code == 202  # another request, which waits for its own second person
    assert guarded("POST", path, body).status_code == 201
    assert guarded.loan(two_branches[0])["due_fees"] != "5000.00"
    engine = create_engine(guarded.url)
    with engine.connect() as connection:
        query = text("SELECT posted_by, approved_by FROM adjustments")
        assert [tuple(row) for row in connection.execute(query)] == [
            ("subject manager", "subject admin")
        ]
    engine.dispose()


def test_a_small_waiver_needs_one_person(
    guarded: BookClient, issuer: Issuer, two_branches: tuple[str, int]
) -> None:
    guarded.headers = bearer(issuer, "manager", branches=[2])
    body = {"amount": "1000", "component": "fee", "reason": "Goodwill"}
    assert guarded("POST", f"/v1/loans/{two_branches[0]}:waive", body).status_code == 201


@pytest.mark.parametrize("kind", ["lending module", "lending framework"])
def test_both_commands_serve_the_book(kind: ServerKind, database_url: str, tmp_path: Path) -> None:
    with running_server(tmp_path / "log", kind, DATABASE_URL=database_url) as server:
        assert server.client.get("/health").json()["database"] == "connected"
        assert server.client.get("/api/portfolio/summary").status_code == 200


def test_the_document_describes_every_route_and_the_file_is_that_document() -> None:
    document = openapi()
    described = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert described | {"GET /docs", "GET /openapi.json"} == set(NEEDS)
    stored = json.loads((REPOSITORY / "docs/openapi-lending.json").read_text())
    assert stored == json.loads(json.dumps(document))


@pytest.mark.soak
@pytest.mark.slow
def test_whatever_the_document_allows_is_answered_as_it_says_without_a_crash(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with running_server(tmp_path / "log", "lending module", DATABASE_URL=database_url) as server:
        url = f"{server.client.base_url}/openapi.json"
        command = [str(CLI), "run", url, "--checks", CHECKS, "--phases", "fuzzing"]
        command += ["--max-examples", str(max(5, counts().schema_examples // 5)), "--seed", "18"]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-3000:]
