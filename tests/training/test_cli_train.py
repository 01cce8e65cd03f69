import argparse
import json
from pathlib import Path

import pandas as pd
import pytest

from models.registry.pointer import read_pointer
from models.stores.uri import open_store
from training.cli import build_parser
from training.cli_train import train_and_release
from training.settings import TrainingSettings


def options(folder: Path, *, dry_run: bool) -> argparse.Namespace:
    """The arguments as the command line parses them."""
    arguments = ["train", "--model", "toy", "--data", str(folder / "rows.parquet"), "--seed", "1"]
    arguments += ["--store", (folder / "store").as_uri(), "--family", "logistic"]
    return build_parser(SETTINGS).parse_args([*arguments, *(["--dry-run"] if dry_run else [])])


SETTINGS = TrainingSettings(model_store="unused", credit_models=("tests.support.toy",), threads=1)


@pytest.fixture
def settings() -> TrainingSettings:
    return SETTINGS


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
        *("warnings", "remedies", "rows_refused", "search", "would_promote"),
    ]
    assert (summary["outcome"], summary["version"], summary["family"]) == (
        *("promoted", None, "logistic"),
    )
    assert [name for name, passed in summary["gates"].items() if not passed] == summary["warnings"]
    assert (summary["passed_over"], summary["remedies"]) == ([], {})
    assert f"{summary['metrics']['auc']:.4f}" in dry.err
    met = dry.err.count("passed") + dry.err.count("not measured")
    assert met == sum(summary["gates"].values())
    train_and_release(options(tmp_path, dry_run=False), settings)
    published = json.loads(capsys.readouterr().out)
    pointer = read_pointer(open_store((tmp_path / "store").as_uri()), "toy")
    assert summary.pop("would_promote") is True
    assert published == summary | {"version": pointer.champion.version}
