"""Notices: the record's reasons and nothing that an applicant must not or cannot read."""

import itertools
import random
import re
import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from functions.lending.actions.cases import Case
from functions.lending.errors import TransitionError
from functions.lending.notices.notice import (
    Lender,
    NoticeReply,
    html_from_notice,
    notice_from_case,
)
from functions.lending.notices.templates import APPROVAL, TEMPLATES
from models.catalogue.instalment import Instalment
from models.contract import characteristics
from models.scorer import Decision, Scorer
from tests.support.published import CALIBRATION, CUTOFFS, ROWS, _estimator
from tests.support.running import REPOSITORY

LENDER = Lender(
    name="Example Bank <Ltd>", address="1 Example Street", agency="Example Authority, 2 High Street"
)
REPORT = {
    "name": "Example Bureau",
    "address": "3 Low Street",
    "telephone": "800 555 0100",
    "score": 540,
    "lowest": 300,
    "highest": 850,
    "scored_on": "2026-01-04",
    "key_factors": ["Late payments", "Many inquiries"],
}
TYPICAL = Instalment.model_validate(ROWS["instalment"])
LANGUAGE = REPOSITORY / "functions/dashboard/languages/en.toml"
NAMES = ("us_ecoa", "eu_ccd2", "in_fair_practices")


def declined_case(application: Instalment, decision: Decision, **changes: Any) -> Case:  # noqa: ANN401 -- columns
    """What is recorded of an application that the model declined."""
    columns = {
        "id": UUID(int=7),
        "customer_id": 1101,
        "branch_id": 1,
        "status": "rejected",
        "amount": Decimal(repr(application.loan_amount)),
        "months": application.loan_tenure_months,
        "purpose": application.loan_purpose,
        "business_date": date(2026, 1, 5),
    }
    record = {
        "is_automated": True,
        "outcome": "rejected",
        "created_at": datetime(2026, 1, 5, tzinfo=UTC),
        "credit_score": 98765,
        "model": "instalment",
        "inputs": application.model_dump(),
        "reasons": [
            {"code": reason.code, "text": reason.text, "points": reason.points}
            for reason in decision.reasons or ()
        ],
    }
    return Case(columns, (record | changes,), Decimal(80000))


def declined_cases(number: int) -> list[tuple[Instalment, Case]]:
    """Applications of people whom the model declines, at random."""
    chance = random.Random(19)  # noqa: S311 -- the same each time
    reference = {
        c.name: getattr(TYPICAL, c.name)
        for c in characteristics(Instalment)
        if not c.protected and not c.compute
    }
    estimator = _estimator(Instalment, TYPICAL)
    scorer = Scorer.from_catalogue(Instalment, estimator, CALIBRATION, reference, CUTOFFS)
    cases: list[tuple[Instalment, Case]] = []
    while len(cases) < number:
        application = Instalment(
            age=chance.randint(18, 80),
            employment_type=chance.choice(["salaried", "self_employed", "business", "contract"]),
            years_of_experience=chance.randint(0, 30),
            monthly_income=chance.randint(10_000, 60_000),
            other_instalments=chance.randint(0, 40_000),
            loan_amount=chance.randint(1_000_000, 5_000_000),
            loan_tenure_months=chance.choice([12, 36, 60]),
            interest_rate=chance.choice([9.5, 14.0, 24.0]),
            loan_purpose=chance.choice(["Education", "Medical", "Wedding"]),
        )
        [decision] = scorer.decide([application])
        if decision.decision == "decline":
            cases.append((application, declined_case(application, decision)))
    return cases


@pytest.fixture(scope="module")
def hundred() -> list[tuple[Instalment, Case]]:
    return declined_cases(100)


def words(notice: NoticeReply) -> str:
    """Everything that the applicant reads but the paragraphs that a law dictates."""
    return " ".join([notice["heading"], *notice["reasons"], *notice["before"]])


@pytest.mark.parametrize("name", NAMES)
def test_the_reasons_of_a_hundred_notices_are_the_records(
    name: str, hundred: list[tuple[Instalment, Case]]
) -> None:
    for _, case in hundred:
        notice = notice_from_case(case, TEMPLATES[name], LENDER)
        recorded = [reason["text"] for reason in case.decisions[0]["reasons"]]
        assert 1 <= len(recorded) <= 4
        assert notice["reasons"] == recorded
    assert len({tuple(case.decisions[0]["reasons"][0].items()) for _, case in hundred}) > 10


@pytest.mark.parametrize("name", NAMES)
def test_a_hundred_notices_show_no_protected_field_no_code_and_no_score(
    name: str, hundred: list[tuple[Instalment, Case]]
) -> None:
    protected = [c.name for c in characteristics(Instalment) if c.protected]
    assert protected == ["age"]
    for application, case in hundred:
        notice = notice_from_case(case, TEMPLATES[name], LENDER)
        shown_words = set(re.findall(r"\w+", words(notice).lower()))
        assert not {*protected, "gender", "religion", "score", "98765"} & shown_words
        assert application.age >= 18
        page = html_from_notice(notice)
        for reason in case.decisions[0]["reasons"]:
            assert reason["code"] not in page
            assert str(reason["points"]) not in page
        assert "98765" not in page
        assert "customer" not in notice


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_every_notice_says_where_to_ask_for_a_person_and_where_to_write(
    name: str, hundred: list[tuple[Instalment, Case]]
) -> None:
    """The page and its button by the words that they have, the route, and the address."""
    application, case = hundred[0]
    inputs = {**application.model_dump(), "bureau_report": REPORT}
    used = Case(case.columns, ({**case.decisions[0], "inputs": inputs},), case.monthly_income)
    notice = notice_from_case(used, TEMPLATES[name], LENDER)
    after = " ".join(notice["after"])
    number = notice["application_id"]
    assert notice["review_path"] == f"/v1/applications/{number}:request_review"
    words_of_pages = tomllib.loads(LANGUAGE.read_text())
    page_name, button = words_of_pages["pages"]["my_applications"], words_of_pages["mine"]["ask"]
    assert f"open the page “{page_name}”, choose this application and press “{button}”" in after
    assert f"rite to {LENDER.name}, {LENDER.address}, and give the application number" in after
    assert f"POST {notice['review_path']}" in after
    assert number in after


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_sentences_of_our_own_are_short(name: str, hundred: list[tuple[Instalment, Case]]) -> None:
    """At most 35 words, but for the paragraph that Regulation B dictates."""
    application, case = hundred[0]
    inputs = {**application.model_dump(), "bureau_report": REPORT}
    used = Case(case.columns, ({**case.decisions[0], "inputs": inputs},), case.monthly_income)
    notice = notice_from_case(used, TEMPLATES[name], LENDER)
    paragraphs = [*notice["before"], *notice["reasons"], *notice["after"]]
    own = [p for p in paragraphs if not p.startswith("Notice: The federal")]
    for sentence in itertools.chain.from_iterable(re.split(r"(?<=[.:])\s", p) for p in own):
        assert len(sentence.split()) <= 35, sentence


def test_every_template_says_that_a_lawyer_must_approve_it_and_does_not_print_it(
    hundred: list[tuple[Instalment, Case]],
) -> None:
    case = hundred[0][1]
    for name in NAMES:
        notice = notice_from_case(case, TEMPLATES[name], LENDER)
        assert notice["approval"] == APPROVAL
        page = html_from_notice(notice)
        assert f'<p class="review">{APPROVAL}' in page
        assert "@media print { .review { display: none } }" in page
        assert "Example Bank &lt;Ltd&gt;" in page
        assert "{" not in " ".join([*notice["before"], *notice["after"]])


def test_a_report_of_a_bureau_is_named_with_its_score_and_the_rights_it_gives(
    hundred: list[tuple[Instalment, Case]],
) -> None:
    application, case = hundred[0]
    with pytest.raises(TransitionError, match=r"no report of a credit bureau.*missing: name"):
        notice_from_case(case, TEMPLATES["us_ecoa_fcra"], LENDER)
    record = {
        **case.decisions[0],
        "inputs": {**application.model_dump(), "bureau_report": REPORT},
    }
    used = Case(case.columns, (record,), case.monthly_income)
    after = " ".join(notice_from_case(used, TEMPLATES["us_ecoa_fcra"], LENDER)["after"])
    for part in ("Example Bureau", "800 555 0100", "540", "300 to 850", "Many inquiries"):
        assert part in after
    assert "free copy" in after
    assert "Equal Credit Opportunity Act" in after


def test_a_notice_says_whether_a_program_or_a_person_decided(
    hundred: list[tuple[Instalment, Case]],
) -> None:
    """A person declined what a model had referred: the reasons are those of the model."""
    case = hundred[0][1]
    by_model = notice_from_case(case, TEMPLATES["eu_ccd2"], LENDER)
    assert by_model["before"][1].startswith("A computer program made this decision")
    person = {**case.decisions[0], "is_automated": False, "reasons": []}
    reviewed = Case(case.columns, (case.decisions[0], person), case.monthly_income)
    by_person = notice_from_case(reviewed, TEMPLATES["eu_ccd2"], LENDER)
    assert by_person["before"][1].startswith("A person made this decision")
    assert by_person["reasons"] == by_model["reasons"]


@pytest.mark.parametrize("name", NAMES)
def test_whom_a_person_declined_is_not_sent_to_a_queue_that_refuses(
    name: str, hundred: list[tuple[Instalment, Case]]
) -> None:
    case = hundred[0][1]
    person = {**case.decisions[0], "is_automated": False, "reasons": []}
    reviewed = Case(case.columns, (case.decisions[0], person), case.monthly_income)
    notice = notice_from_case(reviewed, TEMPLATES[name], LENDER)
    after = " ".join(notice["after"])
    assert notice["review_path"] is None
    assert "My applications" not in after
    assert "request_review" not in after
    assert f"write to {LENDER.name}, {LENDER.address}" in after


def test_a_record_without_reasons_makes_no_notice(
    hundred: list[tuple[Instalment, Case]],
) -> None:
    case = hundred[0][1]
    record = {**case.decisions[0], "reasons": []}
    with pytest.raises(TransitionError, match="holds no reasons"):
        notice_from_case(Case(case.columns, (record,), Decimal(1)), TEMPLATES["us_ecoa"], LENDER)


def test_an_application_that_was_not_declined_has_no_notice(
    hundred: list[tuple[Instalment, Case]],
) -> None:
    case = hundred[0][1]
    approved = Case({**case.columns, "status": "approved"}, case.decisions, Decimal(1))
    with pytest.raises(TransitionError, match="the application is approved: only a declined"):
        notice_from_case(approved, TEMPLATES["us_ecoa"], LENDER)
