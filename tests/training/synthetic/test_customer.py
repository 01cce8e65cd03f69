from itertools import pairwise

import numpy as np
import pytest

from models.catalogue.customer import Customer
from models.metrics import auc
from training.reading.row_validation import check_rows
from training.synthetic.customer import (
    DOWNTURN_MONTHS,
    EXPANSION_MONTHS,
    FIRST_DAY,
    LAST_DAY,
    MONTHS,
    compute_true_log_odds,
    draw_spells,
    generate,
)


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    assert generate(500, 1).equals(generate(500, 1))
    assert not generate(500, 1).equals(generate(500, 2))


def test_every_row_follows_the_contract_and_nobodys_name_is_read() -> None:
    rows = check_rows(Customer, generate(5_000, 3), max_refused_share=0)
    assert rows.refused == 0
    assert set(rows.ignored) == {"as_of", "customer_id", "downturn", "true_probability"}
    assert {row.model_dump()["customer_id"] for row in rows.applications} == {None}


def test_the_optional_fields_echo_the_ten_and_a_fifth_has_none() -> None:
    frame = generate(20_000, 3)
    optional = [name for name in frame if name in Customer.model_fields][10:]
    assert optional == list(Customer.model_fields)[10:]
    none_of_them = frame[optional].isna().all(axis=1)
    assert none_of_them.mean() == pytest.approx(0.2, abs=0.01)
    assert not frame.loc[~none_of_them, "late_payments_12m"].isna().any()
    late = frame["late_payments_12m"] > 0
    assert frame["default"][late].mean() > 2 * frame["default"][~late & ~none_of_them].mean()
    # Who sends the ten alone defaults as often as the others: absence tells nothing.
    assert frame["default"][none_of_them].mean() == pytest.approx(frame["default"].mean(), abs=0.01)


def test_rows_come_in_order_of_three_years() -> None:
    days = generate(20_000, 3)["as_of"]
    assert days.is_monotonic_increasing
    assert (days.iloc[0], days.iloc[-1]) == (FIRST_DAY, LAST_DAY)


@pytest.mark.parametrize("seed", range(50))
def test_expansions_and_downturns_alternate_and_the_years_hold_both(seed: int) -> None:
    downturn = draw_spells(np.random.default_rng(seed))
    assert len(downturn) == MONTHS
    assert 0 < downturn.sum() < MONTHS
    turns = np.flatnonzero(np.diff(downturn)) + 1
    for start, end in pairwise(turns.tolist()):
        shortest, longest = DOWNTURN_MONTHS if downturn[start] else EXPANSION_MONTHS
        assert shortest <= end - start <= longest


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_in_downturns_both_rates_are_higher_and_more_customers_default(seed: int) -> None:
    by_spell = generate(20_000, seed).groupby("downturn")
    for name in ("interest_rate", "unemployment_rate", "default"):
        means = by_spell[name].mean()
        assert means[1] > 1.2 * means[0], name


def test_outcomes_follow_the_true_probability() -> None:
    frame = generate(40_000, 4)
    truth, outcome = frame["true_probability"].to_numpy(), frame["default"].to_numpy()
    assert 0.1 < outcome.mean() < 0.2
    error = (truth * (1 - truth)).sum() ** 0.5
    assert abs(outcome.sum() - truth.sum()) < 3 * error
    assert auc(outcome, truth) > 0.82


def test_the_truth_bends_and_interacts_and_leaves_out_what_it_says() -> None:
    frame = generate(1, 1).iloc[[0] * 4].reset_index(drop=True)
    frame["credit_utilization"] = [0.2, 0.3, 0.7, 0.8]
    frame["unemployment_rate"] = 0.04
    quiet = compute_true_log_odds(frame)
    frame["unemployment_rate"] = 0.09
    hard = compute_true_log_odds(frame)
    assert quiet[3] - quiet[2] > 2 * (quiet[1] - quiet[0])
    assert np.diff(hard - quiet).min() > 0
    frame["employment_years"], frame["credit_utilization"] = [9, 10, 11, 30], 0.3
    steps = np.diff(compute_true_log_odds(frame))
    assert steps[0] < 0
    assert steps[1:].tolist() == [0, 0]
    before = compute_true_log_odds(frame)
    changed = frame.assign(age=[20, 30, 40, 50], num_credit_accounts=[1, 2, 3, 4], downturn=1)
    assert compute_true_log_odds(changed).tolist() == before.tolist()
    frame["employment_years"], frame["total_debt"] = 5, [0, 20_000, 40_000, 60_000]
    assert (np.diff(np.diff(compute_true_log_odds(frame))) < 0).all()
