"""docs/benchmarks.md and docs/figures, as the benchmarks write them.

Run by itself it renders anew what was last measured, as when prices have changed.
"""

import argparse
import json
import statistics
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from infra.local.cost import BENCH_FIGURES, PRICES, fill, table
from tests.benchmarks import load
from tests.benchmarks.budgets import verdicts
from tests.benchmarks.contestants import BESIDE_NOTHING, BESIDE_PEERS
from tests.benchmarks.environments import version_in
from tests.benchmarks.measuring import CPU, STAGES, Figures
from tests.support.running import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "benchmarks.md"


@dataclass(frozen=True)
class Section:
    """Where a command's results go."""

    mark: str
    figures: Path


BENCH = Section("make bench", BENCH_FIGURES)
BENCH_PEERS = Section("make bench-peers", BENCH_FIGURES.with_name("bench_peers.json"))


@dataclass(frozen=True)
class Measured:
    """Medians of the rounds, the median distance from them, and why someone is absent."""

    about: Mapping[str, Any]
    medians: Mapping[str, Mapping[str, float]]
    spreads: Mapping[str, Mapping[str, float]]
    absent: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, about: Mapping[str, Any], figures: Figures, absent: Mapping[str, str] | None = None
    ) -> "Measured":
        """Sum up what the rounds gave."""
        medians = {
            what: {who: statistics.median(values) for who, values in figures_by_name.items()}
            for what, figures_by_name in figures.items()
        }
        spreads = {
            what: {
                who: statistics.median(abs(value - medians[what][who]) for value in values)
                for who, values in figures_by_name.items()
            }
            for what, figures_by_name in figures.items()
        }
        return cls(about, medians, spreads, absent or {})


def command_line(description: str | None) -> argparse.Namespace:
    """What both commands understand."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="few rounds, and nothing is written")
    return parser.parse_args()


def about() -> dict[str, Any]:
    """Where, when and of which commit; asked before anything is measured."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    described = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return load.about() | {"commit": described.stdout.strip() or "unknown"}


def publish(measured: Measured, section: Section, *, write: bool) -> None:
    """Show the results; write them where they belong."""
    print(_rendered_here(measured))
    if write:
        section.figures.write_text(json.dumps(asdict(measured), indent=1) + "\n")
        render_anew(section)


def render_anew(section: Section) -> None:
    """Write the document's section from the figures."""
    text = _rendered_here(read(section))
    DOCUMENT.write_text(fill(DOCUMENT.read_text(), section.mark, text))


def _rendered_here(measured: Measured) -> str:
    return rendered(measured, tomllib.loads(PRICES.read_text()))


def read(section: Section) -> Measured:
    """What a command last wrote."""
    return Measured(**json.loads(section.figures.read_text()))


def rendered(measured: Measured, prices: Mapping[str, Mapping[str, float]]) -> str:
    """A section of the document."""
    return "\n\n".join(
        [
            circumstances(measured.about),
            "### Budgets",
            table(("what", "measured", "goal", ""), verdicts(measured.medians)),
            dollars(measured.medians[CPU]["surety"], prices),
            "### Figures",
            "Median ± median absolute deviation of the rounds, and ours as a multiple of it.",
            table(("figure", "of", "value", "ours to it"), figure_lines(measured)),
            *_stages(measured),
            "### What each does besides",
            table(("", "version", "checks", "records"), _conduct(measured)),
        ]
    )


def dollars(cpu_us: float, prices: Mapping[str, Mapping[str, float]]) -> str:
    """What a million scores cost on instances that are never idle, before anything is free."""
    service, made = prices["service"], prices["installation"]
    second = made["cpu"] * service["cpu_second"] + made["memory_gib"] * service["memory_gib_second"]
    return (
        f"A million scores take {cpu_us:,.0f} s of CPU: ${cpu_us * second:,.4f} at the prices of"
        " `infra/local/prices.toml`, on instances that are never idle and before free tiers;"
        " [with both](cost.md)."
    )


def _stages(measured: Measured) -> list[str]:
    """Where a batch's time goes, if that was measured."""
    stages = measured.medians.get(STAGES)
    if not stages:
        return []
    lines = [
        [stage, f"{value:.2f} ± {measured.spreads[STAGES][stage]:.2f}"]
        for stage, value in stages.items()
    ]
    return [
        "### Where the microseconds of a request of 1,000 go",
        "Each stage of ours by itself, in one process, on approved rows; the rest is HTTP.",
        table(("stage", "µs a row"), lines),
    ]


def circumstances(about: Mapping[str, Any]) -> str:
    libraries = ", ".join(f"{name} {version}" for name, version in about["libraries"].items())
    return (
        f"Measured {about['date']} at commit `{about['commit']}` on {about['machine']},"
        f" {about['cores']} cores, load average {about['load_average']:.1f} before it began;"
        f" Python {about['python']}, {libraries}."
    )


def figure_lines(measured: Measured) -> list[list[str]]:
    lines = []
    for what, figures_by_name in measured.medians.items():
        if what == STAGES:
            continue
        [ours, *_] = figures_by_name.values()
        for i, (who, value) in enumerate(figures_by_name.items()):
            spread = measured.spreads[what][who]
            times = f"{ours / value:.2f} x" if value else ""
            lines.append(
                [what if i == 0 else "", who, f"{_number(value)} ± {_number(spread)}", times]
            )
    return lines


def _number(value: float) -> str:
    digits = 0 if value == 0 else 3 if value < 1 else 2 if value < 10 else 0
    return f"{value:,.{digits}f}"


def _conduct(measured: Measured) -> list[list[str]]:
    """Who validates and records what; whoever could not be measured, with the reason."""
    contestants = {c.name: c for c in (*BESIDE_NOTHING, *BESIDE_PEERS) if c.environment}
    lines = [
        [
            name,
            version_in(str(c.environment), c.package) if c.package else "this commit",
            c.checks,
            c.records,
        ]
        for name, c in contestants.items()
        if name in measured.medians[CPU]
    ]
    return lines + [[name, "", f"**{reason}**", ""] for name, reason in measured.absent.items()]


if __name__ == "__main__":
    for each in (BENCH, BENCH_PEERS):
        render_anew(each)
