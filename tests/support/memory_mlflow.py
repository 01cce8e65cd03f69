"""The part of MLflow's client that the mirror uses, in memory, for tests without its package.

tests/training/test_mlflow_mirror.py also runs the mirror against a real server.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any


@dataclass(slots=True)
class MemoryMlflow:
    """Runs, model versions and aliases, with the names of `MlflowClient`'s methods."""

    runs: dict[str, SimpleNamespace] = field(default_factory=dict)
    models: dict[str, SimpleNamespace] = field(default_factory=dict)
    versions: list[SimpleNamespace] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    before_alias: Callable[[], None] = lambda: None

    def modules(self) -> dict[str, ModuleType]:
        """What `import mlflow` and `import mlflow.entities` are to find."""
        mlflow, entities = ModuleType("mlflow"), ModuleType("mlflow.entities")
        mlflow.__dict__["MlflowClient"] = self._connect
        entities.__dict__["Metric"] = lambda name, value, when, step: (name, value, when, step)
        entities.__dict__["Param"] = lambda name, value: (name, value)
        return {"mlflow": mlflow, "mlflow.entities": entities}

    def _connect(self, **_: str) -> "MemoryMlflow":
        return self

    def get_experiment_by_name(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(experiment_id=f"experiment of {name}")

    def search_registered_models(self, query: str) -> list[SimpleNamespace]:
        return [model for name, model in self.models.items() if query == f"name = '{name}'"]

    def create_registered_model(self, name: str, description: str) -> None:
        self.models[name] = SimpleNamespace(aliases={}, description=description)

    def get_registered_model(self, name: str) -> SimpleNamespace:
        return self.models[name]

    def set_registered_model_alias(self, name: str, alias: str, number: str) -> None:
        self.before_alias()
        self.writes.append(f"{alias} = {number}")
        self.models[name].aliases[alias] = number

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        self.writes.append(f"no {alias}")
        del self.models[name].aliases[alias]

    def search_runs(self, experiments: list[str], query: str) -> list[SimpleNamespace]:
        [(tag, value)] = re.findall(r"tags\.`(.+)` = '(.+)'", query)
        every = self.runs.values()
        return [r for r in every if r.experiment in experiments and r.tags[tag] == value]

    def create_run(self, experiment: str, **members: Any) -> SimpleNamespace:  # noqa: ANN401 -- as MLflow
        run_id = f"run {len(self.runs) + 1}"
        info = SimpleNamespace(run_id=run_id, status="RUNNING", artifact_uri=f"artifacts:/{run_id}")
        run = SimpleNamespace(info=info, experiment=experiment, files={}, batch={}, **members)
        self.runs[run_id] = run
        return run

    def log_batch(self, run_id: str, **batch: list[tuple[Any, ...]]) -> None:
        self.runs[run_id].batch = batch

    def log_text(self, run_id: str, text: str, file: str) -> None:
        self.runs[run_id].files[file] = text

    def set_terminated(self, run_id: str, status: str, **_: int) -> None:
        self.runs[run_id].info.status = status

    def search_model_versions(self, query: str) -> list[SimpleNamespace]:
        return [one for one in self.versions if query == f"run_id = '{one.run_id}'"]

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str,
        **members: Any,  # noqa: ANN401 -- as MLflow
    ) -> SimpleNamespace:
        number = len(self.versions) + 1
        print("a link to the new version")
        one = SimpleNamespace(name=name, source=source, run_id=run_id, version=number, **members)
        self.versions.append(one)
        return one
