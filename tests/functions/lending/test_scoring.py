"""Deciding over HTTP: the answer recorded as it is, and never one made up."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from functions.lending.actions.customers import age_on
from tests.support.lending import REVIEW, TERMS, BookClient, client_on

REASON = {"code": "I01", "text": "The instalment is high", "points": -12.5}


def answer(probability: float, decision: str) -> dict[str, Any]:
    """What the scoring function answers to `:explain`."""
    score = round(850 - 550 * probability)
    prediction = {
        "probability_of_default": probability,
        "credit_score": score,
        "variant": "champion",
    }
    prediction |= {"risk_level": "low", "decision": decision, "family": "logistic"}
    prediction |= {"model": "instalment", "model_version": "v1", "reasons": [REASON]}
    standing = {"log_odds": -1.0, "credit_score": 700.0}
    parts = [("age", -0.2), ("debt_to_income", 0.9), ("loan_purpose", -0.4)]
    contributions = [
        {"characteristic": name, "value": 1, "reference": 0, "log_odds": size, "points": -size}
        for name, size in parts
    ]
    explanation = {"base_of": "reference", "base": standing, "total": standing}
    return {
        "predictions": [prediction],
        "explanations": [explanation | {"contributions": contributions}],
    }


@dataclass
class ScoringServer:
    """A scoring function that answers as it is told, and what it was sent."""

    status: int = 200
    document: dict[str, Any] = field(default_factory=lambda: answer(0.1, "approve"))
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def scoring(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScoringServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ScoringServer()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            server.requests.append((self.headers["idempotency-key"], json.loads(body)))
            self.send_response(server.status)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(server.document).encode())

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as http:
        server.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield server
        http.shutdown()
        thread.join()


@contextmanager
def deciding(database_url: str, scoring: ScoringServer) -> Iterator[BookClient]:
    with client_on(database_url, SCORING_URL=scoring.url, SCORING_TIMEOUT_SECONDS="1") as book:
        yield book


@pytest.mark.parametrize(
    ("probability", "answered", "confidence"),
    [
        (0.1, ("approve", "Approved"), 0.9),
        (0.4, ("refer", "Pending"), 0.6),
        (0.7, ("decline", "Rejected"), 0.7),
    ],
)
def test_the_reply_is_what_the_model_said(
    probability: float,
    answered: tuple[str, str],
    confidence: float,
    database_url: str,
    scoring: ScoringServer,
) -> None:
    decision, status = answered
    scoring.document = answer(probability, decision)
    with deciding(database_url, scoring) as book:
        application = book.apply(book.register())
    assert application["status"] == status
    assert application["risk_probability"] == probability
    assert application["credit_score"] == round(850 - 550 * probability)
    assert application["model_confidence"] == pytest.approx(confidence)
    assert application["reasons"] == [REASON]
    assert application["contributors"] == [
        {"feature": "debt_to_income", "impact": 0.9},
        {"feature": "loan_purpose", "impact": -0.4},
        {"feature": "age", "impact": -0.2},
    ]
    [(key, sent)] = scoring.requests
    assert key == application["application_id"]
    assert sent["instances"] == [
        {
            "age": 35,
            "employment_type": "salaried",
            "years_of_experience": 9,
            "monthly_income": 80_000,
            "other_instalments": 0,
            "loan_amount": 120_000,
            "loan_tenure_months": 12,
            "interest_rate": 12,
            "loan_purpose": "Home Renovation",
        }
    ]


def test_without_an_answer_the_application_waits_and_is_asked_about_again(
    database_url: str, scoring: ScoringServer
) -> None:
    scoring.status = 503
    with deciding(database_url, scoring) as book:
        waiting = book.apply(book.register())
        assert (waiting["status"], waiting["pending_cause"]) == (
            *("Pending", "the scoring function does not answer"),
        )
        assert waiting["risk_probability"] is None
        scoring.status = 200
        path = f"/v1/applications/{waiting['application_id']}:decide"
        decided = book.ok("POST", path)
        assert decided["status"] == "Approved"
        count = len(scoring.requests)
        assert book.ok("POST", path) == decided
    assert len(scoring.requests) == count  # what is decided is not asked about again
    assert {key for key, _ in scoring.requests} == {waiting["application_id"]}


@pytest.mark.parametrize(
    ("status", "document", "cause"),
    [
        (200, {"predictions": []}, "the scoring function's answer cannot be read"),
        (404, {"title": "Not Found"}, "the model instalment refused the application"),
    ],
)
def test_an_answer_that_is_none_decides_nothing(
    status: int,
    document: dict[str, Any],
    cause: str,
    database_url: str,
    scoring: ScoringServer,
) -> None:
    scoring.status, scoring.document = status, document
    with deciding(database_url, scoring) as book:
        application = book.apply(book.register())
    assert application["status"] == "Pending"
    assert cause in application["pending_cause"]
    assert application["credit_score"] is None


def test_an_application_is_decided_once_however_often_it_is_sent(
    database_url: str, scoring: ScoringServer
) -> None:
    with deciding(database_url, scoring) as book:
        body = {"customer_id": book.register(), **TERMS}
        first = book("POST", "/api/loans/apply", body, idempotency_key="k")
        scoring.document = answer(0.9, "decline")
        assert book("POST", "/api/loans/apply", body, idempotency_key="k").json() == first.json()
    engine = create_engine(database_url)
    with engine.connect() as connection:
        counted = "SELECT count(*) FROM decisions"
        assert connection.execute(text(counted)).scalar_one() == 1
    engine.dispose()


def test_a_person_decides_where_the_model_refers_and_both_stay_on_record(
    database_url: str, scoring: ScoringServer
) -> None:
    scoring.document = answer(0.4, "refer")
    with deciding(database_url, scoring) as book:
        application = book.apply(book.register())
        assert application["pending_cause"] == "referred by the model"
        path = f"/v1/applications/{application['application_id']}:reject"
        etag = f'"{application["version"]}"'
        rejected = book.ok("POST", path, REVIEW, if_match=etag)
    assert (rejected["status"], rejected["decided_by"]) == ("Rejected", "local")
    assert rejected["risk_probability"] == 0.4


def test_other_instalments_of_the_customer_are_what_the_model_is_told(
    database_url: str, scoring: ScoringServer
) -> None:
    with deciding(database_url, scoring) as book:
        customer = book.register()
        name = book.apply(customer)["application_id"]
        book.ok("POST", f"/v1/applications/{name}:accept")
        book.apply(customer)
    assert scoring.requests[1][1]["instances"][0]["other_instalments"] == 10_661.85


def test_age_counts_whole_years_and_leap_days_fall_on_the_day_before() -> None:
    assert age_on(date(1990, 4, 12), date(2026, 4, 11)) == 35
    assert age_on(date(1990, 4, 12), date(2026, 4, 12)) == 36
    assert age_on(date(2000, 2, 29), date(2026, 2, 28)) == 26
