"""Files on a real SFTP server of this machine: finished, growing, of another server."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import asyncssh
import pytest

from models.errors import DataError, ObjectMissingError, StoreError
from tests.training.pipeline.conftest import ROWS
from training.pipeline import sftp_drop
from training.pipeline.contract_check import check_rows
from training.pipeline.delivery import Address
from training.pipeline.files_source import open_drop
from training.pipeline.ingest import open_source
from training.pipeline.source_file import FilesSource, FileTable
from training.pipeline.tables import CustomerRow

DAY = date(2026, 6, 1)
HEADER = "customer_id,birth_date,annual_income,employed_since,education,region\n"
ROW = "C1,1980-01-01,50000.0,2015-01-01,master,north\n"


@dataclass(frozen=True)
class SftpServer:
    """A running server, the folder that it shows, and what opens it."""

    folder: Path
    address: Address
    host_key: str


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    """A server that accepts one key and shows one folder."""
    folder = tmp_path_factory.mktemp("sftp")
    host, own = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    (folder / "authorized").write_bytes(own.export_public_key())
    (folder / "shown" / "crm").mkdir(parents=True)

    class OneFolder(asyncssh.SFTPServer):
        def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
            super().__init__(channel, chroot=str(folder / "shown").encode())

    async def start() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[host],
            authorized_client_keys=str(folder / "authorized"),
            sftp_factory=OneFolder,
        )

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(start(), loop).result(timeout=30)
    url = f"sftp://bank@127.0.0.1:{server.get_port()}/crm"
    token = own.export_private_key().decode()
    yield SftpServer(
        folder / "shown" / "crm",
        Address("crm", url, token),
        host.export_public_key().decode().strip(),
    )
    server.close()
    asyncio.run_coroutine_threadsafe(server.wait_closed(), loop).result(timeout=30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=30)
    loop.close()


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sftp_drop, "SETTLE_SECONDS", 0.2)


def test_a_source_on_an_sftp_server_is_read_like_a_folder(running: SftpServer) -> None:
    (running.folder / "customers_2026-06-01.csv").write_text(HEADER + ROW)
    table = FileTable(file="customers_{day}.csv")
    source = FilesSource(kind="files", host_key=running.host_key, tables={"customers": table})
    with open_source(source, running.address) as deliver:
        checked = check_rows(CustomerRow, deliver("customers", DAY).batches, DAY)
        assert checked.accepted.to_pylist() == [ROWS["customers"]]
        with pytest.raises(DataError, match=r"customers_2026-06-02\.csv is not there \(yet\)"):
            deliver("customers", date(2026, 6, 2))


def test_a_file_that_is_still_being_written_is_not_read(running: SftpServer) -> None:
    path = running.folder / "growing.csv"
    path.write_text(HEADER + ROW)
    stop = threading.Event()

    def grow() -> None:
        while not stop.wait(0.02):
            with path.open("a") as file:
                file.write(ROW)

    sender = threading.Thread(target=grow)
    with open_drop(running.address, running.host_key) as drop:
        sender.start()
        with pytest.raises(StoreError, match="it is still being written: ingest the day again"):
            drop.download("growing.csv")
        stop.set()
        sender.join()
        assert drop.download("growing.csv") == path.read_bytes()


@pytest.mark.parametrize("end", [".part", ".filepart", ".tmp"])
def test_a_file_beside_its_unfinished_one_is_not_read(running: SftpServer, end: str) -> None:
    (running.folder / f"twice{end}.csv").write_text(HEADER)
    unfinished = running.folder / f"twice{end}.csv{end}"
    unfinished.write_text("half")
    with open_drop(running.address, running.host_key) as drop:
        with pytest.raises(StoreError, match="still being written"):
            drop.download(f"twice{end}.csv")
        with pytest.raises(ObjectMissingError):
            drop.download("never.csv")


def test_a_server_with_another_host_key_is_not_talked_to(running: SftpServer) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    with (
        pytest.raises(DataError, match="its host key is not the declared one"),
        open_drop(running.address, other),
    ):
        pass


def test_a_key_that_the_server_does_not_have_is_refused_by_name(running: SftpServer) -> None:
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    with (
        pytest.raises(DataError, match=r"SOURCE_URL_CRM: .* does not accept the key") as caught,
        open_drop(replace(running.address, token=stranger), running.host_key),
    ):
        pass
    assert running.address.url not in str(caught.value)


def test_a_server_that_is_down_is_named(running: SftpServer) -> None:
    down = replace(running.address, url="sftp://bank@127.0.0.1:1/crm")
    with (
        pytest.raises(DataError, match="the SFTP server is down or refuses us: no answer"),
        open_drop(down, running.host_key),
    ):
        pass


@pytest.mark.parametrize(
    ("url", "token", "host_key", "message"),
    [
        ("sftp://bank:secret@host/crm", "", "", "a password has no place in it"),
        ("sftp://host/crm", "", "", "must be sftp://user@host/folder"),
        ("sftp://bank@host/crm", "", "", r"sources\.crm: an SFTP server needs host_key"),
        ("sftp://bank@host/crm", "", "ssh-rsa no", "host_key is no public key"),
        ("sftp://bank@host/crm", "secret", "own", "SOURCE_TOKEN_CRM is no private key"),
    ],
)
def test_what_is_declared_wrongly_is_named_and_not_repeated(
    running: SftpServer, url: str, token: str, host_key: str, message: str
) -> None:
    declared = running.host_key if host_key == "own" else host_key
    with (
        pytest.raises(DataError, match=message) as caught,
        open_drop(Address("crm", url, token), declared),
    ):
        pass
    assert "secret" not in str(caught.value)
