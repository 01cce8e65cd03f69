"""What was decided about an application, in words."""

from collections.abc import Sequence
from typing import Any, Literal

import streamlit as st

from functions.client.lending_responses import LoanApplicationReply, ReviewItem
from functions.dashboard.display import money, share, t, words

COLOURS: dict[str, Literal["success", "warning", "error", "info"]] = {
    "Approved": "success",
    "Accepted": "success",
    "Pending": "warning",
    "Rejected": "error",
}
ICONS = {"success": "check_circle", "warning": "hourglass_top", "error": "block", "info": "info"}


def decision_banner(application: LoanApplicationReply) -> None:
    """Say what was decided, how risky the application is, and what follows."""
    kind = COLOURS.get(application.status, "info")
    sentence = t(
        f"decision.{application.status.lower()}",
        amount=money(application.loan_amount),
        instalment=money(application.equal_instalment),
        months=application.loan_tenure_months,
    )
    show = {"success": st.success, "warning": st.warning, "error": st.error, "info": st.info}[kind]
    show(f"**{application.status}.** {sentence}", icon=f":material/{ICONS[kind]}:")
    if application.pending_cause:
        st.caption(t("decision.pending_cause", cause=words(application.pending_cause)))
    columns = st.columns(4)
    figures = (
        ("probability", share(application.risk_probability, 2)),
        ("score", str(application.credit_score or t("decision.none"))),
        ("band", words(application.risk_level or t("decision.none"))),
        ("instalment", money(application.equal_instalment)),
    )
    for column, (name, value) in zip(columns, figures, strict=True):
        column.metric(t(f"decision.{name}"), value, border=True)


def approval_cutoff(review: ReviewItem) -> float | None:
    """Return the probability of default from which the model does not approve, if it is fixed."""
    if review.risk_probability is None or review.distance is None:
        return None
    return review.risk_probability - review.distance


def recommendation(review: ReviewItem) -> None:
    """Say what the model would do, and from which probability on it does not approve."""
    if review.model_outcome is None:
        st.caption(t("decision.not_scored"))
        return
    cutoff = approval_cutoff(review)
    key = "decision.recommends" if cutoff is None else "decision.recommends_by"
    outcome = t(f"decision.would_{review.model_outcome}")
    st.caption(t(key, outcome=outcome, cutoff=share(cutoff, 2)))


def reason_sentences(application: LoanApplicationReply, *, has_codes: bool) -> None:
    """Write the reasons as the sentences that the applicant is given."""
    reasons: Sequence[dict[str, Any]] = application.reasons
    st.subheader(t("decision.reasons"))
    if not reasons:
        is_declined = application.status == "Rejected"
        st.write(t("decision.reasons_missing" if is_declined else "decision.no_reasons"))
    for reason in reasons:
        code = f" `{reason.get('code', '')}`" if has_codes else ""
        st.markdown(f"- {reason.get('text', '')}{code}")
    if reasons and has_codes:
        st.caption(t("decision.codes"))
