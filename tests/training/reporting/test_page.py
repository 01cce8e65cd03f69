import copy
import re
from pathlib import Path

import pytest

from models.registry.versions import publish
from models.stores.uri import open_store
from tests.support.browser import CHROMIUM, browser_page
from tests.support.running import running_server
from tests.training.reporting.conftest import NOW, Report
from training.reporting.page import (
    build_environment,
    format_count,
    format_general,
    format_number,
    format_share,
    render_report,
)


def test_a_number_carries_the_value_that_it_abbreviates() -> None:
    assert format_number(0.123456) == '<data value="0.123456">0.1235</data>'
    assert format_share(-0.25, 1, "+") == '<data value="-0.25">\N{MINUS SIGN}25.0 %</data>'
    assert format_count(12_345) == '<data value="12345">12,345</data>'
    assert format_general(1e6) == '<data value="1000000.0">1,000,000</data>'
    assert format_general(0.1234567) == '<data value="0.1234567">0.12346</data>'


def test_a_tiny_number_is_not_written_as_nothing() -> None:
    assert format_number(3e-6) == '<data value="3e-06">3e\N{MINUS SIGN}06</data>'
    assert ">0.003 %<" in format_share(3e-5)
    assert ">+0.0<" in format_number(3e-4, 1, "+")  # a z has one decimal
    assert (">0.0000<" in format_number(0.0), ">0.0 %<" in format_share(0.0)) == (True, True)


def test_what_is_no_number_is_written_as_it_is_and_nothing_as_a_dash() -> None:
    assert format_general("<own>") == "&lt;own&gt;"
    assert format_general(True) == "True"  # noqa: FBT003 -- a value of a cell
    assert {format_number(None), format_share(None), format_count(None), format_general(None)} == {
        "&ndash;"
    }


def test_a_sentence_shows_no_placeholder() -> None:
    template = build_environment().from_string("{{ text | sentence }}")
    assert template.render(text="Income is {income:.0f} a year") == "Income is … a year"


@pytest.mark.parametrize("outcome", ["promoted", "kept", "rejected", "insufficient_evidence"])
def test_every_outcome_has_its_verdict_and_only_a_promoted_one_serves(
    report: Report, outcome: str
) -> None:
    document = copy.deepcopy(report.document)
    document["identity"]["outcome"] = outcome
    document["gates"][0]["verdict"] = "FAILED" if outcome == "rejected" else "passed"
    page = render_report(document)
    verdict = page.partition('<div class="verdict')[2].partition("</div>")[0]
    assert ("this run promotes" in verdict) is (outcome == "promoted")
    assert ("Failed: ranks better than chance" in verdict) is (outcome == "rejected")


def test_a_model_without_documented_signs_has_a_sentence_and_no_empty_table(
    report: Report,
) -> None:
    document = copy.deepcopy(report.document)
    assert "The model documents no sign" not in render_report(document)
    document["explanations"]["signs"] = []
    page = render_report(document)
    assert "The model documents no sign" in page
    assert not re.search(r"<tbody>\s*</tbody>", page)


def test_text_from_data_is_never_markup(report: Report) -> None:
    document = copy.deepcopy(report.document)
    document["data"]["refusals"] = {"<script>alert(1)</script>": 3}
    document["data"]["source"] = "<img src=x>"
    page = render_report(document)
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


def test_periods_and_refusals_and_remarks_are_shown_if_there_are_any(report: Report) -> None:
    document = copy.deepcopy(report.document)
    document["discrimination"]["periods"] = document["discrimination"]["segments"][:1]
    document["data"]["remarks"] = ["3 rows were cleaned"]
    document["data"]["window"] = {"from": "2024-01", "to": "2025-06"}
    page = render_report(document)
    assert "a model that ages" in page
    assert "3 rows were cleaned." in page
    assert "2024-01 to 2025-06" in page
    assert "no date column" not in page


def test_a_searched_family_shows_what_the_search_chose(report: Report) -> None:
    document = copy.deepcopy(report.document)
    search = {"trials": 30, "pruned": 4, "seconds": 12.5, "ended_by": "trials"}
    losses = {"default_log_loss": 0.41, "log_loss": 0.4, "nested_log_loss": None}
    document["candidates"][0] |= {"search": search | losses, "parameters": {"max_depth": 4}}
    page = render_report(document)
    assert 'max_depth <data value="4">4</data>' in page
    assert '<data value="30">30</data>' in page
    assert "ended by" in page
    assert "ended by" not in report.page


def test_costs_of_signs_are_shown_if_they_were_measured(report: Report) -> None:
    assert "Not measured: the budget of the run was quick" in report.page
    document = copy.deepcopy(report.document)
    sign = {"feature": "income", "sign": -1, "cost": 0.0023, "low": 0.001, "high": 0.0035}
    document["constraints"] = {
        "free_auc": 0.71,
        "constrained_auc": 0.707,
        "cost": 0.003,
        "low": 0.0,
        "high": 0.005,
        "signs": [sign],
    }
    page = render_report(document)
    assert 'class="n failed"><data value="0.0023">' in page


def test_costs_and_ratings_are_shown_where_a_model_has_them(report: Report) -> None:
    assert "states no costs" in report.page
    document = copy.deepcopy(report.document)
    decisions = document["decisions"]
    decisions["costs"] = {"bad_approved": 5.0, "good_refused": 1.0}
    decisions["ratings"] = [decisions["decisions"][0] | {"name": "Excellent"}]
    for i, line in enumerate(decisions["cutoffs"]):
        line["cost"] = 0.25 + i
    page = render_report(document)
    assert "Approval rate and cost" in page
    assert '<data value="0.25">0.250</data>' in page
    assert "<td>Excellent</td>" in page
    assert "states no costs" not in page


@pytest.mark.environments
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: no page was opened")
def test_a_served_report_looks_as_the_file_does(report: Report, tmp_path: Path) -> None:
    """The content security policy of the route allows the page its own style sheet."""
    uri = (tmp_path / "store").as_uri()
    files = {"report.html": report.page.encode()}
    bundle = report.trained.bundle.to_bytes()
    version = publish(open_store(uri), "toy", bundle, files, NOW).version
    running = running_server(tmp_path / "log", MODEL_STORE=uri, CREDIT_MODELS="tests.support.toy")
    with running as server, browser_page() as browser:
        browser.open(f"{server.client.base_url}/v1/models/toy/versions/{version}/report")
        colour = "return getComputedStyle(document.querySelector('.tile')).backgroundColor"
        assert browser.run(colour) == "rgb(245, 247, 250)"
        assert browser.complaints == []


def test_a_first_version_has_no_swap_set_and_says_so(report: Report) -> None:
    document = copy.deepcopy(report.document)
    document["champion"] = None
    assert "could not be scored" in render_report(document)
    document["identity"]["champion"] = None
    assert "had no champion" in render_report(document)


def test_every_table_and_figure_is_preceded_by_a_sentence_on_how_to_read_it(
    report: Report,
) -> None:
    for heading in re.split(r"<h[23]>", report.page)[1:]:
        if "<table>" in heading or '<svg class="chart' in heading:
            before = re.split(r'<table>|<svg class="chart', heading)[0]
            assert re.search(r'class="note"|<small>', before), heading[:80]


def test_a_weighted_report_counts_applications_and_prints_no_fractions(report: Report) -> None:
    document = copy.deepcopy(report.document)
    weights = {"column": "wt", "applications_train": 17625.0, "applications_test": 5000.4}
    weights |= {"effective_train": 4828.035389564974, "effective_test": 1200.6}
    document["manifest"]["provenance"]["weights"] = weights
    page = render_report(document)
    assert ">4,828</data> unweighted rows" in page
    assert ">17,625</data> applications" in page
    assert "Kish&#39;s effective number" in page or "Kish's effective number" in page
    assert "Confusion matrix of applications" in page
    assert "stand for about as many applications" in page
    assert "Confusion matrix of rows" in report.page
