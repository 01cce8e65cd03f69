"""An event loop in a thread of its own, for callers that do not wait for awaitables."""

import asyncio
import threading
from collections.abc import Coroutine
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

    def run(self, awaitable: Coroutine[Any, Any, Result]) -> Result:
        """Wait for an awaitable; if the wait is interrupted, the awaitable is cancelled."""
        future = asyncio.run_coroutine_threadsafe(awaitable, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        """End the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
