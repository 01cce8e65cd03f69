"""A lender's system that keeps asking for scores and notes every answer."""

import json
import threading
import time
from dataclasses import dataclass, field

import httpx

from tests.support.running import REPOSITORY

APPLICATION = json.loads((REPOSITORY / "docs/examples/application.json").read_text())
PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request met; status 0: no answer at all. `asked_at` in seconds since 1970."""

    asked_at: float
    request_id: str
    status: int
    version: str
    served_by: str


@dataclass
class Lender:
    """Two clients of the service, each with one request at a time."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Ask until told to stop."""
        for name in ("lender-a", "lender-b"):
            thread = threading.Thread(target=self._ask, args=(name,))
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Stop asking."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def failures(self) -> list[Answer]:
        """Answers that are no score."""
        return [answer for answer in self.answers if answer.status != httpx.codes.OK]

    def since(self, moment: float) -> list[Answer]:
        """Answers to what was asked after a moment."""
        return [answer for answer in self.answers if answer.asked_at > moment]

    def _ask(self, name: str) -> None:
        with httpx.Client(base_url=self.url, timeout=30, trust_env=False) as client:
            number = 0
            while not self._stopping.wait(PAUSE_SECONDS):
                number += 1
                self.answers.append(ask(client, f"{name}-{number}"))


def ask(client: httpx.Client, request_id: str) -> Answer:
    """Ask for one score."""
    now = time.time()
    try:
        answer = client.post("/predict", json=APPLICATION, headers={"x-request-id": request_id})
    except httpx.TransportError:
        return Answer(now, request_id, 0, "", "")
    version = answer.json()["model_version"] if answer.status_code == httpx.codes.OK else ""
    served_by = answer.headers.get("x-served-by", "")
    return Answer(now, request_id, answer.status_code, version, served_by)
