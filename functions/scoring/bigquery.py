"""`python -m functions.scoring.bigquery`: print the arguments of every model, for Terraform."""

import json

from functions.scoring.contracts.warehouse_rows import arguments
from functions.scoring.settings import read_settings

if __name__ == "__main__":
    by_model = {
        name: [{"name": field, "type": kind} for field, kind in arguments(model).items()]
        for name, model in read_settings().catalogue.items()
    }
    print(json.dumps(by_model, indent=1))
