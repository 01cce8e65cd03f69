"""What tests of the retraining function share: an emulated API, the function in front of it."""

from collections.abc import Iterator

import pytest

from tests.functions.retrain.cloud_run_api import JOB_TEMPLATE, CloudRunApi, cloud_run_api
from tests.support.running import Server, running_server


@pytest.fixture(scope="session")
def _api() -> Iterator[CloudRunApi]:
    with cloud_run_api() as api:
        yield api


@pytest.fixture
def api(_api: CloudRunApi) -> CloudRunApi:
    """The Cloud Run Admin API, emulated: one job that never ran."""
    _api.__post_init__()
    return _api


@pytest.fixture(scope="session", params=["retrain module", "retrain framework"])
def _cloud(
    request: pytest.FixtureRequest, _api: CloudRunApi, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with running_server(
        tmp_path_factory.mktemp("retrain") / "log",
        request.param,
        TRAINING_JOB=JOB_TEMPLATE,
        TRAINING_API=_api.url,
        TRAINING_OVERDUE_HOURS="36",
        DEFAULT_MODEL="german_credit",
        NO_PROXY="127.0.0.1",
    ) as server:
        yield server


@pytest.fixture
def cloud(_cloud: Server, api: CloudRunApi) -> Server:
    """The function as both commands start it, in front of the emulated API, its log empty."""
    assert api.calls == []
    _cloud.log_path.write_bytes(b"")
    return _cloud
