"""Training data small enough to make in a test."""

import numpy as np
import pandas as pd
import pytest

from tests.support.monitored import Champion, train_champion


def toy_rows(n: int) -> pd.DataFrame:
    """Rows of the toy model whose outcome depends on what its signs say."""
    random = np.random.default_rng(11)
    frame = pd.DataFrame(
        {
            "age": random.integers(18, 80, n),
            "income": random.lognormal(10.5, 0.5, n).clip(1_000, 1e6).round(2),
            "debt": random.lognormal(9.5, 0.8, n).clip(0, 1e6).round(2),
            "home": random.choice(["own", "rent"], n),
            "months_since_default": random.choice([np.nan, -7, 3, 12, 60], n),
        }
    )
    logit = -2 + 2.5 * frame["debt"] / frame["income"] + 0.6 * (frame["home"] == "rent")
    frame["is_default"] = random.binomial(1, 1 / (1 + np.exp(-logit)))
    return frame


@pytest.fixture(scope="session")
def toy_frame() -> pd.DataFrame:
    return toy_rows(4_000)


@pytest.fixture(scope="session")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Champion:
    return train_champion(tmp_path_factory.mktemp("monitored"), toy_rows(6_000))
