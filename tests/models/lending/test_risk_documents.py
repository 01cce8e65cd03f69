import json
from dataclasses import replace

import pytest

from models.lending.errors import RuleSetError
from models.lending.expected_loss_rules import IFRS_9, RBI_ECL_2026
from models.lending.loss_given_default import BACKSTOP
from models.lending.outlooks import HOUSE_OUTLOOKS
from models.lending.risk_documents import (
    assumptions_document,
    outlooks_from_document,
    require_version,
    sensitivity_from_document,
)
from models.lending.sensitivities import CUSTOMER_SENSITIVITY


def test_the_futures_of_a_report_survive_json_to_the_last_digit() -> None:
    document = assumptions_document(RBI_ECL_2026, BACKSTOP, HOUSE_OUTLOOKS, CUSTOMER_SENSITIVITY)
    stored = json.loads(json.dumps(document))
    assert outlooks_from_document(stored) == HOUSE_OUTLOOKS.outlooks(CUSTOMER_SENSITIVITY)
    assert stored["note"] == "effective 2027-04-01, from a secondary source"
    assert stored["term_structure"].startswith("flat hazard (an assumption)")
    assert stored["sensitivity"]["model"] == "customer"
    assert sensitivity_from_document(stored["sensitivity"]) == CUSTOMER_SENSITIVITY


def test_another_version_of_a_rule_set_makes_no_report_again() -> None:
    assert require_version(IFRS_9, "ifrs9@1") is IFRS_9
    with pytest.raises(
        RuleSetError, match="ifrs9@1 made this report, and this release has ifrs9@2"
    ):
        require_version(replace(IFRS_9, version=2), "ifrs9@1")
