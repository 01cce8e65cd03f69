"""Granted loans whose true probability of default is known."""

import numpy as np
import pytest

from models.catalogue.instalment import Instalment
from training.synthetic.instalment import MOST_SHARE, generate


def test_every_row_follows_the_contract_and_none_breaks_the_policy() -> None:
    frame = generate(500, seed=7)
    fields = list(Instalment.model_fields)
    for row in frame[fields].to_dict("records"):
        bureau = {n: row[n] for n in ("bureau_score", "bureau_enquiries")}
        of_bureau = {n: int(value) for n, value in bureau.items() if not np.isnan(value)}
        Instalment.model_validate({n: row[n] for n in row.keys() - bureau} | of_bureau)
    columns = {
        str(name): frame[name].to_numpy(dtype=np.float64)
        for name in frame[fields].select_dtypes("number")
    }
    assert Instalment.obligations_to_income.compute(columns).max() <= MOST_SHARE


def test_defaults_follow_the_true_probability() -> None:
    frame = generate(30_000, seed=42)
    assert frame["default"].mean() == pytest.approx(frame["true_probability"].mean(), abs=0.005)
    assert 0.08 < frame["true_probability"].mean() < 0.16
    risky = frame["true_probability"] > 0.3
    assert frame.loc[risky, "default"].mean() == pytest.approx(
        frame.loc[risky, "true_probability"].mean(), abs=0.04
    )


def test_what_the_bureau_knows_tells_something_and_is_missing_for_some() -> None:
    frame = generate(30_000, seed=42)
    by_outcome = frame.groupby("default")[["bureau_score", "bureau_enquiries"]].mean()
    assert by_outcome["bureau_score"].tolist() == pytest.approx([720, 660], abs=5)
    assert by_outcome["bureau_enquiries"].tolist() == pytest.approx([1.0, 2.2], abs=0.1)
    assert frame["bureau_score"].isna().mean() == pytest.approx(0.4, abs=0.01)


def test_the_same_seed_gives_the_same_loans() -> None:
    assert generate(200, seed=3).equals(generate(200, seed=3))
    assert not generate(200, seed=3).equals(generate(200, seed=4))
