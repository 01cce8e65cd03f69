"""Scores rows as MLflow's client of a scoring server sends them; as `with_tritonclient.py`."""

import json
import sys

import pandas as pd
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

OUTPUTS = ("probability_of_default", "credit_score", "decision")

task = json.load(sys.stdin)
host, _, port = task["url"].rpartition(":")
client = ScoringServerClient(host, int(port))
client.wait_server_ready(timeout=30)
frame = client.invoke(pd.DataFrame(task["rows"])).get_predictions()
answers = [{name: frame[name].tolist() for name in OUTPUTS}]
try:
    client.invoke(pd.DataFrame([{"age": 1}]))
except Exception as error:  # noqa: BLE001 -- MLflow raises nothing more special
    answers.append(str(error))
print(json.dumps(answers))
