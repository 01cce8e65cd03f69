"""The servers that are measured side by side: ours, two that do nothing, and those of others.

Others run one process for each worker, one worker, one thread for the trees, uvloop where it is
theirs to choose, no log of requests: what their documentation advises for speed.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.benchmarks import contracts
from tests.benchmarks.contracts import Batch, Rows
from tests.benchmarks.environments import SCORING, python_path

PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Contestant:
    """A server. PORT, OTHER_PORT and FOLDER in its command and variables are replaced.

    `prepare` lays out FOLDER from the file MODEL_FILE, once. `checks` and `records` are said beside
    its figures; `package` is the one of its environment that is named there.
    """

    name: str
    command: tuple[str, ...]
    single: str
    batches: tuple[Batch, ...] = ()
    one: Callable[[Rows], bytes] = contracts.as_row
    environment: str | None = None
    package: str | None = None
    prepare: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    checks: str = "nothing"
    records: str = "nothing"


def _peer(name: str, *words: str) -> tuple[str, ...]:
    return (str(python_path(name)), *words)


OURS = Contestant(
    "surety",
    (sys.executable, "-m", "functions.scoring"),
    "/predict",
    (
        Batch("/v1/models/application:predict", contracts.as_instances),
        Batch("/v1/models/application:predict", contracts.as_instances, "as they come", mixed=True),
        Batch("/v2/models/application/infer", contracts.as_columns, "by columns"),
        Batch(
            "/v2/models/application/infer",
            contracts.as_columns_for_one,
            "by columns, probability alone",
        ),
    ),
    checks="types, bounds, levels, unknown and repeated members; every fault named",
    records="every decision, with its inputs, on standard output",
)
SHIPPED = replace(OURS, command=_peer(SCORING, "-m", "functions.scoring"), environment=SCORING)
UNRECORDED = replace(
    SHIPPED,
    name="surety, not recording",
    variables={"DECISION_LOG": "off"},
    records="nothing (`DECISION_LOG=off`)",
)
EMPTY_FUNCTION = Contestant(
    "empty function",
    _peer(
        SCORING,
        *("-m", "functions_framework", "--target=empty", "--host=127.0.0.1"),
        f"--source={PEERS.parent / 'empty_flask.py'}",
    ),
    "/",
)
EMPTY_ASGI = Contestant(
    "empty ASGI", _peer(SCORING, str(PEERS.parent / "empty_asgi.py"), "PORT"), "/"
)
FASTAPI = Contestant(
    "FastAPI + XGBoost",
    _peer("fastapi_xgboost", str(PEERS / "fastapi_xgboost.py"), "PORT"),
    "/predict",
    (Batch("/batch", contracts.as_instances),),
    environment="fastapi_xgboost",
    package="fastapi",
    checks="types, bounds, levels, unknown members",
)
FASTAPI_RECORDING = replace(
    FASTAPI,
    name="FastAPI + XGBoost, recording",
    command=(*FASTAPI.command, "record"),
    records="every decision, with its inputs, as a line of JSON on standard output",
)
PANDAS = Contestant(
    "pandas + scikit-learn",
    _peer(
        "pandas_sklearn",
        *("-m", "gunicorn", "--workers=1", "--keep-alive=60", "--threads=2"),
        *("--bind=127.0.0.1:PORT", f"--chdir={PEERS}", "pandas_sklearn:app"),
    ),
    "/predict",
    (Batch("/batch", contracts.as_instances),),
    environment="pandas_sklearn",
    package="scikit-learn",
)
LITSERVE = Contestant(
    "LitServe",
    _peer("litserve", str(PEERS / "litserve_xgboost.py"), "PORT"),
    "/predict",
    (Batch("/predict", contracts.as_instances),),
    environment="litserve",
    package="litserve",
    checks="types, bounds, levels, unknown members",
)
BENTOML = Contestant(
    "BentoML",
    _peer(
        "bentoml",
        *("-m", "bentoml", "serve", "bentoml_xgboost:Scoring", f"--working-dir={PEERS}"),
        *("--host=127.0.0.1", "--port=PORT"),
    ),
    "/predict",
    (Batch("/batch", contracts.as_instances),),
    one=contracts.as_argument,
    environment="bentoml",
    package="bentoml",
    checks="types, bounds, levels, unknown members",
)
MLSERVER = Contestant(
    "MLServer",
    (str(python_path("mlserver").with_name("mlserver")), "start", "FOLDER"),
    "/v2/models/application/infer",
    (Batch("/v2/models/application/infer", contracts.as_matrix, "by columns"),),
    one=contracts.as_matrix,
    environment="mlserver",
    package="mlserver",
    prepare=_peer("mlserver", str(PEERS / "mlserver_xgboost.py"), "FOLDER"),
    variables={
        "MLSERVER_HOST": "127.0.0.1",
        "MLSERVER_HTTP_PORT": "PORT",
        "MLSERVER_GRPC_PORT": "OTHER_PORT",
        "MLSERVER_METRICS_ENDPOINT": "",
        "MLSERVER_PARALLEL_WORKERS": "0",
        "MLSERVER_GZIP_ENABLED": "false",
        "MLSERVER_DEBUG": "false",
    },
    checks="the tensor's shape and type; features are computed and levels encoded by the client",
)
MLFLOW = Contestant(
    "MLflow",
    _peer(
        "mlflow",
        *("-m", "uvicorn", "mlflow.pyfunc.scoring_server.app:app", "--port=PORT"),
        *("--loop=uvloop", "--http=httptools", "--no-access-log", "--log-level=warning"),
    ),
    "/invocations",
    (Batch("/invocations", contracts.as_frame),),
    one=contracts.as_frame,
    environment="mlflow",
    package="mlflow-skinny",
    prepare=_peer("mlflow", str(PEERS / "mlflow_xgboost.py"), "FOLDER"),
    variables={"__pyfunc_model_path__": "FOLDER"},
    checks="the columns' names and types",
)
# Both recording, neither recording: comparisons on equal work.
EQUAL_WORK = (SHIPPED, FASTAPI_RECORDING, UNRECORDED, FASTAPI)
BESIDE_NOTHING = (SHIPPED, EMPTY_FUNCTION, EMPTY_ASGI, FASTAPI, PANDAS)
KEPT_RUNNING = (*BESIDE_NOTHING, UNRECORDED, FASTAPI_RECORDING)
BESIDE_PEERS = (*EQUAL_WORK, LITSERVE, BENTOML, MLSERVER, MLFLOW, PANDAS)
