"""`make alerts`: alerts.yaml, checked and compiled for Prometheus, Google and the loan book."""

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import promql_parser
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

FOLDER = Path(__file__).resolve().parent
SOURCE = FOLDER / "alerts.yaml"
RULES = FOLDER / "prometheus" / "rules.yaml"
POLICIES = FOLDER / "google_alerts.json"
LINES = FOLDER.parents[1] / "functions" / "lending" / "alert_lines.json"
HEADER = "# Written by `make alerts` from ../alerts.yaml; edit that.\n"
SECONDS = {"m": 60, "h": 3_600, "d": 86_400}
LONGEST_SECONDS = SECONDS["d"]  # that Google Monitoring watches a condition
SIGNS = {"above": ">", "below": "<"}
PARTS = ("metrics", "alerts")

Faults = list[str]
Item = TypeVar("Item", bound="_Item")


class _Item(BaseModel):
    """What the file declares; the description of a field says how to write it correctly."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class AlertMetric(_Item):
    """A figure that alerts compare: a query, its unit, and who has it."""

    unit: Annotated[str, Field(min_length=1, description="name the unit, such as ms or '%'")]
    collected: Annotated[
        Literal["scoring", "lending", "dashboard", "files"],
        Field(description="name who has the figure: scoring, lending or files"),
    ]
    on_google: Annotated[
        bool, Field(description="write true if Google policies are made of its alerts, or false")
    ]
    query: Annotated[str, Field(min_length=1, description="write a PromQL query as text")]
    figure: Annotated[
        str | None, Field(description="name the figure of the loan book, without surety_book_")
    ] = None


class Alert(_Item):
    """One alert, in the promised form, with a sentence for whoever is told."""

    name: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
            description="write small letters, digits and single hyphens, as in npa-ratio",
        ),
    ]
    metric: Annotated[str, Field(description="name a metric that the file declares")]
    threshold: Annotated[
        float, Field(allow_inf_nan=False, description="write a finite number without quotes")
    ]
    comparison: Annotated[Literal["above", "below"], Field(description="write above or below")]
    duration: Annotated[
        str,
        Field(
            pattern=r"^(0m|[1-9]\d{0,3}[mhd])$",
            description="write it as 0m, 5m, 2h or 1d, at most 1d",
        ),
    ]
    severity: Annotated[
        Literal["warning", "critical"],
        Field(description="write critical if somebody is to be woken, warning otherwise"),
    ]
    text: Annotated[
        str,
        Field(min_length=20, description="say in one sentence what is wrong, for a person"),
    ]

    @property
    def seconds(self) -> int:
        """How long the comparison must hold."""
        return int(self.duration[:-1]) * SECONDS[self.duration[-1]]


class AlertsError(Exception):
    """The file breaks rules; the message has a line for each fault."""


class _UniqueLoader(yaml.SafeLoader):
    """Refuses a key that is there twice, of which YAML would take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- PyYAML's signature
        counts = Counter(key.value for key, _ in node.value)
        for key, _ in node.value:
            if counts[key.value] > 1:
                message = f"{key.value} is there twice; remove one of them"
                raise yaml.constructor.ConstructorError(None, None, message, key.start_mark)
        return super().construct_mapping(node, deep)


class Alerts(BaseModel):
    """All alerts and the metrics that they compare."""

    metrics: Mapping[str, AlertMetric]
    alerts: Sequence[Alert]

    def find_metric(self, alert: Alert) -> AlertMetric:
        """Return the metric of an alert."""
        return self.metrics[alert.metric]

    def write_expression(self, alert: Alert) -> str:
        """Write the condition, which Prometheus and Google evaluate alike."""
        query = " ".join(self.find_metric(alert).query.split())
        return f"({query}) {SIGNS[alert.comparison]} {alert.threshold:.15g}"


def read_alerts(text: str) -> Alerts:
    """Read and check the text of an alerts file.

    Raises
    ------
    AlertsError
        If it breaks a rule. The message names every fault, the rule and the remedy.
    """
    try:
        document = yaml.load(text, _UniqueLoader)  # noqa: S506 -- a SafeLoader
    except yaml.YAMLError as error:
        message = f"it is not YAML: {' '.join(str(error).split())}"
        raise AlertsError(message) from error
    is_mapping = isinstance(document, dict) and set(document) == set(PARTS)
    if not (is_mapping and isinstance(document["metrics"], dict)) or not isinstance(
        document["alerts"], list
    ):
        message = "the file must have a mapping `metrics` and a list `alerts`, and nothing else"
        raise AlertsError(message)
    metrics, faults = _read_items(AlertMetric, document["metrics"].items(), "metrics.")
    alerts, alert_faults = _read_items(Alert, _name_alerts(document["alerts"]), "alert ")
    names = frozenset(map(str, document["metrics"]))
    faults += [*alert_faults, *_check_metrics(metrics), *_check_alerts(alerts.values(), names)]
    used = [a.get("metric") for a in document["alerts"] if isinstance(a, dict)]
    faults += [f"metrics.{n}: no alert reads it; remove it" for n in metrics if n not in used]
    if faults:
        raise AlertsError("\n".join(faults))
    read = Alerts(metrics=metrics, alerts=list(alerts.values()))
    if faults := list(_check_expressions(read)):
        raise AlertsError("\n".join(faults))
    return read


def compile_rules(alerts: Alerts) -> dict[str, Any]:
    """Compile the rule file of Prometheus, a group for each place where figures are collected."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for alert in alerts.alerts:
        metric = alerts.find_metric(alert)
        now = '{{ $value | printf "%.4g" }}'
        limit = f"{alert.threshold:g} {metric.unit}"
        groups.setdefault(metric.collected, []).append(
            {
                "alert": alert.name,
                "expr": alerts.write_expression(alert),
                "for": alert.duration,
                "labels": {"severity": alert.severity, "metric": alert.metric},
                "annotations": {
                    "summary": alert.text,
                    "description": f"{alert.metric} is {now}, {alert.comparison} {limit}.",
                    "runbook": f"docs/operate.md#{alert.name}",
                },
            }
        )
    return {"groups": [{"name": name, "rules": rules} for name, rules in groups.items()]}


def compile_policies(alerts: Alerts) -> dict[str, dict[str, str]]:
    """Compile what terraform/alerts.tf makes policies of, by name."""
    return {
        alert.name: {
            "severity": alert.severity.upper(),
            "duration": f"{alert.seconds}s",
            "query": alerts.write_expression(alert),
            "text": alert.text,
        }
        for alert in alerts.alerts
        if alerts.find_metric(alert).on_google
    }


def compile_lines(alerts: Alerts) -> list[dict[str, Any]]:
    """Compile what the loan book's daily close compares itself."""
    return [
        {
            "name": alert.name,
            "figure": figure,
            "comparison": alert.comparison,
            "threshold": alert.threshold,
            "severity": alert.severity,
            "text": alert.text,
        }
        for alert in alerts.alerts
        if (figure := alerts.find_metric(alert).figure)
    ]


def render_lines(alerts: Alerts) -> str:
    """Return the text of the file that the loan book ships."""
    return json.dumps(compile_lines(alerts), indent=2) + "\n"


def render_rules(alerts: Alerts) -> str:
    """Return the text of the rule file."""
    text: str = yaml.safe_dump(compile_rules(alerts), sort_keys=False, width=math.inf)
    return HEADER + text


def render_policies(alerts: Alerts) -> str:
    """Return the text of the file of Google's policies."""
    return json.dumps(compile_policies(alerts), indent=2) + "\n"


def _name_alerts(items: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Name each alert by its position and, if it has one, its name."""
    for number, item in enumerate(items, 1):
        name = item.get("name") if isinstance(item, dict) else None
        yield (f"{number} ({name})" if name else str(number)), item


def _read_items(
    kind: type[Item], items: Iterable[tuple[str, Any]], prefix: str
) -> tuple[dict[str, Item], Faults]:
    read: dict[str, Item] = {}
    faults: Faults = []
    for name, item in items:
        try:
            read[name] = kind.model_validate(item)
        except ValidationError as error:
            for fault in error.errors():
                faults.append(f"{prefix}{name}: {_describe_fault(kind, fault)}")
    return read, faults


def _describe_fault(kind: type[BaseModel], fault: Mapping[str, Any]) -> str:
    """Name the field, the rule and the remedy."""
    if not fault["loc"]:
        return f"it is no mapping; give it the members {', '.join(kind.model_fields)}"
    name = str(fault["loc"][0])
    if name not in kind.model_fields:
        return f"{name}: there is no such member; it has {', '.join(kind.model_fields)}"
    rule = fault["msg"][0].lower() + fault["msg"][1:]
    return f"{name}: {rule}; {kind.model_fields[name].description}"


def _check_metrics(metrics: Mapping[str, AlertMetric]) -> Iterator[str]:
    for name, metric in metrics.items():
        try:
            promql_parser.parse(metric.query)
        except ValueError as error:
            yield f"metrics.{name}: query: it is no PromQL ({error}); correct it"


def _check_expressions(alerts: Alerts) -> Iterator[str]:
    """Parse what is compiled: a query on several lines becomes one, and a comment ends it."""
    for alert in alerts.alerts:
        try:
            promql_parser.parse(alerts.write_expression(alert))
        except ValueError as error:
            place = f"metrics.{alert.metric}: query"
            yield f"{place}: on one line it is no PromQL ({error}); remove comments from it"


def _check_alerts(alerts: Iterable[Alert], metrics: frozenset[str]) -> Iterator[str]:
    counts: Counter[str] = Counter()
    for alert in alerts:
        counts[alert.name] += 1
        if counts[alert.name] > 1:
            yield f"alert {alert.name}: name: another alert has it; choose another one"
        if alert.metric not in metrics:
            names = ", ".join(sorted(metrics))
            yield f"alert {alert.name}: metric: {alert.metric} is not declared; take one of {names}"
        if alert.seconds > LONGEST_SECONDS:
            yield f"alert {alert.name}: duration: {alert.duration} is longer than 1d; shorten it"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the file, and write the compiled ones unless only to check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    try:
        alerts = read_alerts(SOURCE.read_text())
    except AlertsError as error:
        for fault in str(error).splitlines():
            print(f"error: alerts.yaml: {fault}", file=sys.stderr)
        return 2
    if not options.check:
        RULES.write_text(render_rules(alerts))
        POLICIES.write_text(render_policies(alerts))
        LINES.write_text(render_lines(alerts))
    print(f"{len(alerts.alerts)} alerts, {len(compile_policies(alerts))} of them also on Google")
    return 0


if __name__ == "__main__":
    sys.exit(main())
