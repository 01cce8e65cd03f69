"""Templates of notices: what each law wants said, in plain words, with a version.

No template is legal advice: a lawyer must approve the text before it is sent, and says so in it.
`{lender}` and `{address}` stand for the creditor, `{agency}` for the authority that supervises it,
`{application}` for the number of the application, `{review_path}` for the route that puts it into
the queue of reviews.
"""

from collections.abc import Mapping
from dataclasses import dataclass

APPROVAL = "A lawyer must approve this template before a notice is sent."
BY_MODEL = (
    "A computer program made this decision. It looked at what you told us and at how earlier loans"
    " were repaid. From that it worked out how likely it is that this loan would not be paid back."
    " If that is above our limit, we do not lend. The limit is the same for everybody."
)
BY_PERSON = "A person made this decision. A computer program had worked out the risk before."
REVIEW = (
    "You can ask for a person to look at your application again. It costs nothing. Sign in on our"
    " website, open the page “My applications”, choose this application and press “Ask for a review"
    " by a person”. Or write to {lender}, {address}, and give the application number"
    " {application}. (For programs: POST {review_path}.)"
)
# A person who has decided is asked again in writing: the queue has what no person has seen.
REVIEWED = (
    "If you think that this decision is wrong, write to {lender}, {address}, and give the"
    " application number {application}. Say what you think is wrong. It costs nothing."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeTemplate:
    """One template: a heading, what stands before the reasons, and what stands after them.

    `needs_bureau_report` is for decisions in which a report of a credit bureau was used.
    `says_how` adds whether a program or a person decided.
    """

    name: str
    version: int
    source: str
    heading: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    needs_bureau_report: bool = False
    says_how: bool = False


DECLINED = "We are sorry. We cannot give you the loan that you applied for."
ECOA = (
    "Notice: The federal Equal Credit Opportunity Act prohibits creditors from discriminating"
    " against credit applicants on the basis of race, color, religion, national origin, sex,"
    " marital status, age (provided the applicant has the capacity to enter into a binding"
    " contract); because all or part of the applicant's income derives from any public assistance"
    " program; or because the applicant has in good faith exercised any right under the Consumer"
    " Credit Protection Act. The federal agency that administers compliance with this law"
    " concerning this creditor is {agency}."
)
US_ECOA = NoticeTemplate(
    name="us_ecoa",
    version=2,
    source="12 CFR 1002.9(a)(2), (b)(1) and (b)(2)",
    heading="Statement of credit denial",
    before=(DECLINED, "These are the main reasons for our decision:"),
    after=(REVIEW, ECOA),
)
US_ECOA_FCRA = NoticeTemplate(
    name="us_ecoa_fcra",
    version=2,
    source="12 CFR 1002.9(a)(2) and (b); 15 USC 1681m(a)",
    heading="Statement of credit denial",
    before=(DECLINED, "These are the main reasons for our decision:"),
    after=(
        REVIEW,
        (
            "Our decision was based in whole or in part on information in a report about you from "
            "{bureau}, a consumer reporting agency: {bureau_address}, telephone "
            "{bureau_telephone} (free of charge)."
        ),
        "The agency did not make the decision, and cannot tell you why it was made.",
        (
            "You have a right to a free copy of your report from the agency, if you ask for it "
            "within 60 days after you receive this notice. If something in it is wrong or "
            "missing, you have a right to dispute it with the agency."
        ),
        (
            "We also got your credit score from the agency and used it. It was {score} on "
            "{scored_on}. Scores go from {lowest} to {highest}. These things lowered it most: "
            "{key_factors}."
        ),
        ECOA,
    ),
    needs_bureau_report=True,
)
EU_CCD2 = NoticeTemplate(
    name="eu_ccd2",
    version=2,
    source="Directive (EU) 2023/2225, Art. 18(8) and (9); Regulation (EU) 2016/679, Art. 22",
    heading="Decision on your application for credit",
    before=(DECLINED,),
    after=(
        (
            "You have the right to have a person look at your application, to have the assessment "
            "and the decision explained to you, to say what you think of them, and to have them "
            "reviewed."
        ),
        REVIEW,
        (
            "If you worry about debts, an independent debt advice service can help you. We send "
            "you addresses near you if you ask."
        ),
        "You can complain about this decision to {agency}.",
    ),
    says_how=True,
)
IN_FAIR_PRACTICES = NoticeTemplate(
    name="in_fair_practices",
    version=2,
    source="Reserve Bank of India, Guidelines on Fair Practices Code for Lenders",
    heading="Rejection of your loan application",
    before=(DECLINED, "These are the main reasons for our decision:"),
    after=(
        REVIEW,
        (
            "If you think that a reason is wrong, you can also complain to our grievance officer: "
            "{lender}, {address}. Give the application number {application}."
        ),
        (
            "If you have no answer within a month, or the answer does not satisfy you, you can "
            "turn to {agency}."
        ),
    ),
)
TEMPLATES: Mapping[str, NoticeTemplate] = {
    template.name: template for template in (US_ECOA, US_ECOA_FCRA, EU_CCD2, IN_FAIR_PRACTICES)
}
