import numpy as np
import pandas as pd
import pytest

from training.monitoring.challenger import (
    ALPHA,
    Answer,
    compare_challenger,
    confidence_margin,
)

RANDOM = np.random.default_rng(8)


def pairs(rows: int, champion_noise: float, challenger_noise: float) -> pd.DataFrame:
    log_odds = RANDOM.normal(-1.5, 1.2, rows)
    probabilities = {
        name: 1 / (1 + np.exp(-log_odds - RANDOM.normal(0, noise, rows)))
        for name, noise in (("champion", champion_noise), ("challenger", challenger_noise))
    }
    return pd.DataFrame(
        {
            "outcome": RANDOM.binomial(1, 1 / (1 + np.exp(-log_odds))),
            "challenger": "v2",
            "champion_probability": probabilities["champion"],
            "challenger_probability": probabilities["challenger"],
        }
    )


@pytest.mark.parametrize(
    ("noises", "answer"),
    [((1.0, 0.1), "promote"), ((0.1, 1.0), "retire"), ((0.5, 0.5), "keep")],
)
def test_the_answer_follows_the_better_version(noises: tuple[float, float], answer: Answer) -> None:
    compared = compare_challenger(pairs(3_000, *noises), "v2")
    assert compared is not None
    assert compared.answer == answer
    assert compared.low < compared.log_loss_difference < compared.high


def test_a_challenger_that_is_the_champion_is_retired() -> None:
    frame = pairs(1_000, 0.2, 0.2)
    frame["challenger_probability"] = frame["champion_probability"]
    compared = compare_challenger(frame, "v2")
    assert compared is not None
    assert (compared.log_loss_difference, compared.answer) == (0, "retire")


def test_without_pairs_there_is_no_answer() -> None:
    frame = pairs(1_000, 0.2, 0.2)
    assert compare_challenger(frame, "v3") is None
    assert compare_challenger(frame[:199], "v2") is None
    assert compare_challenger(frame.assign(champion_probability=np.nan), "v2") is None


def test_looking_every_day_for_a_year_seldom_errs() -> None:
    """A mean of zero is left out of the interval at any of 365 looks in at most `ALPHA` of years.

    Losses have the tails of a log-loss. The interval is an asymptotic one, so a few rows are seen
    before the first look.
    """
    random, years, per_day = np.random.default_rng(9), 200, 30
    losses = random.exponential(1.0, (years, 365 * per_day)) - 1.0
    sums, squares = losses.cumsum(axis=1), (losses**2).cumsum(axis=1)
    looks = np.arange(7, 365) * per_day
    means = sums[:, looks - 1] / looks
    deviations = np.sqrt(squares[:, looks - 1] / looks - means**2)
    margins = np.array([confidence_margin(n, 1.0) for n in looks.tolist()])
    errs = (np.abs(means) > margins * deviations).any(axis=1).mean()
    assert errs <= ALPHA
