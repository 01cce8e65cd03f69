"""Templates of notices: what each law wants said, in plain words, with a version.

No template is legal advice: a lawyer must approve the text before it is sent, and says so in it.
`{lender}` and `{address}` stand for the creditor, `{agency}` for the authority that supervises it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

APPROVAL = "A lawyer must approve this template before a notice is sent."
BY_MODEL = (
    "The decision was made by a computer program. It compared the facts of the application with"
    " loans that were granted before, estimated how likely it is that this loan is not repaid, and"
    " compared the estimate with a limit that is the same for everybody."
)
BY_PERSON = "A person made the decision. A computer program had estimated the risk before."


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


DECLINED = "We are sorry: we cannot grant the loan that you applied for."
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
    version=1,
    source="12 CFR 1002.9(a)(2), (b)(1) and (b)(2)",
    heading="Statement of credit denial",
    before=(DECLINED, "These are the principal reasons for our decision:"),
    after=(ECOA,),
)
US_ECOA_FCRA = NoticeTemplate(
    name="us_ecoa_fcra",
    version=1,
    source="12 CFR 1002.9(a)(2) and (b); 15 USC 1681m(a)",
    heading="Statement of credit denial",
    before=(DECLINED, "These are the principal reasons for our decision:"),
    after=(
        (
            "Our decision was based in whole or in part on information in a report from {bureau}, "
            "{bureau_address}, telephone {bureau_telephone} (toll-free)."
        ),
        (
            "The consumer reporting agency did not make the decision, and cannot tell you the "
            "reasons for it."
        ),
        (
            "You have a right to a free copy of your report from the agency, if you ask for it "
            "within 60 days after you receive this notice. You have a right to dispute with the "
            "agency whatever is inaccurate or incomplete in it."
        ),
        (
            "We also obtained your credit score from the agency and used it. It was {score} on "
            "{scored_on}. Scores range from {lowest} to {highest}. The key factors that lowered "
            "it: {key_factors}."
        ),
        ECOA,
    ),
    needs_bureau_report=True,
)
EU_CCD2 = NoticeTemplate(
    name="eu_ccd2",
    version=1,
    source="Directive (EU) 2023/2225, Art. 18(8) and (9); Regulation (EU) 2016/679, Art. 22",
    heading="Decision on your application for credit",
    before=(DECLINED,),
    after=(
        (
            "You have the right to have a person look at your application, to have the assessment "
            "and the decision explained, to say what you think of them, and to have them reviewed. "
            "Write to {lender}, {address}, and name the number of the application. This costs "
            "nothing."
        ),
        (
            "If your debts worry you, an independent debt advisory service can help you. Ask us "
            "for the addresses of those near you."
        ),
        "You can complain about this decision to {agency}.",
    ),
    says_how=True,
)
IN_FAIR_PRACTICES = NoticeTemplate(
    name="in_fair_practices",
    version=1,
    source="Reserve Bank of India, Guidelines on Fair Practices Code for Lenders",
    heading="Rejection of your loan application",
    before=(DECLINED, "These are the main reasons which led to the rejection:"),
    after=(
        (
            "If you think that a reason is not right, write to our grievance officer: {lender}, "
            "{address}. Name the number of the application."
        ),
        "If you are not satisfied with the answer within a month, you can turn to {agency}.",
    ),
)
TEMPLATES: Mapping[str, NoticeTemplate] = {
    template.name: template for template in (US_ECOA, US_ECOA_FCRA, EU_CCD2, IN_FAIR_PRACTICES)
}
