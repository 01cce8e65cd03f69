"""Revisions of a service: real processes, started and stopped as Cloud Run does."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.stack.images import Target, image_from_dockerfile
from tests.support.running import REPOSITORY, Server, becomes_live, free_port

KILL_SECONDS = 10  # after SIGTERM


@dataclass(frozen=True, eq=False)
class Instance:
    """One container."""

    name: str
    port: int
    server: Server

    def stop(self) -> int:
        """SIGTERM, and SIGKILL to what does not end in time; the exit code."""
        self.server.client.close()
        self.server.process.terminate()
        try:
            return self.server.process.wait(KILL_SECONDS)
        except subprocess.TimeoutExpired:
            self.server.process.kill()
            return self.server.process.wait()


@dataclass(eq=False)
class Revision:
    """One set of settings of one image, and the containers that run it."""

    name: str
    environment: dict[str, str]
    folder: Path
    target: Target = "scoring"
    instances: list[Instance] = field(default_factory=list)
    exit_codes: list[int] = field(default_factory=list)

    def start(self, containers: int) -> bool:
        """Start containers; False, and none is left, if one fails its startup probe."""
        self.instances = [self._started(f"{self.name}-{i}") for i in range(containers)]
        live = all(becomes_live(instance.server) for instance in self.instances)
        if not live:
            self.stop()
        return live

    def stop(self) -> None:
        """Stop every container."""
        stopping, self.instances = self.instances, []
        self.exit_codes += [instance.stop() for instance in stopping]

    def _started(self, name: str) -> Instance:
        image, port = image_from_dockerfile(self.target), free_port()
        platform = {
            "PORT": str(port),
            "HOST": "127.0.0.1",  # the only thing that is not as in the cloud: it stays in here
            "K_SERVICE": f"test-{self.target}",
            "K_REVISION": self.name,
            "K_CONFIGURATION": f"test-{self.target}",
        }
        log_path = self.folder / f"{name}.log"
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                image.command,
                cwd=REPOSITORY,
                env=image.environment | self.environment | platform,
                stdout=log,
                stderr=log,
            )
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False)
        return Instance(name, port, Server(client, process, log_path))
