"""Models made by hand stand in for trained ones: contracts and servers do not depend on figures."""

import pytest

from tests.support.published import published_summaries
from tests.support.running import TrainedStore


@pytest.fixture(scope="session")
def trained_store(made_store: str) -> TrainedStore:
    """The store of models made by hand, under the name of the trained ones."""
    return TrainedStore(made_store, published_summaries(made_store))
