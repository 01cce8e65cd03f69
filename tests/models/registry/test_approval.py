import json
from pathlib import Path
from typing import Any

import pytest

from models.errors import ApprovalError
from models.gate_policy import GatePolicy
from models.registry.approval import (
    Judgement,
    check_reason,
    check_second_person,
    find_judgement,
    needs_reason,
    needs_second_person,
)
from models.stores.uri import open_store


def gate(name: str, *, passed: bool, consequence: str = "refuse") -> dict[str, Any]:
    return {"name": name, "passed": passed, "consequence": consequence, "reason": "made up"}


def judged(tmp_path: Path, outcome: str, *gates: dict[str, Any]) -> Judgement | None:
    store = open_store(tmp_path.as_uri())
    document = {"outcome": outcome, "gates": gates}
    store.create("versions/toy/V/report.json", json.dumps(document).encode())
    return find_judgement(store, "toy", "V")


def test_a_version_that_passed_needs_no_reason(tmp_path: Path) -> None:
    warned = gate("four_fifths[age]", passed=False, consequence="warn")
    judgement = judged(tmp_path, "promoted", gate("floor[auc]", passed=True), warned)
    assert judgement
    assert not needs_reason(judgement)
    check_reason("V", judgement, None)
    assert not needs_second_person(GatePolicy(second_person=True), judgement)


def test_a_rejected_version_needs_a_reason_that_names_what_failed(tmp_path: Path) -> None:
    judgement = judged(tmp_path, "rejected", gate("floor[auc]", passed=False))
    message = r"the outcome of V was rejected, and it failed floor\[auc\]; .* give a reason"
    with pytest.raises(ApprovalError, match=message) as caught:
        check_reason("V", judgement, None)
    assert caught.value.member == "reason"
    check_reason("V", judgement, "the old model is worse for new applicants")
    assert needs_second_person(GatePolicy(second_person=True), judgement)
    assert not needs_second_person(GatePolicy(), judgement)


def test_a_gate_of_an_earlier_release_refuses(tmp_path: Path) -> None:
    old = {"name": "documented_signs_hold", "passed": False, "detail": "income is broken"}
    judgement = judged(tmp_path, "rejected", old)
    assert judgement
    assert judgement.failed == ("documented_signs_hold",)
    assert judgement.gates[0].reason == "income is broken"


@pytest.mark.parametrize("report", [None, b"", b"[]", b'{"outcome": "promoted"}', b"{}"])
def test_a_version_without_a_report_needs_a_reason(tmp_path: Path, report: bytes | None) -> None:
    store = open_store(tmp_path.as_uri())
    if report is not None:
        store.create("versions/toy/V/report.json", report)
    judgement = find_judgement(store, "toy", "V")
    assert judgement is None
    with pytest.raises(ApprovalError, match="V has no report that says which gates it passed"):
        check_reason("V", judgement, None)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 1_001])
def test_a_reason_is_a_text(reason: str) -> None:
    with pytest.raises(ApprovalError, match="a reason has 1 to 1000 characters"):
        check_reason("V", None, reason)


@pytest.mark.parametrize("approved_by", ["maria", " Maria ", ""])
def test_nobody_is_their_own_second_person(approved_by: str) -> None:
    with pytest.raises(ApprovalError, match="maria moves the pointer, so somebody else must"):
        check_second_person("maria", approved_by, is_needed=False)


def test_a_second_person_is_required_only_where_the_policy_asks() -> None:
    check_second_person("maria", None, is_needed=False)
    check_second_person("maria", "igor", is_needed=True)
    with pytest.raises(ApprovalError, match="asks for a second person") as caught:
        check_second_person("maria", None, is_needed=True)
    assert caught.value.member == "approved_by"
