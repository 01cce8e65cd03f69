import json
from pathlib import Path

import pytest

from models.errors import DataError
from training.comparison import compare_variants


def line(**members: object) -> str:
    record = {
        "record": "decision",
        "model": "toy",
        "variant": "champion",
        "model_version": "v1",
        "credit_score": 500,
        "probability_of_default": 0.2,
        "decision": "approve",
    }
    return json.dumps(record | members)


def write(log: Path, *lines: str) -> Path:
    log.write_text("\n".join(lines))
    return log


def test_each_variant_has_its_quantiles_and_shares(tmp_path: Path) -> None:
    log = write(
        tmp_path / "log",
        *(line(credit_score=score) for score in (500, 510, 520)),
        line(decision="decline", credit_score=530, probability_of_default=0.6),
        line(variant="challenger", model_version="v2", decision="refer"),
    )
    challenger, champion = compare_variants("toy", log)
    assert (champion.variant, champion.version, champion.decisions) == ("champion", "v1", 4)
    assert champion.mean_probability == pytest.approx((3 * 0.2 + 0.6) / 4)
    assert champion.scores[0.5] == 515
    assert champion.shares == {"approve": 0.75, "refer": 0.0, "decline": 0.25}
    assert challenger.shares == {"approve": 0.0, "refer": 1.0, "decline": 0.0}


def test_two_versions_of_one_variant_are_kept_apart(tmp_path: Path) -> None:
    log = write(tmp_path / "log", line(), line(model_version="v0"), line())
    figures = [(row.version, row.decisions) for row in compare_variants("toy", log)]
    assert figures == [("v0", 1), ("v1", 2)]


def test_lines_that_are_no_decisions_of_the_model_are_skipped(tmp_path: Path) -> None:
    others = [line(model="other"), line(record="anchor"), "not JSON", line()[:30], ""]
    [champion] = compare_variants("toy", write(tmp_path / "log", line(), *others))
    assert champion.decisions == 1


def test_a_log_without_a_decision_of_the_model_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the log has no decision of toy"):
        compare_variants("toy", write(tmp_path / "log", line(model="other")))
    with pytest.raises(DataError, match="No such file"):
        compare_variants("toy", tmp_path / "nowhere")
