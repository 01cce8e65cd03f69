"""A BentoML service over the same trees: one worker, asynchronous methods, checked rows."""

import bentoml
from rows import Application
from trees import probabilities


@bentoml.service(
    workers=1,
    threads=1,
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)
class Scoring:
    @bentoml.api(route="/predict")
    async def predict(self, application: Application) -> dict[str, float]:
        return {"probability_of_default": probabilities([application])[0]}

    @bentoml.api(route="/batch")
    async def batch(self, instances: list[Application]) -> dict[str, list[float]]:
        return {"predictions": probabilities(instances)}
