"""Several tasks of one file: killed, retried, doubled, and all bytes as if nothing had happened."""

import re
import signal
import subprocess
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.stores.files import FileStore
from tests.functions.batch.conftest import Run, find_run, objects, score_arguments, start_task
from tests.support.counts import counts
from training.synthetic.application import generate

# Of 8 tasks 3 are killed and 2 run twice; of 3 tasks one is, and one does.
TASKS = 8 if counts().is_full else 3
KILLED = (1, 4, 6) if counts().is_full else (1,)
STARTED = ((0, 1), (2, 2), (3, 4), (5, 5), (6, 7)) if counts().is_full else ((0, 1), (2, 2))
MOST_KILOBYTES = 1 << 20


def write_many(path: Path, rows: int) -> None:
    """Write a file of many rows: the same 100,000 applications again and again."""
    table = pa.Table.from_pandas(generate(min(rows, 100_000), seed=7))
    with pq.ParquetWriter(path, table.schema) as writer:
        for start in range(0, rows, table.num_rows):
            writer.write_table(table.slice(0, rows - start), row_group_size=50_000)


def shard_environment(index: int) -> dict[str, str]:
    return {"CLOUD_RUN_TASK_INDEX": str(index), "CLOUD_RUN_TASK_COUNT": str(TASKS)}


def kill_once_it_works(task: subprocess.Popen[bytes], output: Path, index: int) -> None:
    """Kill a task once the run has a plan, a little later for each task."""
    while not list(output.rglob("plan.json")) and task.poll() is None:
        time.sleep(0.02)
    time.sleep(0.05 * index)
    task.send_signal(signal.SIGKILL)
    task.communicate()


def finish(task: subprocess.Popen[bytes]) -> int:
    """Wait for a task to succeed; return the most memory that it was seen to have, in kB."""
    # What the kernel accounts for a child begins with its parent's memory, which may be large.
    most = 0
    while task.poll() is None:
        status = Path(f"/proc/{task.pid}/status").read_text()
        most = max([most, *map(int, re.findall(r"VmHWM:\s+(\d+) kB", status))])
        time.sleep(0.02)
    if task.stdout:
        task.stdout.close()
    assert task.returncode == 0
    return most


@pytest.mark.soak
def test_killed_and_doubled_tasks_leave_the_bytes_of_an_undisturbed_run(
    environment: dict[str, str], run: Run, tmp_path: Path
) -> None:
    path, output, quiet = tmp_path / "many.parquet", tmp_path / "out", tmp_path / "quiet"
    rows = counts().batch_rows
    write_many(path, rows)
    arguments = score_arguments(path, output)

    def start(index: int) -> subprocess.Popen[bytes]:
        return start_task(arguments, environment | shard_environment(index))

    for index in KILLED:
        kill_once_it_works(start(index), output, index)
    memory = []
    for pair in STARTED:
        tasks = [start(index) for index in pair]
        memory += [finish(task) for task in tasks]
    folder = find_run(output)
    assert (folder / "_SUCCESS").exists()
    FileStore(str(quiet)).create(f"{folder.name}/plan.json", (folder / "plan.json").read_bytes())
    assert run(*score_arguments(path, quiet))["scored"] == rows
    place = next(folder.glob("anchors/runs/*")).relative_to(output).as_posix()
    one, other = objects(quiet), objects(output)
    assert one.pop(place) != other.pop(place)  # it has the place of the run
    assert one == other
    assert 0 < max(memory) <= MOST_KILOBYTES
    assert len(list(folder.glob("part-*.parquet"))) >= TASKS


def test_an_indexed_job_of_kubernetes_scores_its_share(
    run: Run, applications: Path, tmp_path: Path
) -> None:
    first = run(*score_arguments(applications, tmp_path), JOB_COMPLETION_INDEX="1", BATCH_TASKS="2")
    assert first["outcome"] == "scored"  # the file is one part, which is the second task's
    last = run(*score_arguments(applications, tmp_path), JOB_COMPLETION_INDEX="2", BATCH_TASKS="2")
    assert last["exit"] == 2
    assert "JOB_COMPLETION_INDEX, BATCH_TASKS: the task index must be from 0 to 1" in last["errors"]
