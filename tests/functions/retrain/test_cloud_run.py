"""The Cloud Run side alone, against the emulated API: no server of ours between."""

import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from functions.retrain.cloud_run import PAGE_SIZE, CloudRunJobs
from functions.retrain.errors import JobMissingError, TrainingUnavailableError
from functions.retrain.runs import History
from tests.functions.retrain.cloud_run_api import JOB, JOB_TEMPLATE, CloudRunApi, ago, cloud_run_api
from tests.support.running import free_port

MODEL = "german_credit"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def jobs(api: CloudRunApi) -> CloudRunJobs:
    return CloudRunJobs(JOB_TEMPLATE, api.url)


def test_the_job_of_a_model_is_asked_for_under_its_documented_name(
    jobs: CloudRunJobs, api: CloudRunApi
) -> None:
    assert jobs.look(MODEL) == History(None, None)
    jobs.start(MODEL)
    assert api.calls == [
        ("GET", f"/v2/{JOB}/executions?pageSize={PAGE_SIZE}", None),
        ("POST", f"/v2/{JOB}:run", None),
    ]


def test_another_instance_sees_the_run_that_one_started(
    jobs: CloudRunJobs, api: CloudRunApi
) -> None:
    started = jobs.start(MODEL)
    latest = CloudRunJobs(JOB_TEMPLATE, api.url).look(MODEL).latest
    assert latest is not None
    assert (latest.execution, latest.state) == (started, "running")
    assert datetime.now(UTC) - latest.started_at < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        ({"succeededCount": 1}, "succeeded"),
        ({"succeededCount": 1, "retriedCount": 1}, "succeeded"),
        ({"failedCount": 1}, "failed"),
        ({"cancelledCount": 1}, "failed"),
        ({}, "failed"),
    ],
)
def test_how_an_execution_ended_is_read_from_its_counts(
    jobs: CloudRunJobs, api: CloudRunApi, counts: dict[str, int], state: str
) -> None:
    api.add("x", completionTime=ago(), **counts)
    history = jobs.look(MODEL)
    assert history.latest is not None
    assert history.latest.state == state
    assert (history.last_success == history.latest.finished_at) is (state == "succeeded")


def test_an_older_run_that_is_still_under_way_is_not_overlooked(
    jobs: CloudRunJobs, api: CloudRunApi
) -> None:
    api.add("older", runningCount=1)
    api.add("newer", completionTime=ago(), succeededCount=1)
    latest = jobs.look(MODEL).latest
    assert latest is not None
    assert latest.execution == "older"


def test_the_last_success_is_found_behind_pages_of_failures(
    jobs: CloudRunJobs, api: CloudRunApi
) -> None:
    api.add("good", completionTime="2026-03-01T01:02:03.123456789Z", succeededCount=1)
    for i in range(2 * PAGE_SIZE + 1):
        api.add(f"bad-{i}", completionTime=ago(), failedCount=1)
    history = jobs.look(MODEL)
    assert history.last_success == datetime(2026, 3, 1, 1, 2, 3, 123456, UTC)
    assert history.latest is not None
    assert history.latest.execution == f"bad-{2 * PAGE_SIZE}"
    assert len(api.calls) == 3


def test_a_model_without_a_job_is_refused(jobs: CloudRunJobs) -> None:
    with pytest.raises(JobMissingError, match="there is no training job for card_default"):
        jobs.start("card_default")


def test_an_api_that_is_down_is_unavailable() -> None:
    jobs = CloudRunJobs(JOB_TEMPLATE, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(TrainingUnavailableError, match="Cloud Run cannot be reached"):
        jobs.start(MODEL)


def test_an_api_that_is_slow_is_given_up(
    api: CloudRunApi, capsys: pytest.CaptureFixture[str]
) -> None:
    api.delay_seconds = 2
    began = datetime.now(UTC)
    with pytest.raises(TrainingUnavailableError, match="Cloud Run cannot be reached"):
        CloudRunJobs(JOB_TEMPLATE, api.url, answer_seconds=0.2).start(MODEL)
    assert datetime.now(UTC) - began < timedelta(seconds=1.5)
    assert "ReadTimeout" in json.loads(capsys.readouterr().out)["cause"]


def test_without_credentials_the_api_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(TrainingUnavailableError):
        CloudRunJobs(JOB_TEMPLATE, "https://run.invalid").look(MODEL)
    assert "DefaultCredentialsError" in json.loads(capsys.readouterr().out)["cause"]


def test_over_the_network_the_functions_own_account_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key, certificate = self_signed("localhost", tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))
    with cloud_run_api(tls) as api:
        account = {
            "type": "service_account",
            "client_email": "retrain@p-1.example.com",
            "private_key": key.read_text(),
            "token_uri": f"{api.url}/token",
        }
        (tmp_path / "account.json").write_text(json.dumps(account))
        jobs = CloudRunJobs(JOB_TEMPLATE, api.url)
        jobs.start(MODEL)
        jobs.look(MODEL)
        assert [token for _, _, token in api.calls] == [None, "Bearer t-1", "Bearer t-1"]


def self_signed(host: str, folder: Path) -> tuple[Path, Path]:
    """Make a key and a certificate of it, for one host and one hour."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    return folder / "key.pem", folder / "certificate.pem"
