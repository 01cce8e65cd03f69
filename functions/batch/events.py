"""Events of an inbox: a file lands in a bucket, and is scored.

The folder names the model: `gs://inbox/application/tonight.parquet`. An event that is delivered
twice names the same object and generation, and so the same batch.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from functions.batch.jobs import BatchJob, batch_id
from functions.batch.plans import BatchRequest
from functions.batch.sources import TEXT_SUFFIXES
from functions.batch.worker import Worker
from functions.web.logs import log
from models.errors import SuretyError

FINALISED = "google.cloud.storage.object.v1.finalized"
SUFFIXES = (*TEXT_SUFFIXES, *(f"{suffix}.gz" for suffix in TEXT_SUFFIXES), ".parquet")


def score_event(worker: Worker, attributes: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    """Score a small file at once, or start the job of a large one.

    What is no file of a model is logged and left alone: an error would have the event sent again.

    Raises
    ------
    JobUnavailableError, StoreUnavailableError
        If the event should be sent again.
    """
    name, bucket = str(data.get("name", "")), str(data.get("bucket", ""))
    model_name, _, rest = name.partition("/")
    is_file = name.lower().endswith(SUFFIXES) and bool(rest)
    if attributes.get("type") != FINALISED or not is_file:
        log("INFO", "event ignored", object=name, type=attributes.get("type"))
        return
    if model_name not in worker.settings.catalogue:
        log("WARNING", "file in a folder of no model", object=name, model=model_name)
        return
    key = f"{bucket}/{name}#{data.get('generation')}"
    request = BatchRequest(model=model_name, input=f"gs://{bucket}/{name}")
    job = BatchJob(
        id=batch_id("inbox", key),
        request=request,
        owner="inbox",
        dry_run=False,
        created_at=datetime.now(UTC),
    )
    job = worker.jobs.create(job)
    if worker.jobs.find_ending(job)[0] is None:
        try:
            worker.score_now(job)
        except SuretyError as error:
            worker.fail(job, error)
