from datetime import date

from training.pipeline.quality import Check
from training.pipeline.quality_figures import list_quality_figures

DAY = date(2026, 11, 28)
EARLIER = date(2026, 11, 27)


def test_verdicts_and_figures_of_the_last_day_are_listed() -> None:
    checks = {
        ("accounts", DAY): [
            Check(name="null_share", column="limit", figure=0.3, high=0.2),
            Check(name="arrived", figure=1.0, low=1),
            Check(name="row_count", figure=None),
        ],
        ("accounts", EARLIER): [Check(name="arrived", figure=0.0, low=1)],
    }
    figures = {
        (figure.name.removeprefix("surety_quality_"), *figure.labels.values()): figure.value
        for figure in list_quality_figures(checks, DAY)
    }
    assert figures == {
        ("day_timestamp_seconds",): 1_795_824_000,
        ("failed", "accounts", "null_share", "limit"): 1,
        ("figure", "accounts", "null_share", "limit"): 0.3,
        ("failed", "accounts", "arrived", ""): 0,
        ("figure", "accounts", "arrived", ""): 1,
    }
