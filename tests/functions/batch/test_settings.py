import pytest

from functions.batch.runs import Shard
from functions.batch.settings import settings_from, task_settings_from
from functions.batch.sources import FilePart
from models.errors import DeclarationError
from models.evidence.hash_chain import Seal

KEY = "k" * 32


@pytest.mark.parametrize(
    ("variables", "shard"),
    [
        ({}, Shard(0, 1)),
        ({"CLOUD_RUN_TASK_INDEX": "3", "CLOUD_RUN_TASK_COUNT": "8"}, Shard(3, 8)),
        ({"JOB_COMPLETION_INDEX": "1", "BATCH_TASKS": "2"}, Shard(1, 2)),
        ({"BATCH_TASKS": "2"}, Shard(0, 1)),
    ],
)
def test_the_platform_says_which_task_this_is(variables: dict[str, str], shard: Shard) -> None:
    assert task_settings_from(variables).shard == shard


def test_the_newest_key_makes_records() -> None:
    seal = task_settings_from({"DECISION_LOG_KEY": f"{KEY} {'o' * 32}"}).seal
    assert seal.name == Seal(KEY).name


def test_every_wrong_variable_is_named_at_once() -> None:
    wrong = {
        "CLOUD_RUN_TASK_INDEX": "x",
        "DECISION_LOG_KEY": "short",
        "DECISION_ANCHOR_STORE": "nowhere",
        "BATCH_STORE": "nowhere",
        "BATCH_INPUTS": "gs://fine, /not-fine",
        "BATCH_JOB": "train",
        "BATCH_API": "http://example.com",
    }
    with pytest.raises(DeclarationError) as error:
        settings_from(wrong)
    for name in wrong:
        assert f"{name}" in str(error.value), name
    assert "short" not in str(error.value)


def test_parts_are_shared_out_as_neighbours() -> None:
    parts = [FilePart(i, i, i + 1, i, 1) for i in range(10)]
    shares = [[part.number for part in Shard(i, 4).select(parts)] for i in range(4)]
    assert shares == [[0, 1], [2, 3, 4], [5, 6], [7, 8, 9]]
