"""One project of Google Cloud on this machine: buckets, job, schedule, service, a lender."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pandas as pd

from models.evidence.log_reader import decisions_in
from models.registry.pointer import read_pointer
from models.stores.uri import open_store
from tests.stack.balancer import Balancer, listening
from tests.stack.images import image_from_dockerfile, max_retries, training_arguments
from tests.stack.job import Execution, Job, Scheduler
from tests.stack.lender import Answer, Lender, ask
from tests.stack.revision import Revision
from tests.support.faults import FaultyProxy, faulty_proxy

MODEL = "application"
REFRESH_SECONDS = 1.0
MODELS, DATA, EMPTY = "test-models", "test-data", "test-empty"
STORE = f"gs://{MODELS}"
TAG = "candidate"


@dataclass
class Cloud:
    """The parts, and what a person with the right to do so does with them."""

    bucket_url: str
    folder: Path
    balancer: Balancer
    url: str
    job: Job
    scheduler: Scheduler
    network: FaultyProxy
    lender: Lender
    serving: Revision
    run_seconds: float = 0.0  # of one training run
    revisions: list[Revision] = field(default_factory=list)
    champions: set[str] = field(default_factory=set)

    def deliver(self, rows: pd.DataFrame) -> None:
        """Put the data of the day where the job looks for it."""
        answer = httpx.post(
            f"{self.bucket_url}/upload/storage/v1/b/{DATA}/o",
            params={"uploadType": "media", "name": "applications.parquet"},
            content=rows.to_parquet(index=False),
            trust_env=False,
        )
        assert answer.status_code == httpx.codes.OK

    def train(self, rows: pd.DataFrame) -> Execution:
        """Deliver data, let the schedule start the job, and wait for its end."""
        self.deliver(rows)
        execution = self.scheduler.fire().result()
        self.champions.add(self.champion())
        return execution

    def champion(self) -> str:
        """The version the pointer names."""
        return read_pointer(open_store(STORE), MODEL).champion.version

    def champion_since(self) -> float:
        """When the pointer was last written, by the bucket's clock (seconds since 1970)."""
        name = f"champions%2F{MODEL}.json"
        response = httpx.get(f"{self.bucket_url}/storage/v1/b/{MODELS}/o/{name}", trust_env=False)
        return datetime.fromisoformat(response.json()["updated"]).timestamp()

    def release(self, containers: int = 1, **settings: str) -> tuple[Revision, bool]:
        """Make a revision that gets no traffic, and say whether it started."""
        name = f"test-scoring-{len(self.revisions) + 1:05}"
        environment = scoring_environment(self.bucket_url) | settings
        revision = Revision(name, environment, self.folder)
        self.revisions.append(revision)
        return revision, revision.start(containers)

    def smoke_test(self, revision: Revision) -> Answer:
        """Ask a revision for a score at the address of its tag."""
        self.balancer.set_tag(TAG, revision)
        headers = {"host": f"{TAG}---test-scoring.run.app"}
        with httpx.Client(base_url=self.url, headers=headers, trust_env=False) as client:
            return ask(client, f"smoke-test-of-{revision.name}")

    def remove(self, revision: Revision) -> None:
        """Take a revision without traffic away; its containers end when told to."""
        self.balancer.set_tag(TAG, None)
        self.balancer.drain(revision)
        revision.stop()
        assert -signal.SIGKILL not in revision.exit_codes

    def stop(self) -> None:
        """Stop the lender, then the service."""
        self.lender.stop()
        for revision in self.revisions:
            revision.stop()

    def answers_after(self, moment: float, seconds: float = 1.0) -> list[Answer]:
        """What the lender is answered within so many seconds of a moment, which may be to come."""
        time.sleep(max(0.0, moment + seconds - time.time()))
        return self.lender.since(moment)

    def decisions(self) -> list[dict[str, Any]]:
        """What the log sink takes from the output of every container there ever was."""
        logs = [path.read_text() for path in self.folder.glob("*.log")]
        lines = [line for log in logs for line in log.splitlines()]
        records = [json.loads(line) for line in lines if line.startswith("{")]
        records = [line for line in records if line.get("record") == "decision"]
        return [decision for record in records for decision in decisions_in(record)]


def scoring_environment(bucket_url: str) -> dict[str, str]:
    """The variables Terraform sets, where the bucket is, and a short refresh time."""
    return {
        "MODEL_STORE": STORE,
        "AUTH": "iam",
        "MODEL_REFRESH_SECONDS": str(REFRESH_SECONDS),
        "STORAGE_EMULATOR_HOST": bucket_url,
    }


@contextmanager
def running_cloud(bucket_url: str, folder: Path) -> Iterator[Cloud]:
    """What the first `terraform apply` leaves: no champion, one revision of two containers."""
    for name in (MODELS, DATA, EMPTY):
        httpx.post(f"{bucket_url}/storage/v1/b", json={"name": name}, trust_env=False)
    with ExitStack() as stack:
        network = stack.enter_context(faulty_proxy(bucket_url))
        job = Job(
            name=f"test-train-{MODEL}",
            image=image_from_dockerfile("training"),
            # One family, so that a run takes seconds.
            arguments=[
                *training_arguments(MODEL, f"gs://{DATA}/applications.parquet"),
                *("--family", "logistic"),
            ],
            environment={"MODEL_STORE": STORE, "STORAGE_EMULATOR_HOST": network.url},
            max_retries=max_retries(),
        )
        scheduler = Scheduler(job)
        stack.callback(scheduler.close)
        balancer = Balancer()
        url = stack.enter_context(listening(balancer))
        first = Revision("test-scoring-00001", scoring_environment(bucket_url), folder)
        cloud = Cloud(
            bucket_url, folder, balancer, url, job, scheduler, network, Lender(url), first
        )
        cloud.revisions.append(first)
        stack.callback(cloud.stop)
        assert first.start(2)
        balancer.set_traffic({first: 1.0})
        yield cloud
