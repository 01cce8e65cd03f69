"""The batch function: settings in, one ASGI application out."""

from functions.web.cold_start import finish_imports  # first

# isort: split
from starlette.applications import Starlette

from functions.access.protection import protection_from
from functions.batch.contract import contract
from functions.batch.errors import ERROR_STATUSES
from functions.batch.jobs import Jobs
from functions.batch.platform_job import PlatformJob
from functions.batch.settings import ServerSettings, read_settings
from functions.batch.worker import Worker
from functions.web.app_factory import Service, create_web_app
from functions.web.settings import Listening

finish_imports()


def prepare() -> tuple[Starlette, Listening]:
    """Read the settings and create the application, for a server."""
    settings = read_settings()
    return create_app(settings), settings.listening


def create_app(settings: ServerSettings) -> Starlette:
    """Create the application; batches that were left open go on once it starts."""
    service = create_service(settings, create_worker(settings))
    return create_web_app(service, protection_from(settings.access, settings.listening))


def create_worker(settings: ServerSettings) -> Worker:
    """Create what scores batches, here or as a job."""
    jobs = Jobs(settings.batches, settings.batches_uri)
    start = PlatformJob(settings.job, settings.api).start if settings.job else None
    return Worker(settings, jobs, start, settings.job_from_bytes)


def create_service(settings: ServerSettings, worker: Worker) -> Service:
    """Connect the worker to its contract."""
    return Service(
        title="Surety batches",
        description="Scores files of applications: upload or name one, watch it, fetch results.",
        contracts=[contract(settings, worker)],
        unknown_path="no such path; POST /v1/batches scores a file",
        error_statuses=ERROR_STATUSES,
        on_start=worker.resume_open,
        on_stop=worker.close,
    )
