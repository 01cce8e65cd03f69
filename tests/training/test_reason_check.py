from dataclasses import replace

import pytest

from models.estimators.families import Additive
from models.scorer import Scorer
from tests.models.conftest import BASELINE, CALIBRATION, POLICY, logistic
from tests.support.toy import Toy, toy
from training import reason_check
from training.reading.applications import fields_from_applications
from training.reason_check import check_reasons

__all__ = ["logistic"]

POOR = [toy(income=9_000.0, debt=30_000.0 + i, home="rent") for i in range(20)]
POOR_COLUMNS = fields_from_applications(Toy, POOR)


@pytest.fixture
def scorer(logistic: Additive) -> Scorer:
    return Scorer.from_catalogue(Toy, logistic, CALIBRATION, BASELINE, POLICY)


def test_the_reasons_of_a_sound_model_are_complete_and_adverse(scorer: Scorer) -> None:
    check = check_reasons(scorer, POOR_COLUMNS, seed=1)
    assert (check.rows, check.without_reasons, check.not_adverse) == (20, 0, 0)
    assert check.reasons >= 20


def test_approved_applications_need_no_reasons(scorer: Scorer) -> None:
    assert (
        check_reasons(scorer, fields_from_applications(Toy, [toy(income=500_000.0)]), seed=1).rows
        == 0
    )


def test_a_reference_that_would_be_declined_leaves_applicants_without_reasons(
    scorer: Scorer,
) -> None:
    declined = replace(scorer, baseline=POOR[0].model_dump(exclude={"age"}))
    check = check_reasons(declined, fields_from_applications(Toy, POOR[:1]), seed=1)
    assert (check.rows, check.without_reasons) == (1, 1)


def test_a_reason_that_helps_is_counted(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    """No column belongs to a reason: improving what it names changes nothing."""
    columns = reason_check._find_columns_by_code(Toy)  # noqa: SLF001 -- the fault is put in here
    empty: dict[str, list[int]] = {code: [] for code in columns}
    monkeypatch.setattr(reason_check, "_find_columns_by_code", lambda _model: empty)
    check = check_reasons(scorer, POOR_COLUMNS, seed=1)
    assert check.not_adverse == check.reasons > 0
