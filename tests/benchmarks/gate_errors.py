"""Error rates of the gates: simulated, and on poisoned data. Writes the tables of docs/gates.md.

python tests/benchmarks/gate_errors.py [--quick] [--only alike|families|simulated|poisoned]
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from models.catalogue.application import Application  # noqa: E402 -- after the path
from models.catalogue.card_default import CardDefault  # noqa: E402
from models.estimators.families import Family  # noqa: E402
from tests.benchmarks.gate_poison import POISONS, CleanData, detect, measure_likeness, train_clean  # noqa: E402
from tests.benchmarks.gate_simulation import (  # noqa: E402
    Challenger,
    Size,
    is_any_promoted,
    is_promoted,
)

PAGE = REPOSITORY / "docs" / "gates.md"
TRIALS = (200, 100, 40)  # of each size
FAMILY_TRIALS = 100
SEEDS = 2  # of each fault

# Test parts of about 8,000, 30,000 and 120,000 rows of data.
SIZES = (Size(2_000, 500), Size(7_500, 1_650), Size(30_000, 6_600))
RETRAINED, OTHER_FAMILY = 0.998, 0.99  # likeness of champion and challenger

SOUND: Mapping[str, Challenger] = {
    "equal, retrained": Challenger(likeness=RETRAINED),
    "better by .002 of AUC, retrained": Challenger(auc_gain=0.002, likeness=RETRAINED),
    "equal, another family": Challenger(likeness=OTHER_FAMILY),
    "better by .005 of AUC, another family": Challenger(auc_gain=0.005, likeness=OTHER_FAMILY),
}
FAULTY: Mapping[str, Challenger] = {
    "worse by exactly the margin of AUC": Challenger(auc_gain=-0.005, likeness=OTHER_FAMILY),
    "worse by twice the margin": Challenger(auc_gain=-0.010, likeness=OTHER_FAMILY),
    "probabilities too extreme: slope .77": Challenger(likeness=RETRAINED, slope=1.3),
    "odds 1.35 times too high": Challenger(likeness=RETRAINED, shift=0.3),
}
FAMILIES = 5
WORSE = Challenger(auc_gain=-0.005, likeness=OTHER_FAMILY)

LIKENESS_FAMILIES: tuple[Family, ...] = ("logistic", "scorecard", "random_forest", "xgboost")

DATA = (
    CleanData(CardDefault, "pay_amt1", "limit_bal"),
    CleanData(Application, "income", "loan_amount"),
)


def promotion_rate(size: Size, challenger: Challenger, trials: int) -> float:
    """Return the share of trials in which a challenger is promoted."""
    return sum(is_promoted(size, challenger, seed) for seed in range(trials)) / trials


def any_promotion_rate(size: Size, trials: int, *, shared: bool) -> float:
    """Return how often any of five families that lose exactly the margin is promoted."""
    families = [WORSE] * FAMILIES
    promoted = [is_any_promoted(size, families, seed, shared=shared) for seed in range(trials)]
    return sum(promoted) / trials


def simulate(trials: Mapping[Size, int]) -> list[str]:
    """Build the table of simulated rates: what is promoted, of a sound or a faulty challenger."""
    header = ["challenger", *(f"{s.rows:,} rows, {s.bads:,} defaults" for s in trials)]
    rows = [header, ["---"] * len(header)]
    for scenarios in (SOUND, FAULTY):
        for name, challenger in scenarios.items():
            rates = [promotion_rate(size, challenger, n) for size, n in trials.items()]
            rows.append([name, *(f"{rate:.1%}" for rate in rates)])
            print(*rows[-1], flush=True)
    return _table(rows)


def simulate_families(size: Size, trials: int) -> list[str]:
    """Build the table of how often any of five families is promoted that all lose the margin."""
    rows = [["`alpha`", f"promoted, of {trials} trials of {size.rows:,} rows"], ["---"] * 2]
    for name, shared in (("shared among the families", True), ("in full for each", False)):
        rows.append([name, f"{any_promotion_rate(size, trials, shared=shared):.1%}"])
        print(*rows[-1], flush=True)
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in rows]


def poison(seeds: int) -> list[str]:
    """Build the table of detections on poisoned data."""
    rows = [["fault", "data", "refused", "by", "warnings"], ["---"] * 5]
    for data in DATA:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            store = train_clean(data, folder)
            for text, fault in POISONS.items():
                detections = [detect(data, fault, folder, store, s) for s in range(seeds)]
                refusing = Counter(g for d in detections for g in dict.fromkeys(d.refusing))
                warning = Counter(g for d in detections for g in dict.fromkeys(d.warning))
                refused = sum(bool(d.refusing) for d in detections)
                cells = [text, f"`{data.name}`", f"{refused} of {seeds}"]
                rows.append([*cells, _list(refusing), _list(warning)])
                print(*rows[-1], sep=" | ", flush=True)
    return _table(rows)


def _list(counter: Counter[str]) -> str:
    return ", ".join(f"`{name}` ({count})" for name, count in counter.most_common()) or "-"


def compare_retrained() -> list[str]:
    """Build the table of how alike a model and its retrained successor are."""
    rows = [["data", *LIKENESS_FAMILIES], ["---"] * (1 + len(LIKENESS_FAMILIES))]
    with tempfile.TemporaryDirectory() as name:
        for data in DATA[:1]:
            cells = [measure_likeness(data, family, Path(name)) for family in LIKENESS_FAMILIES]
            rows.append([f"`{data.name}`", *(f"{cell:.4f}" for cell in cells)])
            print(*rows[-1], flush=True)
    return _table(rows)


def write(part: str, sentence: str, table: Sequence[str]) -> None:
    """Put a table into its part of the page, between two marks."""
    begin, end = f"<!-- make gate-errors: {part} -->", f"<!-- make gate-errors: end of {part} -->"
    page = PAGE.read_text()
    before, after = page.partition(begin)[0], page.partition(end)[2]
    PAGE.write_text("\n".join([before + begin, sentence, "", *table, end + after]))


def main() -> None:
    """Simulate, poison, and write the page; `--quick` tries it out and writes nothing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=["alike", "families", "simulated", "poisoned"])
    options = parser.parse_args()
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    if options.only in (None, "alike") and not options.quick:
        write("alike", f"Measured on {today}.", compare_retrained())
    if options.only in (None, "families"):
        table = simulate_families(SIZES[0], 5 if options.quick else FAMILY_TRIALS)
        if not options.quick:
            write("families", f"Simulated on {today}.", table)
    if options.only in (None, "poisoned"):
        seeds = 1 if options.quick else SEEDS
        table = poison(seeds)
        if not options.quick:
            sentence = f"Measured on {today} with the family `logistic`, {seeds} seeds each."
            write("poisoned", sentence, table)
    if options.only in (None, "simulated"):
        counts = (5, 5, 5) if options.quick else TRIALS
        table = simulate(dict(zip(SIZES, counts, strict=True)))
        if not options.quick:
            pairs = zip(SIZES, TRIALS, strict=True)
            made = ", ".join(f"{n} of {size.rows:,} rows" for size, n in pairs)
            write("simulated", f"Simulated on {today}; trials: {made}.", table)


if __name__ == "__main__":
    main()
