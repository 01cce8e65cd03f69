"""A folder on an SFTP server, into which somebody drops files.

The server proves who it is by its host key, which the source declares. We prove who we are by a
private key, from a secret or from an SSH agent; a password is never asked for.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

import asyncssh

from models.errors import DataError, ObjectMissingError, StoreError
from training.pipeline.delivery import Address

PORT = 22
CONNECT_SECONDS = 10
FILE_SECONDS = 600.0
SETTLE_SECONDS = 2.0  # in which a file that is being written grows
UNFINISHED = (".part", ".filepart", ".tmp")  # what senders call a file until all of it is there

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SftpDrop:
    """An open folder. A file is read if its sender has finished it."""

    folder: str
    client: asyncssh.SFTPClient = field(repr=False)
    runner: asyncio.Runner = field(repr=False)

    def download(self, name: str) -> bytes:
        """Return the bytes of a file.

        Raises
        ------
        ObjectMissingError
            If it is not there, or only under the name of an unfinished one.
        StoreError
            If it is still being written, or cannot be read.
        """
        try:
            return _wait(self.runner, self._read(f"{self.folder}/{name}"), FILE_SECONDS)
        except asyncssh.SFTPNoSuchFile as error:
            raise ObjectMissingError(name) from error
        except (asyncssh.Error, OSError) as error:
            message = f"the SFTP server does not deliver it: {type(error).__name__}"
            raise StoreError(message) from error

    async def _read(self, path: str) -> bytes:
        before = await self.client.stat(path)
        data = bytes(await self._download(path))
        await asyncio.sleep(SETTLE_SECONDS)
        after = await self.client.stat(path)
        writing = [end for end in UNFINISHED if await self.client.exists(path + end)]
        if writing or (before.size, before.mtime) != (after.size, after.mtime):
            message = "it is still being written: ingest the day again when the sender is done"
            raise StoreError(message)
        return data

    async def _download(self, path: str) -> bytes:
        async with self.client.open(path, "rb", encoding=None) as file:
            data: bytes = await file.read()
            return data


@contextmanager
def open_sftp(address: Address, host_key: str) -> Iterator[SftpDrop]:
    """Connect to the server of `sftp://user@host/folder`.

    The address's token is the text of a private key. Without one an SSH agent is asked.

    Raises
    ------
    DataError
        If the address has another form or a password, a key cannot be read, or the server is
        down, is another one, or refuses our key. No message has the address or a key.
    """
    variable = f"SOURCE_URL_{address.source.upper()}"
    parts = _split_url(address.url, variable)
    options = _choose_keys(address, host_key)
    with asyncio.Runner() as runner:
        try:
            connection = _wait(runner, _connect(parts, options), 2 * CONNECT_SECONDS)
        except (asyncssh.Error, OSError) as error:
            message = f"{variable}: the SFTP server is down or refuses us: {_describe(error)}"
            raise DataError(message) from error
        try:
            client = _wait(runner, _start_client(connection), CONNECT_SECONDS)
            yield SftpDrop(unquote(parts.path).rstrip("/"), client, runner)
        finally:
            connection.close()
            runner.run(connection.wait_closed())


def _split_url(url: str, variable: str) -> SplitResult:
    parts = urlsplit(url)
    if not (parts.hostname and parts.username) or parts.password or parts.query:
        message = f"{variable} must be sftp://user@host/folder; a password has no place in it"
        raise DataError(message)
    return parts


def _choose_keys(address: Address, host_key: str) -> dict[str, Any]:
    source = address.source
    if not host_key:
        message = f"sources.{source}: an SFTP server needs host_key, such as ssh-keyscan prints"
        raise DataError(message)
    try:
        trusted = asyncssh.import_public_key(host_key)
    except asyncssh.KeyImportError as error:
        message = f"sources.{source}: host_key is no public key, such as ssh-ed25519 AAAA"
        raise DataError(message) from error
    keys: dict[str, Any] = {"known_hosts": ([trusted], [], [])}
    if address.token:
        try:
            keys["client_keys"] = [asyncssh.import_private_key(address.token)]
        except asyncssh.KeyImportError as error:
            message = f"SOURCE_TOKEN_{source.upper()} is no private key without a passphrase"
            raise DataError(message) from error
        keys["agent_path"] = None
    return keys


async def _connect(parts: SplitResult, options: dict[str, Any]) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        str(parts.hostname),
        parts.port or PORT,
        username=unquote(str(parts.username)),
        config=None,
        preferred_auth="publickey",
        connect_timeout=CONNECT_SECONDS,
        login_timeout=CONNECT_SECONDS,
        keepalive_interval=CONNECT_SECONDS,
        **options,
    )


async def _start_client(connection: asyncssh.SSHClientConnection) -> asyncssh.SFTPClient:
    return await connection.start_sftp_client()


def _wait(runner: asyncio.Runner, work: Coroutine[Any, Any, T], seconds: float) -> T:
    return runner.run(asyncio.wait_for(work, seconds))


def _describe(error: Exception) -> str:
    """Name what went wrong: the library's texts may have the host and the user."""
    reasons = {
        asyncssh.HostKeyNotVerifiable: "its host key is not the declared one",
        asyncssh.PermissionDenied: "it does not accept the key",
    }
    return next((text for kind, text in reasons.items() if isinstance(error, kind)), "no answer")
