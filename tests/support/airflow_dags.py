"""What Airflow reads of the DAGs, run by the Python of Airflow's own environment.

`list FOLDER` prints the DAGs and their tasks. `test FOLDER DAY DAG ...` runs DAGs for a day,
without a scheduler, and prints the state of each run and of its tasks.
"""

import json
import sys
from datetime import UTC, datetime
from typing import Any

from airflow.dag_processing.dagbag import DagBag


def main() -> None:
    """Do as the arguments say; the last line is one JSON object."""
    action, folder, *more = sys.argv[1:]
    dags = DagBag(folder)
    if action == "list":
        print(json.dumps(describe(dags)))
        return
    day, *names = more
    print(json.dumps({name: run_day(dags.dags[name], day) for name in names}))


def describe(dags: DagBag) -> dict[str, Any]:
    """Say what Airflow would not import, and what each task would run."""
    return {
        "errors": {str(file): str(error) for file, error in dags.import_errors.items()},
        "dags": {
            name: {
                "schedule": dag.schedule,
                "catchup": dag.catchup,
                "max_active_runs": dag.max_active_runs,
                "tasks": {task.task_id: describe_task(task) for task in dag.tasks},
            }
            for name, dag in dags.dags.items()
        },
    }


def describe_task(task: Any) -> dict[str, Any]:  # noqa: ANN401 -- of either operator
    """Say what a task runs, what it waits for and how often it tries."""
    overrides = getattr(task, "overrides", None)
    return {
        "kind": type(task).__name__,
        "command": getattr(task, "bash_command", ""),
        "environment": sorted(getattr(task, "env", None) or {}),
        "job": getattr(task, "job_name", ""),
        "arguments": overrides["container_overrides"][0]["args"] if overrides else [],
        "after": sorted(task.upstream_task_ids),
        "retries": task.retries,
        "seconds": task.execution_timeout.total_seconds(),
    }


def run_day(dag: Any, day: str) -> dict[str, Any]:  # noqa: ANN401 -- Airflow's
    """Run a DAG once, and return its state and those of its tasks; nobody waits for a retry."""
    for task in dag.tasks:
        task.retries = 0
    due = datetime.now(UTC).replace(microsecond=0)
    run = dag.test(logical_date=due, run_conf={"day": day})
    tasks = {task.task_id: str(task.state) for task in run.get_task_instances()}
    return {"state": str(run.state), "tasks": tasks}


if __name__ == "__main__":
    main()
