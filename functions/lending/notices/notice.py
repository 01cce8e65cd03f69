"""One notice: built from what was recorded with the decision, as paragraphs, JSON or a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from typing_extensions import TypedDict

from functions.lending.actions.cases import Case
from functions.lending.errors import TransitionError
from functions.lending.notices.templates import (
    APPROVAL,
    BY_MODEL,
    BY_PERSON,
    REVIEW,
    REVIEWED,
    NoticeTemplate,
)
from functions.lending.storage.identifiers import public_id

MOST_REASONS = 4
BUREAU = ("name", "address", "telephone", "score", "lowest", "highest", "scored_on", "key_factors")
STYLE = """
body { font: 12pt/1.5 Georgia, serif; max-width: 40em; margin: 2em auto; padding: 0 1em }
header, footer { font-size: 10pt } li { margin: 0.3em 0 }
.review { border: 1px solid; padding: 0.5em; font-family: sans-serif }
@page { size: A4; margin: 25mm } @media print { .review { display: none } }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lender:
    """In whose name notices are: the creditor, its address, and who supervises it."""

    name: str
    address: str
    agency: str


class NoticeReply(TypedDict):
    """A notice: `paragraphs` in their order, with `reasons` after the one that announces them."""

    template: str
    template_version: int
    source: str
    approval: str
    language: str
    application_id: str
    action: str
    lender: str
    lender_address: str
    applied_on: str
    decided_at: datetime
    loan_amount: str
    loan_tenure_months: int
    loan_purpose: str
    review_path: str | None
    heading: str
    before: list[str]
    reasons: list[str]
    after: list[str]


def notice_from_case(case: Case, template: NoticeTemplate, lender: Lender) -> NoticeReply:
    """Build the notice of a declined application, from its record and nothing else.

    Raises
    ------
    TransitionError
        If it was not declined, or its record lacks what the template has to say.
    """
    decision = case.decisions[-1] if case.decisions else None
    if case.status != "rejected" or decision is None:
        message = f"the application is {case.status}: only a declined one has a notice"
        raise TransitionError(message)
    application = public_id("app", case.name)
    is_automated = decision["is_automated"]
    review_path = f"/v1/applications/{application}:request_review" if is_automated else None
    after = [REVIEWED if p == REVIEW and not is_automated else p for p in template.after]
    words = {"lender": lender.name, "address": lender.address, "agency": lender.agency}
    words |= {"application": application, "review_path": review_path or ""}
    if template.needs_bureau_report:
        words |= _bureau_words(case)
    how = [BY_MODEL if is_automated else BY_PERSON] if template.says_how else []
    announcement = ["These are the main reasons for our decision:"] if template.says_how else []
    return {
        "template": template.name,
        "template_version": template.version,
        "source": template.source,
        "approval": APPROVAL,
        "language": "en",
        "application_id": application,
        "action": "declined",
        "lender": lender.name,
        "lender_address": lender.address,
        "applied_on": case.columns["business_date"].isoformat(),
        "decided_at": decision["created_at"],
        "loan_amount": str(case.columns["amount"]),
        "loan_tenure_months": case.columns["months"],
        "loan_purpose": case.columns["purpose"],
        "review_path": review_path,
        "heading": template.heading,
        "before": [*(p.format(**words) for p in template.before), *how, *announcement],
        "reasons": _reasons(case, decision),
        "after": [paragraph.format(**words) for paragraph in after],
    }


def html_from_notice(notice: NoticeReply) -> str:
    """Write a notice as a page that prints on A4; what is for the lender does not print."""
    terms = f"{notice['loan_amount']} over {notice['loan_tenure_months']} months"
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f"<title>{escape(notice['heading'])}</title><style>{STYLE}</style></head><body>",
            (
                f'<p class="review">{escape(notice["approval"])} Template '
                f"{escape(notice['template'])}, version {notice['template_version']}.</p>"
            ),
            (
                f"<header><p>{escape(notice['lender'])}<br>{escape(notice['lender_address'])}</p>"
                f"<p>{notice['decided_at']:%d %B %Y}<br>Application "
                f"{escape(notice['application_id'])} of {escape(notice['applied_on'])}: "
                f"{escape(terms)}, {escape(notice['loan_purpose'])}</p></header>"
            ),
            f"<h1>{escape(notice['heading'])}</h1>",
            *_paragraphs(notice["before"]),
            "<ul>",
            *(f"<li>{escape(reason)}</li>" for reason in notice["reasons"]),
            "</ul>",
            *_paragraphs(notice["after"]),
            "</body></html>",
        ]
    )


def _paragraphs(texts: Sequence[str]) -> list[str]:
    return [f"<p>{escape(text)}</p>" for text in texts]


def _reasons(case: Case, decision: Mapping[str, Any]) -> list[str]:
    """Return the sentences of the record; a person who decided on a model's case has the model's.

    Codes stay inside: they mean nothing to an applicant.
    """
    automated = case.automated
    recorded = decision["reasons"] or (automated["reasons"] if automated else [])
    if not recorded:
        message = "the record of the decision holds no reasons: a notice has to name them"
        raise TransitionError(message)
    return [reason["text"] for reason in recorded[:MOST_REASONS]]


def _bureau_words(case: Case) -> dict[str, str]:
    """Return what the record says of a credit bureau's report."""
    automated = case.automated
    report = automated["inputs"].get("bureau_report") if automated else None
    missing = [name for name in BUREAU if not report or name not in report]
    if report is None or missing:
        message = (
            "the record of the decision holds no report of a credit bureau, or not all of it"
            f" (missing: {', '.join(missing)}): use the template us_ecoa"
        )
        raise TransitionError(message)
    factors = "; ".join(map(str, report["key_factors"]))
    words = {n: str(report[n]) for n in ("score", "lowest", "highest", "scored_on")}
    words |= {"bureau": str(report["name"]), "bureau_address": str(report["address"])}
    return words | {"bureau_telephone": str(report["telephone"]), "key_factors": factors}
