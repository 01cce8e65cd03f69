"""An event loop in a thread of its own, for callers that do not wait for awaitables."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")


class LoopThread:
    """A loop that runs until it is stopped; threads may share it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="surety-client", daemon=True
        )
        self._thread.start()

    def start(self, awaitable: Coroutine[Any, Any, Result]) -> "Future[Result]":
        """Start an awaitable; only one thread at a time may start or stop."""
        return asyncio.run_coroutine_threadsafe(awaitable, self._loop)

    def stop(self, last: Coroutine[Any, Any, None]) -> None:
        """Cancel what still runs, run the last, and end the loop and its thread."""
        self.start(_cancel_others()).result()
        self.start(last).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
