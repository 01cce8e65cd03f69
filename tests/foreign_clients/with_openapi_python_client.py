"""Scores a row with the client that openapi-python-client wrote; its folder is the argument."""

import importlib
import json
import sys
from pathlib import Path

folder = Path(sys.argv[1])
sys.path.insert(0, str(folder.parent))
package = folder.name
task = json.load(sys.stdin)

# Every module that was written can be imported.
for path in folder.rglob("*.py"):
    module = ".".join([package, *path.relative_to(folder).with_suffix("").parts])
    importlib.import_module(module.removesuffix(".__init__"))

client = importlib.import_module(package).Client(base_url=task["url"])
operation = importlib.import_module(f"{package}.api.any_model.post_v1_models_application_predict")
body = operation.PostV1ModelsApplicationPredictBody.from_dict({"instances": [task["row"]]})
predictions = operation.sync(client=client, body=body)
print(json.dumps(predictions.to_dict()["predictions"]))
