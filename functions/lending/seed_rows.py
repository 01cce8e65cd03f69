"""Rows of a seeded book: facts as files have them, states derived as for any other book."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from functions.lending.actions.cases import instalment_from_terms
from functions.lending.posting.ledger_rows import entry_rows
from functions.lending.posting.state_rows import instalment_values, loan_values, version_values
from functions.lending.storage.identifiers import new_id
from models.lending.borrower import ClassifiedLoan, derive_loans
from models.lending.facts import Disbursement, Repayment
from models.lending.ratios import debt_to_income_percent, loan_to_income
from models.lending.replay import Loan
from models.lending.rule_sets import DEFAULT_RULE_SET
from models.lending.terms import LoanProduct, LoanTerms

BRANCH, PRODUCT, PRINCIPAL = 1, 1, "seed"
KYC_YEARS = 10
Row = dict[str, Any]
Tables = dict[str, list[Row]]
Records = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """What every row of a seeded book needs: the product, the day that opens, and the time now."""

    product: LoanProduct
    day: date
    now: datetime


@dataclass(slots=True)
class SeededLoan:
    """One loan of the files, before it is derived."""

    loan_id: UUID
    application: Row
    terms: LoanTerms
    facts: list[Any] = field(default_factory=list)


def rows_from_records(files: Mapping[str, Records], seed: Seed) -> Tables:
    """Return the rows of every table for some customers, with all their records of each file."""
    rows: Tables = defaultdict(list)
    incomes = {}
    for person in files["customers"]:
        incomes[int(person["customer_id"])] = Decimal(person["monthly_income"])
        _add_customer(rows, person, seed)
    applications = {
        record["application"]: _add_application(rows, record, incomes, seed)
        for record in files["applications"]
    }
    loans = _loans(rows, files, applications, seed)
    _add_states(rows, loans.values(), seed)
    return rows


def _add_customer(rows: Tables, person: Mapping[str, str], seed: Seed) -> None:
    number = int(person["customer_id"])
    names = ("full_name", "email", "phone", "city", "state")
    scope = {"customer_id": number, "branch_id": BRANCH, "version": 1}
    customer: Row = {"id": number, "branch_id": BRANCH, **{n: person[n] for n in names}}
    customer |= {"date_of_birth": date.fromisoformat(person["date_of_birth"]), "version": 1}
    rows["customers"].append(customer | {"created_at": seed.now})
    job = {n: person[n] for n in ("employer_name", "employment_type")}
    job |= {n: str(Decimal(person[n])) for n in ("monthly_income", "years_of_experience")}
    rows["employment"].append(scope | job | {"created_at": seed.now})
    identity = f"seeded {number}"
    kyc: Row = {"identity_type": "pan", "number_hash": hashlib.sha256(identity.encode()).digest()}
    kyc |= {"last_four": identity[-4:], "verified_by": PRINCIPAL, "verified_at": seed.now}
    expires = seed.day.replace(day=1, year=seed.day.year + KYC_YEARS)
    rows["kyc"].append(scope | kyc | {"expires_on": expires})


def _add_application(
    rows: Tables, record: Mapping[str, str], incomes: Mapping[int, Decimal], seed: Seed
) -> Row:
    number = int(record["customer_id"])
    applied_on = date.fromisoformat(record["applied_on"])
    terms: Row = {"amount": Decimal(record["loan_amount"]), "purpose": record["loan_purpose"]}
    terms |= {"months": int(record["loan_tenure_months"])}
    terms |= {"annual_rate": Decimal(record["interest_rate"])}
    scope = {"customer_id": number, "branch_id": BRANCH}
    application: Row = {"id": new_id(), **scope, "product_id": PRODUCT, **terms}
    status = record["status"]
    application |= {"status": status, "requested_by": PRINCIPAL, "fingerprint": b"", "version": 1}
    application |= {"pending_cause": "referred: a person decides" if status == "pending" else None}
    application |= {"expires_on": applied_on + timedelta(days=30) if status == "expired" else None}
    application |= {"business_date": applied_on, "created_at": seed.now}
    rows["applications"].append(application)
    if status != "pending":
        decision: Row = {"id": new_id(), "application_id": application["id"], **scope}
        decision |= {"decided_by": PRINCIPAL, "is_automated": False, "code": "seeded"}
        decision |= {"outcome": "rejected" if status == "rejected" else "approved"}
        decision |= {"note": "Drawn with the seeded book.", "created_at": seed.now}
        rows["decisions"].append(decision | {"factors": _factors(terms, incomes[number])})
    return application


def _factors(terms: Row, income: Decimal) -> dict[str, float]:
    instalment = instalment_from_terms(terms["amount"], terms["annual_rate"], terms["months"])
    return {
        "debt_to_income_ratio": float(debt_to_income_percent(instalment, income)),
        "loan_to_income_ratio": float(loan_to_income(terms["amount"], 12 * income)),
        "monthly_income": float(income),
    }


def _loans(
    rows: Tables,
    files: Mapping[str, Records],
    applications: Mapping[str, Row],
    seed: Seed,
) -> dict[str, SeededLoan]:
    loans: dict[str, SeededLoan] = {}
    for record in files["disbursements"]:
        application = applications[record["application"]]
        day = date.fromisoformat(record["disbursed_on"])
        due: Row = {"first_due_on": date.fromisoformat(record["first_due_on"])}
        due |= {"due_day": int(record["due_day"])}
        terms = LoanTerms(
            annual_rate_percent=application["annual_rate"],
            months=application["months"],
            product=seed.product,
            **due,
        )
        loan = SeededLoan(new_id(), application, terms)
        fact = Disbursement(reference="seeded", value_date=day, amount=application["amount"])
        loan.facts.append(fact)
        rows["disbursements"].append(_fact_row(loan, fact, seed) | due)
        loans[record["application"]] = loan
    for record in files["repayments"]:
        loan = loans[record["application"]]
        paid = Repayment(
            reference=record["reference"],
            value_date=date.fromisoformat(record["value_date"]),
            amount=Decimal(record["amount"]),
        )
        loan.facts.append(paid)
        rows["repayments"].append(_fact_row(loan, paid, seed))
    return loans


def _fact_row(loan: SeededLoan, fact: Disbursement | Repayment, seed: Seed) -> Row:
    return {
        "id": new_id(),
        "loan_id": loan.loan_id,
        "branch_id": BRANCH,
        "reference": fact.reference,
        "value_date": fact.value_date,
        "amount": fact.amount,
        "posted_by": PRINCIPAL,
        "business_date": fact.value_date,
        "created_at": seed.now,
    }


def _add_states(rows: Tables, loans: Iterable[SeededLoan], seed: Seed) -> None:
    by_customer: dict[int, list[SeededLoan]] = defaultdict(list)
    for loan in loans:
        by_customer[loan.application["customer_id"]].append(loan)
    as_of = seed.day - timedelta(days=1)
    for of_customer in by_customer.values():
        loans_by_name = {str(one.loan_id): Loan(one.terms, tuple(one.facts)) for one in of_customer}
        derived = derive_loans(loans_by_name, as_of, DEFAULT_RULE_SET)
        for one in of_customer:
            _add_state(rows, one, derived[str(one.loan_id)], seed)


def _add_state(rows: Tables, loan: SeededLoan, derived: ClassifiedLoan, seed: Seed) -> None:
    application, state = loan.application, derived.state
    scope = {"loan_id": loan.loan_id, "branch_id": BRANCH}
    names = ("customer_id", "branch_id", "product_id", "amount", "months", "annual_rate", "purpose")
    row: Row = {"id": loan.loan_id, "application_id": application["id"]}
    row |= {name: application[name] for name in names} | {"created_at": seed.now}
    amount, rate, months = (application[name] for name in ("amount", "annual_rate", "months"))
    row |= {"equal_instalment": instalment_from_terms(amount, rate, months)}
    row |= loan_values(derived) | {"version": 1}
    row |= {"journal_entries": len(state.journal), "allocations": len(state.allocations)}
    rows["loans"].append(row)
    rows["instalments"] += [scope | instalment_values(i) for i in state.instalments]
    rows["schedule_versions"] += [scope | version for version in version_values(state)]
    stamp = {"business_date": state.as_of, "created_at": seed.now}
    entries, lines = entry_rows(scope, 1, state.journal)
    rows["journal_entries"] += [entry | stamp for entry in entries]
    rows["journal_lines"] += lines
    rows["allocations"] += [
        scope
        | {"position": position, "value_date": a.value_date, "reference": a.reference}
        | {"number": a.number, "component": a.component, "amount": a.amount}
        for position, a in enumerate(state.allocations, start=1)
    ]
