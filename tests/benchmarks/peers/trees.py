"""The benchmark's trees, as the peers that are free to choose run them: numpy in, one thread."""

import os

import numpy as np
import xgboost
from rows import Application, matrix

booster = xgboost.Booster()
booster.load_model(os.environ["MODEL_FILE"])
booster.set_param({"nthread": 1})


def probabilities(applications: list[Application]) -> list[float]:
    probabilities: np.ndarray = booster.inplace_predict(matrix(applications))
    return probabilities.tolist()
