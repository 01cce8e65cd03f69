"""Scores rows with KServe's client, by both protocols; as `with_tritonclient.py`."""

import asyncio
import json
import sys

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

NUMPY = {"INT64": np.int64, "FP64": np.float64, "BYTES": np.object_}
OUTPUTS = ("probability_of_default", "credit_score", "decision")


async def ask() -> None:
    task = json.load(sys.stdin)
    url, model = f"http://{task['url']}", task["model"]
    answers = []
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        assert await client.is_server_live(url)
        assert await client.is_server_ready(url)
        assert await client.is_model_ready(url, model)
        for binary in (False, True):
            inputs = []
            for name in task["rows"][0]:
                datatype = task["datatypes"][name]
                values = np.array([row[name] for row in task["rows"]], NUMPY[datatype])
                tensor = InferInput(name, list(values.shape), datatype)
                tensor.set_data_from_numpy(values, binary_data=binary)
                inputs.append(tensor)
            outputs = [RequestedOutput(name, {"binary_data": binary}) for name in OUTPUTS]
            request = InferRequest(model, inputs, request_id="7", request_outputs=outputs)
            response = await client.infer(url, request, model_name=model)
            columns = {o.name: o.as_numpy().tolist() for o in response.outputs}
            columns["decision"] = [
                text.decode() if isinstance(text, bytes) else text for text in columns["decision"]
            ]
            answers.append(columns)
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
        assert await client.is_server_live(url)
        assert await client.is_model_ready(url, model)
        document = await client.infer(url, {"instances": task["rows"]}, model_name=model)
        predictions = document["predictions"]
        answers.append({name: [one[name] for one in predictions] for name in OUTPUTS})
    print(json.dumps(answers))


asyncio.run(ask())
