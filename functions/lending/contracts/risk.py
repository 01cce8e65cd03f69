"""Provisions, expected loss and stress of the book."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.lending.actions import risk_figures
from functions.lending.actions.risk_figures import Wanted
from functions.lending.contracts.documents import number_schema, query_parameter
from functions.lending.contracts.edge import Book, QueryReader, parse_body
from functions.lending.requests import StressBody, day_from_text
from functions.lending.storage.identifiers import identifier_from_text
from functions.lending.storage.transaction import Transaction
from functions.web.bodies import json_response, read_json_object
from functions.web.contract import Contract
from functions.web.openapi import Operation, Schema, reference
from functions.web.problems import Fault
from models.lending.expected_loss_rules import EXPECTED_LOSS_RULES
from models.lending.provision_rules import RBI_PROVISIONS_2025
from models.lending.stress import SCENARIO_INPUTS, STANDARD_SCENARIOS, own_scenario

STRESS = "/api/portfolio/stress"
PROVISIONS, EXPECTED_LOSS = "/v1/portfolio/provisions", "/v1/portfolio/expected-loss"
LOANS = f"{EXPECTED_LOSS}/loans"
FIGURES: Mapping[str, Callable[[Wanted, Transaction], object]] = {
    PROVISIONS: risk_figures.describe_provisions,
    EXPECTED_LOSS: risk_figures.describe_expected_loss,
    LOANS: risk_figures.list_risk_loans,
}
MOST_LOANS, USUAL_LOANS = 200, 50


def contract(book: Book) -> Contract:
    """Every figure that a report stands behind."""
    return Contract(
        tag="Risk",
        routes=[
            *(
                Route(path, partial(_read, book, path), methods=["GET"])
                for path in (PROVISIONS, EXPECTED_LOSS, LOANS)
            ),
            Route(STRESS, partial(_stress, book), methods=["POST"]),
        ],
        scopes={f"GET {path}": "portfolio" for path in FIGURES} | {f"POST {STRESS}": "portfolio"},
        paths=_paths,
    )


async def _read(book: Book, path: str, request: Request) -> Response:
    wanted = _wanted(QueryReader(request), is_list=path == LOANS)
    return json_response(await book.read(request, partial(FIGURES[path], wanted)))


async def _stress(book: Book, request: Request) -> Response:
    QueryReader(request).reject()
    body = parse_body(StressBody, await read_json_object(request))
    scenario = (
        STANDARD_SCENARIOS[body.scenario]
        if body.scenario
        else own_scenario({name: getattr(body, name) for name in SCENARIO_INPUTS})
    )
    # It computes with numpy, which takes a while to import and which nothing else here needs.
    from functions.lending.actions.stress import StressRequest, stress_book  # noqa: PLC0415

    wanted = StressRequest(scenario, body.rule_set, body.as_of)
    return json_response(await book.read(request, partial(stress_book, wanted)))


def _wanted(query: QueryReader, *, is_list: bool) -> Wanted:
    rule_set = query.choice("rule_set", {name: name for name in EXPECTED_LOSS_RULES}) or "ifrs9"
    day = _read_day(query)
    if not is_list:
        query.reject()
        return Wanted(rule_set, day)
    stage = query.choice("stage", {str(number): str(number) for number in range(4)})
    classes = {name: name for name in RBI_PROVISIONS_2025.asset_classes}
    after = query.text("after")
    identifier = identifier_from_text("loan", after) if after else None
    if after is not None and identifier is None:
        query.faults.append(Fault("query.after", "must be the next_after of the page before"))
    wanted = Wanted(
        rule_set,
        day,
        int(stage) if stage else None,
        query.choice("asset_class", classes),
        identifier,
        query.number("limit", USUAL_LOANS, 1, MOST_LOANS),
    )
    query.reject()
    return wanted


def _read_day(query: QueryReader) -> date | None:
    value = query.text("as_of")
    if value is None:
        return None
    try:
        return day_from_text(value)
    except ValueError as error:
        query.faults.append(Fault("query.as_of", str(error)))
        return None


def _paths() -> dict[str, Any]:
    from functions.lending.actions.stress import StressReply  # noqa: PLC0415 -- likewise

    names: Schema = {"type": "string", "enum": [*EXPECTED_LOSS_RULES], "default": "ifrs9"}
    report = [
        query_parameter("rule_set", names),
        query_parameter("as_of", {"type": "string", "format": "date"}),
    ]
    loans = [
        *report,
        query_parameter("stage", {"type": "string", "enum": ["0", "1", "2", "3"]}),
        query_parameter(
            "asset_class", {"type": "string", "enum": [*RBI_PROVISIONS_2025.asset_classes]}
        ),
        query_parameter("after", {"type": "string", "pattern": "^loan_[0-9a-f]{32}$"}),
        query_parameter("limit", number_schema(1, MOST_LOANS, USUAL_LOANS)),
    ]
    gets = (
        (PROVISIONS, "Sum provisions up by asset class", risk_figures.ProvisionsReply, report),
        (EXPECTED_LOSS, "Sum expected loss up by stage", risk_figures.ExpectedLossReply, report),
        (LOANS, "List the loans of a report", risk_figures.RiskLoansReply, loans),
    )
    stressing = Operation(
        "Stress the book by a scenario", reference(StressBody.__name__), StressReply
    )
    return {
        path: {"get": Operation(summary, response=kind, parameters=parameters)}
        for path, summary, kind, parameters in gets
    } | {STRESS: {"post": stressing}}
