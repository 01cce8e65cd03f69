from datetime import UTC, datetime
from pathlib import Path

import pytest

from functions.retrain.proposals import Proposal, find_proposal, propose
from models.errors import ModelRefusedError
from models.stores.uri import open_store

FIRST = Proposal(
    version="V", sequence=3, who="maria", when=datetime(2026, 11, 21, tzinfo=UTC), reason="agreed"
)


def test_the_first_proposal_stays(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    assert find_proposal(store, "toy", 3, "V") is None
    assert propose(store, "toy", FIRST) == FIRST
    assert propose(store, "toy", FIRST.model_copy(update={"who": "igor"})) == FIRST
    assert find_proposal(store, "toy", 3, "V") == FIRST
    assert find_proposal(store, "toy", 4, "V") is None


def test_a_proposal_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    store.create("champions/toy/proposals/00000003-V.json", b"{}")
    with pytest.raises(ModelRefusedError, match="the proposal of V cannot be read"):
        find_proposal(store, "toy", 3, "V")
