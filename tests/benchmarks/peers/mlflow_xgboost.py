"""An MLflow model of the same trees, for its pyfunc scoring server: a frame, checked by schema.

Run with a folder's name it saves itself there, as code: nothing is pickled.
"""

import os
import sys

import mlflow
import numpy as np
import pandas as pd
import xgboost
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext, save_model
from mlflow.types import ColSpec, Schema

INTEGERS = (
    *("age", "credit_score", "num_credit_lines", "loan_term", "num_late_payments"),
    *("num_bankruptcies", "inquiries_last_6m"),
)
NUMBERS = (
    *("income", "employment_length", "credit_score", "num_credit_lines", "credit_utilization"),
    *("debt_to_income", "total_debt", "savings", "loan_amount", "loan_term"),
    *("num_late_payments", "num_bankruptcies", "inquiries_last_6m"),
)
LEVELS = {
    "employment_status": ("employed", "self_employed", "unemployed", "retired"),
    "home_ownership": ("mortgage", "rent", "own", "other"),
    "loan_purpose": (
        *("debt_consolidation", "credit_card", "home_improvement", "business", "medical", "other"),
    ),
}


class Scoring(PythonModel):
    def load_context(self, context: PythonModelContext) -> None:
        self.booster = xgboost.Booster()
        self.booster.load_model(context.artifacts["trees"])
        self.booster.set_param({"nthread": 1})

    def predict(self, context, model_input: pd.DataFrame, params=None) -> list[float]:
        columns = {name: model_input[name].to_numpy() for name in (*NUMBERS, *LEVELS)}
        payment = np.trunc(columns["loan_amount"] / columns["loan_term"] * 1.05)
        matrix = [columns[name] for name in NUMBERS]
        matrix += [columns[name] == level for name, levels in LEVELS.items() for level in levels]
        matrix += [payment, np.minimum(12 * payment / columns["income"], 1)]
        return self.booster.inplace_predict(np.column_stack(matrix).astype(float)).tolist()


def signature() -> mlflow.models.ModelSignature:
    kinds = dict.fromkeys(INTEGERS, "long") | dict.fromkeys(LEVELS, "string")
    names = dict.fromkeys(("age", *NUMBERS, *LEVELS))
    inputs = Schema([ColSpec(kinds.get(name, "double"), name) for name in names])
    return mlflow.models.ModelSignature(inputs=inputs, outputs=Schema([ColSpec("double")]))


if __name__ == "__main__":
    save_model(
        sys.argv[1],
        python_model=__file__,
        artifacts={"trees": os.environ["MODEL_FILE"]},
        signature=signature(),
        pip_requirements=[],
    )
else:
    set_model(Scoring())
