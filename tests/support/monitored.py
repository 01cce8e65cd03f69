"""A small champion in a store, and applicants that it has not seen, to be monitored."""

import shutil
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from models.registry.pointer import Pointer, find_pointer
from models.registry.serving import LoadedVersion, load_version
from models.stores.store import Store
from models.stores.uri import open_store
from tests.support.toy import Toy
from training.cli import main
from training.parts import Part, part_from_rows
from training.reading.data import DataRequest, read_data
from training.reading.options import DataOptions

LAST = date(2026, 11, 28)
DAYS = tuple(LAST - timedelta(days=27 - i) for i in range(28))


@dataclass(frozen=True)
class Champion:
    """A store with a champion of the toy model, and rows of the same population for it."""

    folder: Path
    store: Store
    pointer: Pointer
    loaded: LoadedVersion
    part: Part

    def copy(self, folder: Path) -> "Champion":
        """Return the same champion in a store of its own."""
        shutil.copytree(self.folder / "store", folder / "store")
        store = open_store((folder / "store").as_uri())
        return replace(self, folder=folder, store=store)

    @property
    def environment(self) -> dict[str, str]:
        """What the commands read."""
        return {
            "CREDIT_MODELS": "tests.support.toy",
            "MODEL_STORE": (self.folder / "store").as_uri(),
        }


def toy_rows(n: int) -> pd.DataFrame:
    """Rows of the toy model whose outcome depends on what its signs say."""
    random = np.random.default_rng(11)
    frame = pd.DataFrame(
        {
            "age": random.integers(18, 80, n),
            "income": random.lognormal(10.5, 0.5, n).clip(1_000, 1e6).round(2),
            "debt": random.lognormal(9.5, 0.8, n).clip(0, 1e6).round(2),
            "home": random.choice(["own", "rent"], n),
            "months_since_default": random.choice([np.nan, -7, 3, 12, 60], n),
        }
    )
    logit = -2 + 2.5 * frame["debt"] / frame["income"] + 0.6 * (frame["home"] == "rent")
    frame["is_default"] = random.binomial(1, 1 / (1 + np.exp(-logit)))
    return frame


def train_champion(folder: Path, frame: pd.DataFrame) -> Champion:
    """Train and publish the champion, as the command does, on the first 4,000 rows."""
    frame[:4_000].to_parquet(folder / "train.parquet")
    frame[4_000:].to_parquet(folder / "later.parquet")
    uri = (folder / "store").as_uri()
    environment = {"CREDIT_MODELS": "tests.support.toy", "MODEL_STORE": uri}
    data = str(folder / "train.parquet")
    assert (
        main(["train", "--model", "toy", "--data", data, "--family", "logistic"], environment) == 0
    )
    store = open_store(uri)
    pointer = find_pointer(store, "toy")
    assert pointer is not None
    options = DataOptions(values={"data": str(folder / "later.parquet")})
    rows = read_data(Toy, DataRequest(options=options, seed=1)).rows
    return Champion(
        folder=folder,
        store=store,
        pointer=pointer,
        loaded=load_version(store, Toy, pointer.champion),
        part=part_from_rows(rows, only_held=False),
    )
