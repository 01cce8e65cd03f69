"""The usual service: a request becomes a data frame, a scikit-learn pipeline does the rest.

It checks nothing, gives a probability, and keeps no record of its decisions.
"""

import os
from typing import Any

import numpy as np
import pandas as pd
from flask import Flask, request
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder
from xgboost import XGBClassifier

NUMBERS = [
    *("income", "employment_length", "credit_score", "num_credit_lines", "credit_utilization"),
    *("debt_to_income", "total_debt", "savings", "loan_amount", "loan_term"),
    *("num_late_payments", "num_bankruptcies", "inquiries_last_6m"),
]
LEVELS = {
    "employment_status": ["employed", "self_employed", "unemployed", "retired"],
    "home_ownership": ["mortgage", "rent", "own", "other"],
    "loan_purpose": [
        *("debt_consolidation", "credit_card", "home_improvement", "business", "medical", "other"),
    ],
}
DERIVED = ["monthly_payment", "payment_to_income"]


def derived(frame: pd.DataFrame) -> pd.DataFrame:
    payment = np.trunc(frame["loan_amount"] / frame["loan_term"] * 1.05)
    burden = np.clip(12 * payment / frame["income"], 0, 1)
    return frame.assign(monthly_payment=payment, payment_to_income=burden)


def pipeline() -> Pipeline:
    """The trees as they were fitted; the encoder learns its levels from one row of each."""
    encode = OneHotEncoder(categories=list(LEVELS.values()), handle_unknown="ignore")
    columns = ColumnTransformer(
        [
            ("numbers", "passthrough", NUMBERS),
            ("levels", encode, list(LEVELS)),
            ("derived", "passthrough", DERIVED),
        ]
    )
    longest = max(map(len, LEVELS.values()))
    seen = {name: (values * longest)[:longest] for name, values in LEVELS.items()}
    columns.fit(pd.DataFrame(seen | dict.fromkeys(NUMBERS + DERIVED, 1.0)))
    trees = XGBClassifier()
    trees.load_model(os.environ["MODEL_FILE"])
    return Pipeline([("columns", columns), ("trees", trees)])


app = Flask(__name__)
model = pipeline()


def probabilities(rows: list[dict[str, Any]]) -> list[float]:
    frame = derived(pd.DataFrame(rows))
    probabilities: list[float] = model.predict_proba(frame)[:, 1].tolist()
    return probabilities


@app.post("/predict")
def predict() -> dict[str, float]:
    return {"probability_of_default": probabilities([request.get_json()])[0]}


@app.post("/batch")
def batch() -> dict[str, list[float]]:
    return {"predictions": probabilities(request.get_json()["instances"])}
