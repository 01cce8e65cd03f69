"""A real browser, driven over its own pipe: no port, no driver, no waiting for a time."""

import contextlib
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

CHROMIUM = shutil.which("chromium")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--hide-scrollbars"),
    *("--no-first-run", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--disable-dev-shm-usage", "--no-proxy-server"),
)
# The browser reads its commands from 3 and answers on 4.
ON_3_AND_4 = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
OUT_OF_THE_WAY = 10
PATIENCE_SECONDS = 60  # a browser that hangs fails the test; none that works is hurried


@dataclass
class Page:
    """One page of a running browser, and what the browser has told of it."""

    commands: BinaryIO
    answers: FileIO
    unread: bytes = b""
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 -- the protocol's own
        """Send one command and wait for its answer."""
        number = next(self.numbers)
        command = {"id": number, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        self.commands.write(json.dumps(command).encode() + b"\0")
        self.commands.flush()
        while (message := self._next()).get("id") != number:
            self.events.append(message)
        assert "error" not in message, message
        result: dict[str, Any] = message["result"]
        return result

    def open(self, address: str) -> None:
        """Go to an address and wait until the page is loaded."""
        self.events.clear()
        self.call("Page.navigate", url=address)
        while not self.told("Page.loadEventFired"):
            self.events.append(self._next())

    def run(self, script: str) -> Any:  # noqa: ANN401 -- JavaScript may say anything
        """Run a function's body in the page and wait for what it returns or promises."""
        done = self.call(
            "Runtime.evaluate",
            expression=f"(async () => {{ {script} }})()",
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def told(self, method: str) -> list[dict[str, Any]]:
        """Events of one kind so far."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def complaints(self) -> list[Any]:
        """What the browser's console shows that is no mere advice."""
        said = self.told("Runtime.consoleAPICalled") + self.told("Runtime.exceptionThrown")
        logged = [told["entry"] for told in self.told("Log.entryAdded")]
        return said + [entry for entry in logged if entry["level"] in {"warning", "error"}]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.unread:
            assert select.select([self.answers], [], [], PATIENCE_SECONDS)[0], "it says nothing"
            told = self.answers.read(65_536)
            assert told, "the browser is gone"
            self.unread += told
        text, _, self.unread = self.unread.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message


@contextlib.contextmanager
def browser_page(profile: Path) -> Iterator[Page]:
    """Start a browser with one empty page, and end it afterwards."""
    its_input, ours = _pipe()
    theirs, its_output = _pipe()
    words = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-pipe"]
    process = subprocess.Popen(
        [sys.executable, "-c", ON_3_AND_4, str(its_input), str(its_output), *words],
        pass_fds=(its_input, its_output),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(its_input)
    os.close(its_output)
    with os.fdopen(ours, "wb") as commands, FileIO(theirs) as answers:
        page = Page(commands, answers)
        try:
            target = page.call("Target.createTarget", url="about:blank")["targetId"]
            attached = page.call("Target.attachToTarget", targetId=target, flatten=True)
            page.session = attached["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                page.call(f"{domain}.enable")
            yield page
        finally:
            process.terminate()
            process.wait(timeout=15)


def _pipe() -> tuple[int, ...]:
    """A pipe whose ends are out of the way of 3 and 4."""
    ends = os.pipe()
    moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, OUT_OF_THE_WAY) for end in ends)
    for end in ends:
        os.close(end)
    return moved
