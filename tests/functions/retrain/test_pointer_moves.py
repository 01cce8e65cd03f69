"""The rules that a running server with keys cannot show: callers whom nothing tells apart."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from functions.retrain.pointer_moves import Order, promote_by_order, roll_back_by_order
from functions.retrain.proposals import Proposal
from models.errors import ApprovalError, SequenceError
from models.registry.pointer import Pointer
from models.stores.uri import open_store
from tests.support.published import ROWS, publish_by_hand
from tests.support.toy import Toy
from tests.support.two_persons import TwoPersons

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def order(version: str, **changes: object) -> Order:
    plain = Order(version=version, expected=0, who=None, when=NOW, reason="first of all")
    return replace(plain, **changes)  # type: ignore[arg-type]  # members of an order


def test_an_unknown_caller_is_anonymous_and_may_not_be_the_second_person(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    toy = publish_by_hand(store, Toy, ROWS["toy"], NOW).version
    pointer = promote_by_order(store, Toy, order(toy))
    assert isinstance(pointer, Pointer)
    assert (pointer.who, pointer.sequence) == ("anonymous", 1)
    two = publish_by_hand(store, TwoPersons, ROWS["toy"], NOW).version
    with pytest.raises(ApprovalError, match="cannot be told apart while AUTH identifies no"):
        promote_by_order(store, TwoPersons, order(two))
    assert isinstance(promote_by_order(store, TwoPersons, order(two, who="maria")), Proposal)
    with pytest.raises(ApprovalError, match="cannot be told apart"):
        promote_by_order(store, TwoPersons, order(two))


def test_a_rollback_needs_no_reason_but_the_sequence(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    first, second = (
        publish_by_hand(store, Toy, ROWS["toy"], NOW + timedelta(days=i)).version for i in (0, 1)
    )
    promote_by_order(store, Toy, order(first))
    promote_by_order(store, Toy, order(second, expected=1))
    with pytest.raises(SequenceError, match="has the sequence 2"):
        roll_back_by_order(store, Toy, order(first, expected=1))
    assert roll_back_by_order(store, Toy, order(first, expected=2, reason=None)).sequence == 3
