"""False alarms and power of monitoring's signals, simulated; writes tables of docs/monitoring.md.

python tests/benchmarks/monitoring_errors.py [--quick] [--only alarms|power]
"""

import argparse
import math
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from tests.benchmarks.monitoring_simulation import (  # noqa: E402 -- after the path
    WINDOW_DAYS,
    YEAR,
    Change,
    Detection,
    count_alarms,
    detect_outcomes,
    detect_shift,
    expected_auc,
    measure_auc,
    measure_psi,
)

PAGE = REPOSITORY / "docs" / "monitoring.md"
YEARS, STREAMS = 500, 400
QUARTERS = 4
SIGNALS = ("population_shift", "characteristic_shift", "decision_share", "calibration", "auc")

SHIFTS = {
    "small": (0.13, 0.12, 0.11, 0.11, 0.1, 0.1, 0.09, 0.09, 0.08, 0.07),
    "clear": (0.2, 0.16, 0.13, 0.11, 0.1, 0.08, 0.07, 0.06, 0.05, 0.04),
    "large": (0.26, 0.18, 0.13, 0.11, 0.08, 0.07, 0.06, 0.05, 0.04, 0.02),
}
ODDS = (1.2, 1.3, 1.5)
SLOPES = (0.8, 0.6, 0.5)


def list_alarms(years: int) -> list[str]:
    """Build the table of false alarms a quarter, by signal and in all."""
    alarms = count_alarms(years)
    rows = [["signal", f"alarms in {years} years", "a quarter and model"], ["---"] * 3]
    rows += [
        [f"`{name}`", f"{alarms[name]}", f"{alarms[name] / years / QUARTERS:.4f}"]
        for name in SIGNALS
    ]
    total = sum(alarms.values())
    rows.append(["all", f"{total}", f"{total / years / QUARTERS:.4f}"])
    return _table(rows)


def list_power(streams: int) -> list[str]:
    """Build the table of what is found, and when."""
    header = ["change", "signal", "earliest day", "half found by", "90 % by", "99 % by", "found"]
    rows = [header, ["---"] * len(header)]
    for shares in SHIFTS.values():
        detection = detect_shift(shares, streams)
        name = f"a characteristic moves by PSI {measure_psi(shares):.2f}"
        rows.append(_describe(name, "characteristic_shift", detection, WINDOW_DAYS))
    for odds in ODDS:
        detection = detect_outcomes(Change(odds=odds), "calibration", streams)
        rows.append(_describe(f"odds {odds:g} times as high", "calibration", detection, YEAR))
    for slope in SLOPES:
        change = Change(slope=slope)
        name = f"AUC falls from {expected_auc():.3f} to {measure_auc(change):.3f}"
        rows.append(_describe(name, "auc", detect_outcomes(change, "auc", streams), YEAR))
    return _table(rows)


def _describe(name: str, signal: str, detection: Detection, full: int) -> list[str]:
    days = (detection.expected, *(detection.find_day(share) for share in (0.5, 0.9, 0.99)))
    power = f"{detection.share_until(full):.1%} in {full} days"
    return [name, f"`{signal}`", *("never" if math.isinf(d) else f"{d:.0f}" for d in days), power]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    print(*lines, "", sep="\n", flush=True)
    return lines


def write(part: str, sentence: str, table: Sequence[str]) -> None:
    """Put a table into its part of the page, between two marks."""
    begin, end = (f"<!-- make monitoring-errors: {text} -->" for text in (part, f"end of {part}"))
    page = PAGE.read_text()
    before, after = page.partition(begin)[0], page.partition(end)[2]
    PAGE.write_text("\n".join([before + begin, sentence, "", *table, end + after]))


def main() -> None:
    """Simulate, and write the page; `--quick` tries it out and writes nothing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=["alarms", "power"])
    options = parser.parse_args()
    today = f"Simulated on {datetime.now(UTC):%Y-%m-%d}"
    if options.only in (None, "power"):
        table = list_power(20 if options.quick else STREAMS)
        if not options.quick:
            write("power", f"{today}, each change in {STREAMS} streams.", table)
    if options.only in (None, "alarms"):
        table = list_alarms(4 if options.quick else YEARS)
        if not options.quick:
            write("alarms", f"{today}.", table)


if __name__ == "__main__":
    main()
