from pathlib import Path

import numpy as np
import pytest

from tests.support.parquet_rows import open_source
from tests.support.toy import Toy
from training.families.candidates import Fit, build_xgboost, frame_from_matrix
from training.streaming.large_fit import Boosting, fit_here
from training.streaming.scan import scan_rows
from training.streaming.selected_rows import SelectedRows, select_rows

FIT = Fit(Toy, seed=3, threads=1)
CLASSIFIER = build_xgboost(FIT).named_steps["classify"].set_params(n_estimators=30)


def select(folder: Path, batch_rows: int) -> SelectedRows:
    source = open_source(folder, batch_rows)
    scanned = scan_rows(source, 0.01)
    return select_rows(source, scanned, scanned.hashes % np.uint64(4) > 0)


@pytest.mark.parametrize("batch_rows", [512, 65_536])
def test_a_streamed_fit_has_the_bytes_of_a_fit_in_memory(folder: Path, batch_rows: int) -> None:
    selected = select(folder, batch_rows)
    boosting = Boosting.from_classifier(CLASSIFIER, FIT.threads)
    assert boosting.rounds == 30
    streamed = fit_here(boosting, selected)
    matrix = np.concatenate([batch for batch, _ in selected.read_matrices()])
    pipeline = build_xgboost(FIT).set_params(classify__n_estimators=30)
    pipeline.fit(frame_from_matrix(Toy, matrix.astype(np.float64)), selected.labels)
    in_memory = pipeline.named_steps["classify"].get_booster()
    assert streamed.save_raw("ubj") == in_memory.save_raw("ubj")


def test_an_error_while_rows_are_read_ends_the_fit(folder: Path, tmp_path: Path) -> None:
    for path in folder.glob("*.parquet"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    selected = select(tmp_path, 2_000)
    (tmp_path / "part-2.parquet").unlink()
    with pytest.raises(Exception, match=r"part-2\.parquet: not readable as Parquet"):
        fit_here(Boosting.from_classifier(CLASSIFIER, 1), selected)
