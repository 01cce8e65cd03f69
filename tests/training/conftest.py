"""Training data small enough to make in a test."""

import pandas as pd
import pytest

from tests.support.monitored import Champion, toy_rows, train_champion


@pytest.fixture(scope="session")
def toy_frame() -> pd.DataFrame:
    return toy_rows(4_000)


@pytest.fixture(scope="session")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Champion:
    return train_champion(tmp_path_factory.mktemp("monitored"), toy_rows(6_000))
