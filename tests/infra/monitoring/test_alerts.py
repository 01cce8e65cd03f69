"""alerts.yaml: each alert fires beyond its border and not at it; what breaks the form is named."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.monitoring.alerts import (
    LINES,
    POLICIES,
    RULES,
    SOURCE,
    Alert,
    AlertsError,
    compile_policies,
    compile_rules,
    main,
    read_alerts,
    render_lines,
    render_policies,
    render_rules,
)

SCENARIOS = Path(__file__).with_name("alerts.yaml")
TEXT = SOURCE.read_text()
ALERTS = read_alerts(TEXT)
DAY_MINUTES = 24 * 60
HOUR = 3_600
# Alerts over gauges: the series that each reads, what the alert is labelled with, and how far the
# value is beyond its border. Times are compared with a clock that starts at 0.
GAUGES: dict[str, tuple[str, dict[str, str], float]] = {
    "auc-low": ('surety_monitor_auc{model="toy"}', {"model": "toy"}, 0.0001),
    "accuracy-low": ('surety_monitor_accuracy{model="bureau"}', {"model": "bureau"}, 0.0001),
    "feature-drift": (
        'surety_monitor_psi{model="toy",feature="income"}',
        {"model": "toy", "feature": "income"},
        0.0001,
    ),
    "debt-to-income-shift": (
        'surety_monitor_mean_change{model="application",feature="debt_to_income"}',
        {"model": "application"},
        0.0001,
    ),
    "model-degraded": ('surety_monitor_degraded{model="toy"}', {"model": "toy"}, 1),
    **{
        name: (f'surety_quality_failed{{table="loans",check="{check}"}}', {"table": "loans"}, 1)
        for name, check in {
            "row-counts": "row_count",
            "null-shares": "null_share",
            "schema-failures": "outside_contract",
            "repeated-keys": "repeated_keys",
            "data-late": "arrived",
        }.items()
    },
    "npa-ratio": ("surety_book_npa_ratio_percent", {}, 0.01),
    "npa-ratio-critical": ("surety_book_npa_ratio_percent", {}, 0.01),
    "book-default-rate": ("surety_book_default_rate_percent", {}, 0.01),
    "on-time-payments": ("surety_book_on_time_rate_percent", {}, 0.01),
    "book-debt-to-income-shift": ("surety_book_debt_to_income_change_percent", {}, 0.01),
    "lending-check-failed": ("surety_book_differences", {}, 1),
}
# Series that an alert does not read, although they are beyond its border.
OTHERS = {
    "accuracy-low": 'surety_monitor_accuracy{model="german_credit"}',
    "debt-to-income-shift": 'surety_monitor_mean_change{model="application",feature="income"}',
}
AGES: dict[str, tuple[str, dict[str, str], int]] = {
    "model-age": (
        'surety_model_published_timestamp_seconds{model="toy",version="v1"}',
        {"model": "toy"},
        24 * HOUR,
    ),
    "monitoring-overdue": (
        'surety_monitor_day_timestamp_seconds{model="toy"}',
        {"model": "toy"},
        HOUR,
    ),
    "quality-overdue": ("surety_quality_day_timestamp_seconds", {}, HOUR),
    "lending-close-overdue": ("surety_book_business_date_timestamp_seconds", {}, HOUR),
    "lending-check-overdue": ("surety_book_checked_timestamp_seconds", {}, HOUR),
}


def alert(name: str) -> Alert:
    return next(one for one in ALERTS.alerts if one.name == name)


def firing(one: Alert, labels: dict[str, str]) -> list[dict[str, Any]]:
    """What promtool expects of an alert that fires."""
    return [{"exp_labels": {**labels, "severity": one.severity, "metric": one.metric}}]


def gauge_scenarios(name: str) -> list[dict[str, Any]]:
    """Quiet at the border; beyond it quiet until the time is over, then firing."""
    series, labels, step = GAUGES[name]
    one = alert(name)
    minutes = one.seconds // 60
    beyond = one.threshold + (step if one.comparison == "above" else -step)
    scenarios = [
        scenario(name, series, one.threshold, {minutes + 2: []}),
        scenario(name, series, beyond, {minutes - 1: [], minutes + 1: firing(one, labels)}),
    ]
    if name in OTHERS:
        scenarios.append(scenario(name, OTHERS[name], beyond, {minutes + 2: []}))
    return scenarios


def age_scenarios(name: str) -> list[dict[str, Any]]:
    """Quiet when the figure is exactly as old as allowed, and until the time is over; then not."""
    series, labels, unit = AGES[name]
    one = alert(name)
    times = {0: [], one.seconds // 60 + 2: firing(one, labels)}
    return [scenario(name, series, -one.threshold * unit, times)]


def scenario(
    name: str, series: str, value: float, times: Mapping[int, list[dict[str, Any]]]
) -> dict[str, Any]:
    """A series that has one value, and what is expected after so many minutes."""
    return {
        "name": f"{name} while {series} is {value:g}",
        "interval": "1m",
        "input_series": [{"series": series, "values": f"{value:.10g}x{max(times) + 5}"}],
        "alert_rule_test": [
            {"eval_time": f"{minutes}m", "alertname": name, "exp_alerts": alerts}
            for minutes, alerts in times.items()
        ],
    }


def scenarios() -> dict[str, list[dict[str, Any]]]:
    """The scenarios of the file, and those of each gauge under the name of its alert."""
    counters: dict[str, Any] = yaml.safe_load(SCENARIOS.read_text())
    return {
        "counters": counters["tests"],
        **{name: gauge_scenarios(name) for name in GAUGES},
        **{name: age_scenarios(name) for name in AGES},
    }


def write_test(folder: Path, name: str, tests: list[dict[str, Any]]) -> str:
    """Write a test of promtool beside the rules that it tries."""
    tried = {case["alertname"] for one in tests for case in one["alert_rule_test"]}
    rules = [
        {key: value for key, value in rule.items() if key != "annotations"}
        for group in compile_rules(ALERTS)["groups"]
        for rule in group["rules"]
        if rule["alert"] in tried
    ]
    document = {"rule_files": [f"{name}.rules"], "evaluation_interval": "1m", "tests": tests}
    groups = {"groups": [{"name": "all", "rules": rules}]}
    (folder / f"{name}.rules").write_text(json.dumps(groups))
    (folder / f"{name}.test").write_text(json.dumps(document))
    return f"{name}.test"


def promtool(folder: Path, *arguments: str) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian's prometheus): no alert was tried")
    done = subprocess.run(
        ["promtool", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_fires_beyond_its_border_and_not_at_it(tmp_path: Path) -> None:
    files = [write_test(tmp_path, name, tests) for name, tests in scenarios().items()]
    assert len(files) == 22
    promtool(tmp_path, "test", "rules", *files)


def test_every_alert_has_a_time_at_which_it_fires_and_one_at_which_it_does_not() -> None:
    every = [one for tests in scenarios().values() for one in tests]
    tried = [case for one in every for case in one["alert_rule_test"]]
    names = {one.name for one in ALERTS.alerts}
    assert {case["alertname"] for case in tried if case["exp_alerts"]} == names
    assert {case["alertname"] for case in tried if not case["exp_alerts"]} == names


def test_compiled_files_are_those_of_the_source(tmp_path: Path) -> None:
    assert RULES.read_text() == render_rules(ALERTS), "run `make alerts`"
    assert POLICIES.read_text() == render_policies(ALERTS), "run `make alerts`"
    assert LINES.read_text() == render_lines(ALERTS), "run `make alerts`"
    promtool(tmp_path, "check", "rules", str(RULES))


def test_a_policy_of_google_has_the_text_that_promtool_runs() -> None:
    rules = {
        rule["alert"]: rule for group in compile_rules(ALERTS)["groups"] for rule in group["rules"]
    }
    policies = compile_policies(ALERTS)
    assert len(policies) == 6
    for name, policy in policies.items():
        assert policy["query"] == rules[name]["expr"]
        assert policy["severity"] == rules[name]["labels"]["severity"].upper()
        assert policy["duration"] == f"{alert(name).seconds}s"
        # Google looks at 25 hours at most: the window of the query and the time that it must hold.
        [window] = re.findall(r"\[(\d+)([hd])\]", policy["query"])
        assert int(window[0]) * {"h": HOUR, "d": 24 * HOUR}[window[1]] + alert(name).seconds <= (
            25 * HOUR
        )


@pytest.mark.parametrize(
    ("metric", "threshold", "comparison", "duration", "severity"),
    [
        ("api_latency_p95", 200, "above", "5m", "warning"),
        ("auc_roc", 0.75, "below", "1d", "critical"),
        ("feature_drift_score", 0.15, "above", "1h", "warning"),
        ("npa_ratio", 5, "above", "15m", "critical"),
        ("npa_ratio", 3, "above", "15m", "warning"),
        ("book_default_rate", 10, "above", "15m", "critical"),
        ("on_time_rate", 80, "below", "15m", "warning"),
        ("accuracy", 0.9, "below", "1d", "warning"),
        ("mean_debt_to_income_change", 0.1, "above", "1h", "warning"),
        ("book_debt_to_income_change", 10, "above", "15m", "warning"),
    ],
)
def test_the_promised_rules_are_there(
    metric: str, threshold: float, comparison: str, duration: str, severity: str
) -> None:
    expected = (metric, threshold, comparison, duration, severity)
    assert expected in [
        (one.metric, one.threshold, one.comparison, one.duration, one.severity)
        for one in ALERTS.alerts
    ]


def test_what_the_close_compares_is_what_prometheus_is_asked() -> None:
    compared = {name: m for name, m in ALERTS.metrics.items() if m.figure}
    assert set(compared) == {
        *("npa_ratio", "book_default_rate", "on_time_rate", "book_debt_to_income_change"),
    }
    for metric in compared.values():
        assert re.fullmatch(rf"(max|min)\(surety_book_{metric.figure}\)", metric.query)
        assert metric.collected == "lending"


METRIC = "metrics:\n  a: {unit: ms, collected: scoring, on_google: false, query: up}\n"
ALERT = (
    "  - {name: too-slow, metric: a, threshold: 2, comparison: above, duration: 5m, "
    "severity: warning, text: It takes longer than it should.}\n"
)
SMALL = f"{METRIC}alerts:\n{ALERT}"


def faults(text: str) -> list[str]:
    with pytest.raises(AlertsError) as caught:
        read_alerts(text)
    return str(caught.value).splitlines()


def test_a_small_file_is_compiled() -> None:
    [group] = compile_rules(read_alerts(SMALL))["groups"]
    [rule] = group["rules"]
    assert (group["name"], rule["expr"], rule["for"]) == ("scoring", "(up) > 2", "5m")
    assert rule["annotations"]["description"] == ('a is {{ $value | printf "%.4g" }}, above 2 ms.')
    assert compile_policies(read_alerts(SMALL)) == {}


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("too-slow", "Too slow", "alert 1 (Too slow): name: string should match pattern"),
        ("threshold: 2", "threshold: '2'", "write a finite number without quotes"),
        ("threshold: 2", "threshold: .nan", "write a finite number without quotes"),
        ("comparison: above", "comparison: '>'", "write above or below"),
        ("duration: 5m", "duration: 5 minutes", "write it as 0m, 5m, 2h or 1d, at most 1d"),
        ("duration: 5m", "duration: 25h", "duration: 25h is longer than 1d; shorten it"),
        ("severity: warning", "severity: error", "input should be 'warning' or 'critical'"),
        ("metric: a", "metric: b", "metric: b is not declared; take one of a"),
        ("threshold: 2, ", "", "alert 1 (too-slow): threshold: field required; write a finite"),
        ("text:", "owner: me, text:", "owner: there is no such member; it has name, metric"),
        ("text: It takes longer than it should.", "text: slow", "say in one sentence"),
        ("query: up", "query: sum(up", "metrics.a: query: it is no PromQL"),
        ("query: up", 'query: "up # comment"', "metrics.a: query: on one line it is no PromQL"),
        ("collected: scoring", "collected: us", "name who has the figure"),
        ("metrics:\n", "metrics:\n  b: 3\n", "metrics.b: it is no mapping; give it the members"),
        (ALERT, ALERT + ALERT, "alert too-slow: name: another alert has it; choose another one"),
        ("unit: ms", "unit: ms, unit: s", "unit is there twice; remove one of them"),
        ("metrics:", "figures:", "a mapping `metrics` and a list `alerts`, and nothing else"),
        (SMALL, "metrics: [", "it is not YAML"),
    ],
)
def test_a_fault_names_the_field_the_rule_and_the_remedy(
    before: str, after: str, message: str
) -> None:
    assert before in SMALL
    lines = faults(SMALL.replace(before, after))
    assert any(message in line for line in lines), lines


def test_a_threshold_keeps_its_digits() -> None:
    alerts = read_alerts(SMALL.replace("threshold: 2", "threshold: 12345678.5"))
    [alert] = alerts.alerts
    assert alerts.write_expression(alert) == "(up) > 12345678.5"


def test_all_faults_are_named_at_once() -> None:
    text = SMALL.replace("threshold: 2", "threshold: high").replace("5m", "soon")
    text = text.replace("unit: ms", "unit: ''").replace("severity: warning, ", "")
    lines = faults(text + ALERT.replace("metric: a", "metric: b"))
    fields = [line.split(": ")[:2] for line in lines]
    assert fields == [
        ["metrics.a", "unit"],
        ["alert 1 (too-slow)", "threshold"],
        ["alert 1 (too-slow)", "duration"],
        ["alert 1 (too-slow)", "severity"],
        ["alert too-slow", "metric"],
    ]


def test_a_metric_that_no_alert_reads_is_named() -> None:
    text = SMALL.replace("metrics:\n", "metrics:\n" + METRIC.splitlines()[1].replace("a:", "b:", 1))
    text = text.replace("query: up}  a", "query: up}\n  a")
    assert faults(text) == ["metrics.b: no alert reads it; remove it"]


def test_the_command_names_faults_and_counts_alerts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == "29 alerts, 6 of them also on Google\n"
    broken = tmp_path / "alerts.yaml"
    broken.write_text(SMALL.replace("metric: a", "metric: b"))
    monkeypatch.setattr("infra.monitoring.alerts.SOURCE", broken)
    assert main(["--check"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: alerts.yaml: alert too-slow: metric: b is not declared")
