import argparse
import json
from pathlib import Path

import pandas as pd
import pytest

from models.registry.pointer import read_pointer
from models.stores.uri import open_store
from training.cli_train import train_and_release
from training.reading.arguments import add_data_options
from training.settings import TrainingSettings


def options(folder: Path, *, dry_run: bool) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_data_options(parser)
    data = parser.parse_args(["--data", str(folder / "rows.parquet")])
    return argparse.Namespace(
        **vars(data),
        model="toy",
        store=(folder / "store").as_uri(),
        seed=1,
        max_refused_share=0.01,
        family=["logistic"],
        last_months=None,
        refused=None,
        dry_run=dry_run,
    )


@pytest.fixture
def settings() -> TrainingSettings:
    return TrainingSettings(model_store="unused", credit_models=("tests.support.toy",), threads=1)


def test_the_result_is_one_json_object_and_a_table_for_people(
    tmp_path: Path,
    toy_frame: pd.DataFrame,
    settings: TrainingSettings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    toy_frame.to_parquet(tmp_path / "rows.parquet")
    train_and_release(options(tmp_path, dry_run=True), settings)
    dry = capsys.readouterr()
    assert not (tmp_path / "store").exists()
    summary = json.loads(dry.out)
    assert list(summary) == [
        *("outcome", "model", "version", "family", "passed_over", "metrics", "gates"),
        *("warnings", "remedies", "rows_refused", "would_promote"),
    ]
    assert (summary["outcome"], summary["version"], summary["family"]) == (
        *("promoted", None, "logistic"),
    )
    assert [name for name, passed in summary["gates"].items() if not passed] == summary["warnings"]
    assert (summary["passed_over"], summary["remedies"]) == ([], {})
    assert f"{summary['metrics']['auc']:.4f}" in dry.err
    assert dry.err.count("passed") == sum(summary["gates"].values())
    train_and_release(options(tmp_path, dry_run=False), settings)
    published = json.loads(capsys.readouterr().out)
    pointer = read_pointer(open_store((tmp_path / "store").as_uri()), "toy")
    assert summary.pop("would_promote") is True
    assert published == summary | {"version": pointer.champion.version}
