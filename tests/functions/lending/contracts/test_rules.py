"""The rules of the book over HTTP."""

from tests.support.lending import BookClient


def test_products_and_rule_sets_are_those_that_figures_name(book: BookClient) -> None:
    rules = book.ok("GET", "/v1/rules")
    [product] = rules["products"]
    assert (product["code"], product["version"], product["rule_set"]) == (
        *("instalment_loan", 1),
        "rbi_irac_2025",
    )
    by_name = {rule_set["label"]: rule_set for rule_set in rules["rule_sets"]}
    assert by_name.keys() == {"rbi_irac_2025@1", "source_d@1"}
    assert by_name["rbi_irac_2025@1"]["classes"][:5] == [
        {"asset_class": "standard", "start": 0, "counted_in": "days_past_due"},
        {"asset_class": "sma_0", "start": 1, "counted_in": "days_past_due"},
        {"asset_class": "sma_1", "start": 31, "counted_in": "days_past_due"},
        {"asset_class": "sma_2", "start": 61, "counted_in": "days_past_due"},
        {"asset_class": "sub_standard", "start": 0, "counted_in": "months_since_npa"},
    ]
    [provisions] = rules["provision_rules"]
    assert {"name": "sub_standard", "covered_percent": "15", "uncovered_percent": "15"} | {
        "unsecured_percent": "25"
    } in provisions["non_performing"]
    assert {rate["name"]: rate["covered_percent"] for rate in provisions["performing"]}[
        "other"
    ] == "0.40"
    assert book("GET", "/v1/rules?version=1").status_code == 422
