"""Fit XGBoost on Spark to the rows of a credit model, with its checks, features and signs."""

import sys
from collections.abc import Iterator

import pandas as pd
from pyspark.sql import SparkSession
from xgboost.spark import SparkXGBClassifier

from models.catalogue.application import Application as Model
from models.features import columns_from_fields, features, matrix_from_columns
from training.reading.row_validation import check_rows

NAMES = [f"feature_{number}" for number in range(len(features(Model)))]


def matrix_from_rows(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Check rows and compute their features, as training and serving do."""
    for frame in frames:
        rows = check_rows(Model, frame, max_refused_share=0.01)
        columns = columns_from_fields(Model, rows.columns)
        matrix = matrix_from_columns(Model, columns).astype("float32")
        yield pd.DataFrame(matrix, columns=NAMES).assign(label=rows.labels.astype("float32"))


data, output, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])
spark = SparkSession.builder.getOrCreate()
schema = ", ".join(f"{name} float" for name in [*NAMES, "label"])
table = spark.read.parquet(data).mapInPandas(matrix_from_rows, schema)
signs = tuple(feature.sign for feature in features(Model))
classifier = SparkXGBClassifier(
    features_col=NAMES,
    label_col="label",
    num_workers=workers,
    n_estimators=400,
    learning_rate=0.03,
    max_depth=4,
    monotone_constraints=str(signs),
    enable_sparse_data_optim=False,
)
classifier.fit(table).get_booster().save_model(output)
spark.stop()
