"""The numbers of a batch are those of the service, to the last bit."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from functions.batch.part_scoring import PartScorer, ScoredPart
from functions.batch.plans import BatchRequest, Planning, find_file, make_plan
from functions.batch.sources import FilePart
from models.contract import CreditModel
from models.discovery import credit_models
from models.evidence.batch_verification import verify_part
from models.evidence.hash_chain import Seal
from models.registry.serving import LoadedVersion, load_version
from models.scorer import Decision
from models.stores.uri import open_store
from tests.functions.batch.conftest import KEY, ROWS, columns_equal
from tests.support.published import ROWS as EXAMPLES
from tests.support.running import ModelStore
from training.reading.row_validation import check_rows
from training.synthetic.application import generate

SEAL = Seal(KEY)


def scorer_of_file(
    store: str, path: Path, seal: Seal = SEAL, **request: object
) -> tuple[PartScorer, list[FilePart]]:
    models = open_store(store)
    wanted = BatchRequest.model_validate({"model": "application", **request, "input": str(path)})
    model = credit_models()[wanted.model]
    file = find_file(wanted, model)
    plan = make_plan(
        wanted, file, Planning(models, model, seal, datetime(2026, 11, 30, tzinfo=UTC))
    )
    scorer = PartScorer(plan, file, model, load_version(models, model, plan.version), seal)
    return scorer, plan.list_parts()


def read_table(data: bytes) -> pa.Table:
    return pq.read_table(io.BytesIO(data))


def decide_as_the_service_does(
    loaded: LoadedVersion, model: type[CreditModel], *, with_reasons: bool
) -> list[Decision]:
    rows = check_rows(model, generate(ROWS, seed=5), max_refused_share=0)
    return loaded.scorer.decide(rows.applications, with_reasons=with_reasons)


@pytest.fixture(scope="module")
def all_reasons(made_models: ModelStore, applications: Path) -> tuple[PartScorer, ScoredPart]:
    scorer, parts = scorer_of_file(made_models.uri, applications, reasons="all")
    [part] = parts
    scored = scorer.score(part)
    scorer.file.close()
    return scorer, scored


def test_every_number_and_reason_is_the_services_to_the_last_bit(
    all_reasons: tuple[PartScorer, ScoredPart],
) -> None:
    scorer, scored = all_reasons
    decisions = decide_as_the_service_does(scorer.loaded, scorer.model, with_reasons=True)
    results = read_table(scored.results)
    probabilities = results["probability_of_default"].to_numpy()
    assert columns_equal(probabilities, np.array([d.probability_of_default for d in decisions]))
    assert results["credit_score"].to_pylist() == [round(d.credit_score) for d in decisions]
    assert results["decision"].to_pylist() == [d.decision for d in decisions]
    assert results["risk_level"].to_pylist() == [d.risk_level for d in decisions]
    expected = [
        [
            {"code": r.code, "text": r.text, "points": round(r.points, 1) + 0.0}
            for r in d.reasons or ()
        ]
        for d in decisions
    ]
    assert results["reasons"].to_pylist() == expected


def test_the_records_verify_and_the_numbers_in_them_are_those_of_the_results(
    all_reasons: tuple[PartScorer, ScoredPart],
) -> None:
    _, scored = all_reasons
    assert verify_part(io.BytesIO(scored.records), {SEAL.name: SEAL}, scored.head) == []
    records, results = read_table(scored.records), read_table(scored.results)
    for name in ("decision_id", "row", "probability_of_default", "credit_score", "decision"):
        assert records[name].to_pylist() == results[name].to_pylist()
    codes = [",".join(r["code"] for r in reasons) for reasons in results["reasons"].to_pylist()]
    assert records["reasons"].to_pylist() == codes
    assert "input.age" not in records.column_names  # protected


def test_adverse_reasons_are_those_of_everyone_who_is_not_approved(
    made_models: ModelStore, applications: Path, all_reasons: tuple[PartScorer, ScoredPart]
) -> None:
    scorer, [part] = scorer_of_file(made_models.uri, applications, reasons="adverse")
    results = read_table(scorer.score(part).results)
    scorer.file.close()
    every = read_table(all_reasons[1].results)
    for decision, reasons, full in zip(
        *(results[name].to_pylist() for name in ("decision", "reasons")),
        every["reasons"].to_pylist(),
        strict=True,
    ):
        assert reasons == (None if decision == "approve" else full)


def test_the_same_plan_gives_the_same_bytes(made_models: ModelStore, applications: Path) -> None:
    scorer, [part] = scorer_of_file(made_models.uri, applications)
    assert scorer.score(part) == scorer.score(part)
    scorer.file.close()


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - {"toy", "application"}))
def test_every_model_of_the_catalogue_scores_a_file(
    made_models: ModelStore, tmp_path: Path, name: str
) -> None:
    path = tmp_path / f"{name}.parquet"
    model = credit_models()[name]
    application = model.model_validate(EXAMPLES[name])
    row = {k: v for k, v in EXAMPLES[name].items() if v is not None}
    pq.write_table(pa.Table.from_pylist([row, row]), path)
    without = [c for c in model.model_fields if c not in row and not c.endswith("_id")]
    scorer, [part] = scorer_of_file(made_models.uri, path, model=name, without=tuple(without))
    scored = scorer.score(part)
    scorer.file.close()
    [decision] = scorer.loaded.scorer.decide([application])
    results = read_table(scored.results).to_pylist()
    assert [r["probability_of_default"] for r in results] == [decision.probability_of_default] * 2
    assert results[0].get("rating") == decision.rating
    assert verify_part(io.BytesIO(scored.records), {SEAL.name: SEAL}, scored.head) == []


def test_an_identifier_becomes_a_pseudonym_in_the_records_and_stays_in_the_results(
    made_models: ModelStore, tmp_path: Path
) -> None:
    path = tmp_path / "customers.parquet"
    row = {k: v for k, v in EXAMPLES["customer"].items() if v is not None}
    rows = [row | {"customer_id": name} for name in ("CUST_1", "CUST_2", "", "x" * 65)]
    pq.write_table(pa.Table.from_pylist(rows), path)
    scorer, [part] = scorer_of_file(made_models.uri, path, model="customer")
    scored = scorer.score(part)
    scorer.file.close()
    assert read_table(scored.results)["customer_id"].to_pylist() == ["CUST_1", "CUST_2", None]
    names = read_table(scored.records)["applicant"].to_pylist()
    assert names == [SEAL.pseudonym("CUST_1"), SEAL.pseudonym("CUST_2"), None]
    assert b"CUST_1" not in scored.records
    fault = json.loads(scored.faults)
    assert (fault["row"], fault["field"]) == (4, "customer_id")


def test_without_a_key_salts_are_drawn_from_the_plan_and_nobody_is_named(
    made_models: ModelStore, tmp_path: Path
) -> None:
    path = tmp_path / "customers.parquet"
    pq.write_table(pa.Table.from_pylist([EXAMPLES["customer"] | {"customer_id": "C"}]), path)
    scorer, [part] = scorer_of_file(made_models.uri, path, Seal(), model="customer")
    other, _ = scorer_of_file(made_models.uri, path, Seal(), model="customer")
    records = [read_table(one.score(part).records) for one in (scorer, other)]
    scorer.file.close()
    other.file.close()
    assert "applicant" not in records[0].column_names
    assert records[0]["salt"] != records[1]["salt"]
