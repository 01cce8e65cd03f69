"""The four schedules of Surety, for whoever has Airflow 3.1 or newer.

A task is one command of `python -m training`, or the Cloud Run job that runs it: nothing is decided
here. A run is for the day before it was due; started by hand, it may be given another `day`.

The environment of Airflow's own processes says where commands run:

SURETY_RUNNER       local (the default): on the worker, in SURETY_HOME; or cloud_run
SURETY_HOME         local: the folder with the package `training`, and SURETY_PYTHON its Python
SURETY_DECISION_LOG what `monitor --log` reads: a path, or bigquery://PROJECT/DATASET/TABLE
SURETY_PROJECT      cloud_run: project, SURETY_REGION and SURETY_ENVIRONMENT of the jobs
SURETY_SOURCES      names of the sources, with commas; SURETY_MODELS those of the models
"""

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param

PYTHON = os.environ.get("SURETY_PYTHON", "python")
RUNNER = os.environ.get("SURETY_RUNNER", "local")
SOURCES = os.environ.get("SURETY_SOURCES", "core_banking,crm,macro").split(",")
MODELS = os.environ.get("SURETY_MODELS", "customer").split(",")
DECISION_LOG = os.environ.get("SURETY_DECISION_LOG", "var/decisions.jsonl")
# `ds` is undefined in runs that a person starts; `run_after` never is.
DAY = "{{ params.day or macros.ds_add(dag_run.run_after.strftime('%Y-%m-%d'), -1) }}"
WHOLE_DAY = Param(None, type=["null", "string"], pattern=r"^\d{4}-\d{2}-\d{2}$")


def schedule(dag_id: str, cron: str) -> DAG:
    """Declare a DAG: one run at a time, and no runs for times that are past."""
    return DAG(
        dag_id,
        schedule=cron,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        max_active_tasks=1,  # a warehouse in a DuckDB file has one writer
        params={"day": WHOLE_DAY},
        tags=["surety"],
        default_args={
            "retries": 2,
            "retry_delay": timedelta(minutes=5),
            "retry_exponential_backoff": True,
            "execution_timeout": timedelta(hours=2),
        },
    )


def step(name: str, *arguments: str, job: str = "", **options: object) -> BashOperator:
    """Make the task of one command; its Cloud Run job has the name of the task."""
    if RUNNER == "cloud_run":
        # The provider of Google is heavy, and whoever runs commands locally need not install it.
        from airflow.providers.google.cloud.operators.cloud_run import (  # noqa: PLC0415
            CloudRunExecuteJobOperator,
        )

        return CloudRunExecuteJobOperator(
            task_id=name,
            project_id=os.environ["SURETY_PROJECT"],
            region=os.environ["SURETY_REGION"],
            job_name=f"{os.environ['SURETY_ENVIRONMENT']}-{job or f'pipeline-{name}'}",
            # A training job runs as it is: its account may be asked for no other arguments.
            overrides=None if job else {"container_overrides": [{"args": list(arguments)}]},
            deferrable=True,
            **options,
        )
    return BashOperator(
        task_id=name,
        bash_command=" ".join((PYTHON, "-m training", *arguments)),
        cwd=os.environ.get("SURETY_HOME"),
        env=addresses(),
        append_env=True,
        **options,
    )


def addresses() -> dict[str, str]:
    """Take the addresses of the sources, and the warehouse's key, from Airflow's connections."""
    variables = {
        "WAREHOUSE_URL": "{{ conn.surety_warehouse.host }}",
        "WAREHOUSE_SECRET": "{{ conn.surety_warehouse.password or '' }}",
    }
    for name in SOURCES:
        connection = f"conn.surety_{name}"
        variables[f"SOURCE_URL_{name.upper()}"] = f"{{{{ {connection}.password }}}}"
        token = f"{{{{ {connection}.extra_dejson.get('token', '') }}}}"
        variables[f"SOURCE_TOKEN_{name.upper()}"] = token
    return variables


with schedule("data_ingestion", "0 2 * * *"):
    ingested = [
        step(f"ingest-{source.replace('_', '-')}", "ingest", "--source", source, "--day", DAY)
        for source in SOURCES
    ]
    # Also if a source failed: the checks say then what has not arrived.
    quality = step("quality", "quality", "--day", DAY, trigger_rule="all_done")
    quality.set_upstream(ingested)

with schedule("feature_engineering", "0 4 * * *"):
    features = step("features", "features", "--day", DAY)
    if "customer" in MODELS:
        step("snapshot-customer", "snapshot", "--day", DAY).set_upstream(features)

with schedule("model_training", "0 1 * * 0"):
    for model in MODELS:
        kebab = model.replace("_", "-")
        rows = ("--data", f"warehouse:{DAY}") if model == "customer" else ()
        step(f"train-{kebab}", "train", "--model", model, *rows, job=f"train-{kebab}")

with schedule("model_monitoring", "0 6 * * *"):
    for model in MODELS:
        kebab = model.replace("_", "-")
        arguments = ("--model", model, "--log", DECISION_LOG, "--day", DAY)
        step(f"monitor-{kebab}", "monitor", *arguments)
