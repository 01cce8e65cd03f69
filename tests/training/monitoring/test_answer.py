"""What monitoring's answer about a challenger does to the pointer, if it is asked to."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.errors import SequenceError
from models.registry.moves import read_history
from models.registry.pointer import Author, Challenger, Pointer, challenge, promote, read_pointer
from models.registry.versions import publish
from models.stores.store import Store
from models.stores.uri import open_store
from training.monitoring.answer import apply_answer
from training.monitoring.challenger import Answer, ChallengerFigures

NOW = datetime(2026, 11, 30, tzinfo=UTC)
AUTHOR = Author(who="monitor", when=NOW, reason="-0.01 log-loss")
REPORT = {"outcome": "kept", "gates": [{"name": "auc", "passed": True, "reason": "better"}]}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path.as_uri())


@pytest.fixture
def pointer(store: Store) -> Pointer:
    """A champion with a challenger that passed its gates."""
    first = publish(store, "toy", b"the first bundle", {}, NOW)
    report = {"report.json": json.dumps(REPORT).encode()}
    second = publish(store, "toy", b"the second bundle", report, NOW + timedelta(days=1))
    promote(store, "toy", first, AUTHOR)
    return challenge(store, "toy", Challenger(version=second, share=0.1), AUTHOR)


def figures(pointer: Pointer, answer: Answer) -> ChallengerFigures:
    assert pointer.challenger
    version = pointer.challenger.version.version
    return ChallengerFigures(version, 2_000, -0.01, -0.012, -0.008, 0.7, 0.72, answer)


def test_a_challenger_that_is_certainly_better_becomes_champion_with_its_reason(
    store: Store, pointer: Pointer
) -> None:
    applied = apply_answer(store, pointer, figures(pointer, "promote"), AUTHOR)
    assert (applied.answer, applied.is_applied) == ("promote", True)
    after = read_pointer(store, "toy")
    assert pointer.challenger
    assert after.champion == pointer.challenger.version
    assert after.previous == pointer.champion
    [*_, last] = read_history(store, "toy", after.sequence, after.nonce).moves
    assert (last.who, last.reason) == ("monitor", "-0.01 log-loss")


def test_one_that_is_certainly_no_better_is_retired(store: Store, pointer: Pointer) -> None:
    applied = apply_answer(store, pointer, figures(pointer, "retire"), AUTHOR)
    assert (applied.answer, applied.is_applied) == ("retire", True)
    after = read_pointer(store, "toy")
    assert (after.champion, after.challenger) == (pointer.champion, None)


@pytest.mark.parametrize("answer", ["keep", None])
def test_without_a_certain_answer_nothing_moves(
    store: Store, pointer: Pointer, answer: Answer | None
) -> None:
    compared = figures(pointer, answer) if answer else None
    assert not apply_answer(store, pointer, compared, AUTHOR).is_applied
    assert read_pointer(store, "toy") == pointer


@pytest.mark.parametrize(
    "report",
    [
        None,
        {"outcome": "rejected", "gates": []},
        {"outcome": "kept", "gates": [{"name": "psi", "passed": False, "reason": "shifted"}]},
    ],
)
def test_what_failed_its_gates_is_left_to_a_person(
    store: Store, pointer: Pointer, report: dict[str, object] | None
) -> None:
    assert pointer.challenger
    path = f"versions/toy/{pointer.challenger.version.version}/report.json"
    store.remove(path)
    if report:
        store.create(path, json.dumps(report).encode())
    applied = apply_answer(store, pointer, figures(pointer, "promote"), AUTHOR)
    assert not applied.is_applied
    assert "a person may promote it with a reason" in applied.reason
    assert read_pointer(store, "toy") == pointer


@pytest.mark.parametrize("answer", ["promote", "retire"])
def test_a_pointer_that_was_moved_meanwhile_is_left_as_it_is(
    store: Store, pointer: Pointer, answer: Answer
) -> None:
    assert pointer.challenger
    moved = challenge(store, "toy", replace_share(pointer.challenger), AUTHOR)
    with pytest.raises(SequenceError):
        apply_answer(store, pointer, figures(pointer, answer), AUTHOR)
    assert read_pointer(store, "toy") == moved


def replace_share(challenger: Challenger) -> Challenger:
    return challenger.model_copy(update={"share": 0.2})
