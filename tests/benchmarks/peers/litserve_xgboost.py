"""A LitServe service over the same trees: one worker beside one API process, checked rows."""

import sys
from typing import Any

import litserve
from rows import Application, Batch


class Scoring(litserve.LitAPI):
    def setup(self, device: str) -> None:
        from trees import probabilities

        self.probabilities = probabilities

    def decode_request(self, request: dict[str, Any]) -> list[Application]:
        if "instances" in request:
            return Batch.model_validate(request).instances
        return [Application.model_validate(request)]

    def predict(self, x: list[Application]) -> list[float]:
        return self.probabilities(x)

    def encode_response(self, output: list[float]) -> dict[str, Any]:
        if len(output) == 1:
            return {"probability_of_default": output[0]}
        return {"predictions": output}


if __name__ == "__main__":
    api = Scoring(api_path="/predict", enable_async=False)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, fast_queue=True)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        generate_client_file=False,
        log_level="warning",
        access_log=False,
        loop="uvloop",
        http="httptools",
    )
