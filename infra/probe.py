"""Ask the scoring service from within its project, where its address is closed to all else.

A workflow (probe.yaml) sends the request under an account of its own: Cloud Run counts what
Workflows asks in the same project as internal.
"""

import io
import json
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import Any

from infra.cloud_run import Place

OK = range(200, 300)


@dataclass(frozen=True)
class Probe(Place):
    """The workflow of an environment, and the address that its identity is meant for."""

    audience: str

    def send(self, request: urllib.request.Request) -> Any:  # noqa: ANN401 -- whatever JSON it is
        """Send one request and return its answer's JSON; raise what urllib would."""
        result = json.loads(self._run(json.dumps(self._data(request))))
        status, body = int(result["status"]), result["body"]
        text = body if isinstance(body, str) else json.dumps(body)
        if not status:
            message = f"no answer: {text}"
            raise OSError(message)
        if status not in OK:
            headers = Message()
            for name, value in result["headers"].items():
                headers[name] = str(value)
            answer = io.BytesIO(text.encode())
            raise urllib.error.HTTPError(request.full_url, status, text, headers, answer)
        if isinstance(body, str):
            message = "the answer is text"
            raise ValueError(message)  # noqa: TRY004 -- what json.loads raises, too
        return body

    def _data(self, request: urllib.request.Request) -> dict[str, object]:
        headers = dict(request.header_items())
        del headers["Authorization"]  # the workflow's own takes its place
        return {
            "method": request.get_method(),
            "url": request.full_url,
            "headers": headers,
            "body": json.loads(request.data) if isinstance(request.data, bytes) else None,
            "audience": self.audience,
        }

    def _run(self, data: str) -> str:
        place = (f"--project={self.project}", f"--location={self.region}")
        command = ["gcloud", "workflows", "run", f"{self.environment}-probe", *place]
        options = (f"--data={data}", "--format=value(result)", "--quiet")
        try:
            done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)  # noqa: S603 -- fixed words
        except subprocess.CalledProcessError as error:
            message = f"the workflow {self.environment}-probe: {error.stderr.strip()}"
            raise OSError(message) from error
        return done.stdout
