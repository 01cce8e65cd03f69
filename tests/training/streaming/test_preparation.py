"""What a streamed run fits and judges, and the run from end to end."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.contract import CreditModel
from models.errors import DataError
from tests.support.dated_loan import DatedLoan, dated_rows
from tests.support.parquet_rows import write_files
from tests.support.toy import Toy
from training.parts import split_rows
from training.reading.data import DataRequest, read_data
from training.reading.options import DataOptions
from training.run import Trained, TrainingJob, train
from training.search_settings import SearchSettings
from training.split import is_test
from training.streaming.engine import Engine
from training.streaming.preparation import LargeFit, prepare_stream

ENGINE = Engine(name="stream", sample_rows=8_000, batch_rows=2_000)
QUICK = SearchSettings(parameters={"xgboost": {"n_estimators": 100}})


def request(values: Mapping[str, Any]) -> DataRequest:
    return DataRequest(options=DataOptions(values=values), seed=1)


def row_numbers(large: LargeFit) -> set[int]:
    return set((np.flatnonzero(large.selected.mask) + 1).tolist())


def test_the_large_fit_gets_the_training_rows_beside_the_sample(folder: Path) -> None:
    data, parts, large = prepare_stream(Toy, request({"data": str(folder)}), ENGINE, None)
    everything = read_data(Toy, request({"data": str(folder)})).rows
    fitted = np.isin(everything.row_numbers, list(row_numbers(large)))
    sampled = np.isin(everything.row_numbers, data.rows.row_numbers)
    assert sampled.sum() == 8_000
    assert not (fitted & sampled).any()
    held = is_test(everything.hashes)
    np.testing.assert_array_equal(fitted, ~held & ~sampled)
    assert len(parts.test.labels) == (held & sampled).sum()
    assert len(parts.training.labels) == (~held & sampled).sum()
    assert data.count().rows == 19_998
    assert data.count().sha256 == everything.fingerprint()


def test_no_group_of_the_test_part_is_fitted(many_rows: pd.DataFrame, tmp_path: Path) -> None:
    frame = many_rows.assign(who=many_rows.index % 5_000)
    values = {"data": str(write_files(frame, tmp_path)), "group-column": "who"}
    data, _, large = prepare_stream(Toy, request(values), ENGINE, None)
    everything = read_data(Toy, request(values)).rows
    fitted = everything.hashes[np.isin(everything.row_numbers, list(row_numbers(large)))]
    assert not is_test(fitted).any()
    assert not set(fitted.tolist()) & set(data.rows.hashes.tolist())


def test_no_row_of_the_last_months_is_fitted(tmp_path: Path) -> None:
    values = {"data": str(write_files(dated_rows(6_000), tmp_path))}
    engine = replace(ENGINE, sample_rows=3_000)
    _, parts, large = prepare_stream(DatedLoan, request(values), engine, None)
    rows = read_data(DatedLoan, request(values)).rows
    in_memory = split_rows(rows, None)
    assert rows.special.dates is not None
    fitted = rows.special.dates[np.isin(rows.row_numbers, list(row_numbers(large)))]
    assert fitted.max() < in_memory.test.dates.min()  # type: ignore[union-attr]  # it has dates
    assert large.dates == in_memory.training.span_dates()
    assert set(parts.test.dates) <= set(in_memory.test.dates)  # type: ignore[arg-type]  # likewise


def test_a_row_stays_in_a_smaller_sample_or_leaves_it_but_none_comes(folder: Path) -> None:
    small = prepare_stream(
        Toy, request({"data": str(folder)}), replace(ENGINE, sample_rows=4_000), None
    )[0]
    large = prepare_stream(Toy, request({"data": str(folder)}), ENGINE, None)[0]
    assert set(small.rows.row_numbers.tolist()) <= set(large.rows.row_numbers.tolist())


@pytest.mark.parametrize(
    ("values", "model", "message"),
    [
        ({}, Toy, "reads the Parquet files that --data names, not a query or generated rows"),
        ({"data": "rows.csv"}, Toy, "reads Parquet; name a file that ends in .parquet"),
    ],
)
def test_what_cannot_be_streamed_is_refused_by_name(
    values: dict[str, str], model: type[CreditModel], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        prepare_stream(model, request(values), ENGINE, None)


def test_weights_are_refused_and_never_left_out(folder: Path) -> None:
    values = {"data": str(folder), "weight-column": "age"}
    with pytest.raises(
        DataError, match="counts every row once; to do so, declare --weight-column ''"
    ):
        prepare_stream(Toy, request(values), ENGINE, None)


def test_a_sample_that_has_all_rows_leaves_nothing_to_stream(folder: Path) -> None:
    engine = replace(ENGINE, sample_rows=20_000)
    message = "the sample of 20000 rows has all 19998 rows; train with --engine memory"
    with pytest.raises(DataError, match=message):
        prepare_stream(Toy, request({"data": str(folder)}), engine, None)


def build_job(folder: Path, engine: Engine = ENGINE) -> TrainingJob:
    return TrainingJob(
        model=Toy,
        data=DataOptions(values={"data": str(folder)}),
        seed=7,
        threads=1,
        max_refused_share=0.01,
        search=QUICK,
        engine=engine,
    )


@pytest.fixture(scope="module")
def streamed(folder: Path) -> Trained:
    return train(build_job(folder))


def test_a_streamed_run_says_what_was_fitted_and_what_judged(
    streamed: Trained, many_rows: pd.DataFrame
) -> None:
    provenance = streamed.manifest.provenance
    assert provenance.streaming is not None
    assert (provenance.streaming.engine, provenance.streaming.sample_rows) == ("stream", 8_000)
    assert provenance.rows_train == provenance.streaming.rows
    assert (provenance.rows, provenance.rows_refused) == (len(many_rows) - 2, 2)
    assert provenance.rows_test == len(streamed.test.labels)
    assert streamed.families[0] is streamed.fitted.result
    assert "--engine stream --sample-rows 8000" in streamed.job.build_command()
    [remark] = [r for r in streamed.data.remarks if r.startswith("the trees were fitted to ")]
    assert f"{provenance.rows_train} rows by --engine stream" in remark


def test_calibration_is_fitted_to_rows_that_the_trees_have_not_seen(streamed: Trained) -> None:
    log_odds = streamed.scorer.estimator.log_odds(streamed.part.matrix)
    np.testing.assert_array_equal(streamed.fitted.result.out_of_fold.log_odds, log_odds)


def test_the_number_of_rows_in_memory_changes_no_byte_but_the_number_of_batches(
    streamed: Trained, folder: Path
) -> None:
    other = train(build_job(folder, replace(ENGINE, batch_rows=7_777)))
    assert other.scorer.estimator.to_bytes() == streamed.scorer.estimator.to_bytes()
    first, second = (one.manifest.model_dump() for one in (streamed, other))
    assert first["provenance"].pop("streaming") != second["provenance"].pop("streaming")
    assert first == second


def test_families_and_balance_that_need_memory_are_refused(folder: Path) -> None:
    job = build_job(folder)
    with pytest.raises(DataError, match="--family logistic: --engine stream fits xgboost only"):
        train(replace(job, families=("logistic",)))
    with pytest.raises(DataError, match="--balance weights needs all rows in memory"):
        train(replace(job, search=SearchSettings(balance="weights")))
