"""Lays out a folder that MLServer's XGBoost runtime serves the same trees from."""

import json
import os
import shutil
import sys
from pathlib import Path

folder = Path(sys.argv[1])
folder.mkdir()
shutil.copy(os.environ["MODEL_FILE"], folder / "model.ubj")
settings = {
    "name": "application",
    "implementation": "mlserver_xgboost.XGBoostModel",
    "parameters": {"uri": "./model.ubj"},
}
(folder / "model-settings.json").write_text(json.dumps(settings))
