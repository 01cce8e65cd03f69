"""A TCP proxy that puts a server farther away: bytes arrive later, as many a second as before."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

CHUNK = 65_536


@contextmanager
def distant(url: str, round_trip_seconds: float) -> Iterator[str]:
    """The URL of a server that answers a round trip later than the one at `url`.

    Connecting costs nothing: the proxy stands on this machine.
    """
    loop = asyncio.new_event_loop()  # not uvloop: its timers count whole milliseconds
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    made = asyncio.run_coroutine_threadsafe(_listen(url, round_trip_seconds / 2), loop).result()
    try:
        yield f"http://127.0.0.1:{made.sockets[0].getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(_stop(made), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _listen(url: str, seconds: float) -> asyncio.Server:
    parts = urlsplit(url)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            await asyncio.gather(
                _carry(reader, far_writer, seconds), _carry(far_reader, writer, seconds)
            )
        finally:
            for end in (writer, far_writer):
                end.transport.abort()  # cancelled; what ended by itself is closed

    return await asyncio.start_server(handle, "127.0.0.1", 0)


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> None:
    """Pass on what is read, each piece so much later; pieces do not wait for each other."""
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError):  # a client that was killed
        while data := await reader.read(CHUNK):
            loop.call_later(seconds, writer.write, data)
    await asyncio.sleep(2 * seconds)
    writer.close()


async def _stop(server: asyncio.Server) -> None:
    server.close()
    handlers = asyncio.all_tasks() - {asyncio.current_task()}
    for handler in handlers:
        handler.cancel()
    await asyncio.gather(*handlers, return_exceptions=True)
    await asyncio.sleep(0)  # aborted connections are closed in the loop's next turn
