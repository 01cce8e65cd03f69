"""Scores rows as MLServer's codec for pandas writes them; as `with_tritonclient.py`."""

import json
import sys
from urllib.request import Request, urlopen

import pandas as pd
from mlserver.codecs import PandasCodec
from mlserver.types import InferenceResponse

OUTPUTS = ("probability_of_default", "credit_score", "decision")

task = json.load(sys.stdin)
answers = []
for use_bytes in (True, False):
    request = PandasCodec.encode_request(pd.DataFrame(task["rows"]), use_bytes=use_bytes)
    for text in (request.model_dump_json(), request.model_dump_json(exclude_none=True)):
        url = f"http://{task['url']}/v2/models/{task['model']}/infer"
        sent = Request(url, text.encode(), {"Content-Type": "application/json; v=1"})
        with urlopen(sent) as response:  # noqa: S310 -- a server of this test
            parsed = InferenceResponse.model_validate_json(response.read())
        frame = PandasCodec.decode_response(parsed)
        answers.append({name: frame[name].tolist() for name in OUTPUTS})
print(json.dumps(answers))
