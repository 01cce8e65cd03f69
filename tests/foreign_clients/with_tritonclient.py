"""Scores rows with NVIDIA's client, once for each way it can send and receive them.

Reads `{"url", "model", "datatypes", "rows"}` and prints a list of `{output: values}`.
"""

import json
import sys

import numpy as np
import tritonclient.http as triton

NUMPY = {"INT64": np.int64, "FP64": np.float64, "BYTES": np.object_}
OUTPUTS = ("probability_of_default", "credit_score", "decision")

task = json.load(sys.stdin)
client = triton.InferenceServerClient(task["url"])
assert client.is_server_live()
assert client.is_server_ready()
assert client.is_model_ready(task["model"])
assert client.get_model_metadata(task["model"])["name"] == task["model"]
assert task["model"] in {model["name"] for model in client.get_model_repository_index()}

answers = []
for binary_inputs in (True, False):
    inputs = []
    for name in task["rows"][0]:
        datatype = task["datatypes"][name]
        values = np.array([row[name] for row in task["rows"]], NUMPY[datatype])
        tensor = triton.InferInput(name, list(values.shape), datatype)
        tensor.set_data_from_numpy(values, binary_data=binary_inputs)
        inputs.append(tensor)
    for outputs in (
        None,
        [triton.InferRequestedOutput(name, binary_data=True) for name in OUTPUTS],
        [triton.InferRequestedOutput(name, binary_data=False) for name in OUTPUTS],
    ):
        result = client.infer(
            task["model"], inputs, outputs=outputs, request_id="7", priority=1, timeout=1_000
        )
        assert result.get_response()["id"] == "7"
        columns = {name: result.as_numpy(name).tolist() for name in OUTPUTS}
        columns["decision"] = [
            text.decode() if isinstance(text, bytes) else text for text in columns["decision"]
        ]
        answers.append(columns)
print(json.dumps(answers))
