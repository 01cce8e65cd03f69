"""What a search may vary: the parameters of each family, and the ranges they are drawn from.

Trees stay small enough to be explained by tables, and few enough to be served in microseconds.
"""

from collections.abc import Mapping

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from models.errors import DataError
from models.estimators.families import Family

Parameters = Mapping[str, float]
Space = dict[str, BaseDistribution]

BOOSTED: Space = {
    "n_estimators": IntDistribution(100, 600, step=50),
    "learning_rate": FloatDistribution(0.01, 0.1, log=True),
    "subsample": FloatDistribution(0.4, 1.0),
    "colsample_bytree": FloatDistribution(0.2, 1.0),
    "reg_lambda": FloatDistribution(0.1, 100.0, log=True),
}
# The families that have something to tune, those whose trials are cheap first.
SPACES: dict[Family, Space] = {
    "logistic": {"C": FloatDistribution(1e-4, 1e2, log=True)},
    "random_forest": {
        "max_depth": IntDistribution(4, 12),
        "min_child_weight": FloatDistribution(1.0, 50.0, log=True),
        "subsample": FloatDistribution(0.4, 0.9),
        "colsample_bynode": FloatDistribution(0.1, 0.8),
    },
    "xgboost": BOOSTED
    | {
        "max_depth": IntDistribution(2, 5),
        "min_child_weight": FloatDistribution(1.0, 100.0, log=True),
    },
    "lightgbm": BOOSTED
    | {
        "num_leaves": IntDistribution(4, 24),
        "min_child_samples": IntDistribution(5, 200, log=True),
    },
}
# Shares of the seconds of a search. What a family leaves goes to those after it.
SHARES: dict[Family, float] = {
    "logistic": 0.1,
    "random_forest": 0.15,
    "xgboost": 0.35,
    "lightgbm": 0.4,
}


def check_parameters(family: str, parameters: Parameters) -> None:
    """Refuse parameters that a search would not make.

    Raises
    ------
    DataError
        If the family has nothing to tune, or a name or a value is outside its space.
    """
    space = next((space for name, space in SPACES.items() if name == family), None)
    if space is None:
        message = f"--parameters: {family} has no parameters; those of {', '.join(SPACES)} do"
        raise DataError(message)
    for name, value in parameters.items():
        if name not in space:
            message = f"--parameters: {family} has no {name}; it has {', '.join(space)}"
            raise DataError(message)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not space[name]._contains(value):  # noqa: SLF001 -- there is no other
            message = (
                f"--parameters: {family} {name} must be {_describe(space[name])}, got {value!r}"
            )
            raise DataError(message)


def _describe(distribution: BaseDistribution) -> str:
    if isinstance(distribution, IntDistribution):
        step = f" in steps of {distribution.step}" if distribution.step > 1 else ""
        return f"a whole number from {distribution.low} to {distribution.high}{step}"
    if isinstance(distribution, FloatDistribution):
        return f"a number from {distribution.low:g} to {distribution.high:g}"
    return str(distribution)
