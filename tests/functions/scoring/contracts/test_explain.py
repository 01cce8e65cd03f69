from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from functions.scoring.contracts.waterfall import MAX_BARS, svg_from_explanation
from models.contract import characteristics
from models.discovery import credit_models
from models.explaining.explanation import Contribution, Explanation, Standing
from tests.support.running import Server

Example = Callable[[str], Any]
SVG = "{http://www.w3.org/2000/svg}"
RISKY = {"credit_score": 520, "num_late_payments": 3, "savings": 500, "debt_to_income": 0.5}


@pytest.fixture
def refused(example: Example) -> dict[str, Any]:
    application: dict[str, Any] = example("application") | RISKY
    return application


def test_an_explanation_adds_up_to_the_prediction_beside_it(
    service: Server, refused: dict[str, Any], example: Example
) -> None:
    for model, row in (
        ("application", refused),
        ("card_default", example("card_default")["instances"][0]),
    ):
        body = {"instances": [row]}
        answer = service.client.post(f"/v1/models/{model}:explain", json=body).json()
        predicted = service.client.post(f"/v1/models/{model}:predict", json=body).json()
        assert answer["predictions"] == predicted["predictions"]
        [explanation] = answer["explanations"]
        for figure, contributed in (("log_odds", "log_odds"), ("credit_score", "points")):
            total = sum(c[contributed] for c in explanation["contributions"])
            start, end = explanation["base"][figure], explanation["total"][figure]
            assert start + total == pytest.approx(end, abs=1e-6)
        score = answer["predictions"][0]["credit_score"]
        assert round(explanation["total"]["credit_score"]) == score
        explained = {c["characteristic"] for c in explanation["contributions"]}
        scored = {c.name for c in characteristics(credit_models()[model]) if not c.protected}
        assert explained == scored


def test_contributions_name_value_and_reference(service: Server, refused: dict[str, Any]) -> None:
    body = {"instances": [refused]}
    answer = service.client.post("/v1/models/application:explain", json=body).json()
    [explanation] = answer["explanations"]
    assert explanation["base_of"] in {"reference", "training_mean"}
    values = {c["characteristic"]: c["value"] for c in explanation["contributions"]}
    assert {name: values[name] for name in RISKY} == RISKY
    assert values["monthly_payment"] == 583  # 20,000 over 36 months, and 5 %
    assert "picture" not in explanation
    assert all("reasons" in prediction for prediction in answer["predictions"])


def test_the_picture_is_an_svg_that_says_in_words_what_it_shows(
    service: Server, refused: dict[str, Any]
) -> None:
    body = {"instances": [refused], "parameters": {"picture": "svg"}}
    answer = service.client.post("/v1/models/application:explain", json=body).json()
    [explanation] = answer["explanations"]
    picture = ET.fromstring(explanation["picture"])  # noqa: S314 -- our own answer
    assert picture.attrib["role"] == "img"
    total = explanation["total"]["credit_score"]
    assert picture.findtext(f"{SVG}title") == f"How the credit score of {total:.1f} comes about"
    strongest = explanation["contributions"][0]
    assert strongest["characteristic"] in str(picture.findtext(f"{SVG}desc"))
    assert {element.tag.removeprefix(SVG) for element in picture.iter()} == {
        *("svg", "title", "desc", "rect", "text")
    }
    labels = [text.text for text in picture.iter(f"{SVG}text")]
    assert len(labels) == 2 * (MAX_BARS + 3)  # and base, all others, total
    assert labels[-1] == f"{total:.1f}"


def test_what_a_picture_shows_is_escaped() -> None:
    hostile = '<script>alert("1")</script>'
    contribution = Contribution(hostile, hostile, None, 0.5, -5.0)
    explanation = Explanation(
        "training_mean", Standing(0.0, 500.0), Standing(0.5, 495.0), (contribution,)
    )
    picture = svg_from_explanation(explanation)
    assert "<script" not in picture
    tags = {e.tag.removeprefix(SVG) for e in ET.fromstring(picture).iter()}  # noqa: S314
    assert tags == {"svg", "title", "desc", "rect", "text"}


def test_an_explained_decision_is_recorded_like_any_other(
    service: Server, refused: dict[str, Any]
) -> None:
    headers = {"x-request-id": "explained-1"}
    body = {"instances": [refused, refused]}
    service.client.post("/v1/models/application:explain", json=body, headers=headers)
    [line] = [line for line in service.log() if line.get("request_id") == "explained-1"]
    assert line["record"] == "decision"
    assert [decision["index"] for decision in line["applications"]] == [0, 1]


@pytest.mark.parametrize(
    ("document", "faults"),
    [
        ({"instances": []}, {"instances"}),
        ({"instances": [{}] * 101}, {"instances"}),
        ({"instances": [{}], "parameters": {"picture": "png"}}, {"parameters.picture"}),
        ({"instances": [{}], "parameters": {"reason": True}}, {"parameters.reason"}),
    ],
)
def test_another_body_is_refused(
    service: Server, document: dict[str, Any], faults: set[str]
) -> None:
    answer = service.client.post("/v1/models/application:explain", json=document)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    paths = {error["path"] for error in answer.json()["errors"]}
    assert {path for path in paths if not path.startswith("instances[0].")} == faults


@pytest.mark.parametrize("verb", ["explain", "whatif", "recourse"])
def test_a_verb_of_an_unknown_model_is_not_found(service: Server, verb: str) -> None:
    answer = service.client.post(f"/v1/models/mortgage:{verb}", json={})
    assert answer.status_code == httpx.codes.NOT_FOUND
    answer = service.client.put(f"/v1/models/application:{verb}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
