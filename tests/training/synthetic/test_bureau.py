import numpy as np
import pytest

from models.catalogue.bureau import Bureau
from models.metrics import Labels, Probabilities, auc
from training.reading.bureau_tables import join
from training.reading.row_validation import check_rows
from training.synthetic.bureau import ROWS, compute_true_log_odds, generate


@pytest.fixture(scope="module")
def loans_as_bundled() -> tuple[Labels, Probabilities]:
    tables = generate(ROWS, seed=42)
    loans = tables.loans.drop_duplicates("loan_id")
    truth = tables.true_probability.loc[loans["loan_id"]]
    return np.array(loans["default"], dtype=np.int64), np.array(truth, dtype=np.float64)


def test_the_same_seed_gives_the_same_tables_and_another_seed_others() -> None:
    first, again, other = (generate(500, seed).by_name() for seed in (1, 1, 2))
    assert all(first[name].equals(again[name]) for name in first)
    assert not any(first[name].equals(other[name]) for name in first)


def test_outcomes_follow_the_true_probability_which_is_no_column_of_the_tables(
    loans_as_bundled: tuple[Labels, Probabilities],
) -> None:
    outcome, truth = loans_as_bundled
    assert len(outcome) == 12_500
    assert outcome.mean() == pytest.approx(0.086, abs=0.006)
    error = (truth * (1 - truth)).sum() ** 0.5
    assert abs(outcome.sum() - truth.sum()) < 3 * error
    assert auc(outcome, truth) == pytest.approx(0.984, abs=0.006)
    assert not any("true" in str(c) for t in generate(100, 1).by_name().values() for c in t)


def test_the_dirt_is_found_by_the_rule_made_for_it_and_the_rest_follows_the_contract() -> None:
    joined = join(generate(10_000, seed=5).by_name())
    assert {fault.rule: fault.rows for fault in joined.refused.faults} == {
        "loan_id: Loan should be listed once": 10,
        "cust_id: Customer should be in customers": 5,
        "cust_id: Customer should be in bureau": 5,
        "processing_fee: Fee should be below 3% of the loan amount": 10,
        "gst: Tax should be at most 20% of the loan amount": 5,
        "net_disbursement: Disbursement should be at most the loan amount": 5,
    }
    assert joined.refused.rows == 35
    assert joined.remarks == (
        "loan_purpose: Personaal corrected (40 rows)",
        "customers: duplicate left out (10 rows)",
        "customers: customer without a loan left out (5 rows)",
        "bureau: duplicate left out (10 rows)",
        "bureau: customer without a loan left out (5 rows)",
    )
    rows = check_rows(Bureau, joined.frame, max_refused_share=0)
    assert (len(rows.labels), rows.refused, rows.ignored) == (9_975, 0, ("loan_id",))


def test_the_truth_bends_and_interacts_and_does_not_know_age() -> None:
    tables = generate(400, 1)
    customers, loans, bureau = (
        table.iloc[[0] * 4].reset_index(drop=True) for table in tables.by_name().values()
    )
    loans["loan_amount"] = customers["income"] * [1, 1.5, 3, 3.5]
    odds = compute_true_log_odds(customers, loans, bureau)
    assert odds[3] - odds[2] > 1.5 * (odds[1] - odds[0])
    loans["loan_amount"], bureau["total_loan_months"] = customers["income"], 100
    bureau["delinquent_months"], bureau["total_dpd"] = 10, [10, 40, 70, 100]
    assert (np.diff(np.diff(compute_true_log_odds(customers, loans, bureau))) < 0).all()
    bureau["total_dpd"], bureau["credit_utilization_ratio"] = 50, [10, 30, 60, 90]
    little = compute_true_log_odds(customers, loans, bureau)
    bureau["delinquent_months"], bureau["total_dpd"] = 20, 100
    assert np.diff(compute_true_log_odds(customers, loans, bureau) - little).min() > 0
    aged = customers.assign(age=[20, 30, 40, 50])
    again = compute_true_log_odds(aged, loans, bureau)
    assert again.tolist() == compute_true_log_odds(customers, loans, bureau).tolist()
