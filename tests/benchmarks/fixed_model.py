"""The fixed benchmark model: 300 trees of depth 5 on the 17 fields of `application`, seeded."""

from datetime import UTC, datetime
from pathlib import Path

from xgboost import XGBClassifier

from models.calibration import BetaCalibration
from models.catalogue.application import Application
from models.estimators.families import estimator_from_bytes
from models.features import columns_from_applications, matrix_from_columns
from models.policy import Cutoffs
from models.registry.bundle import Bundle, Figures, Provenance, build_manifest
from models.registry.pointer import Author, promote
from models.registry.versions import publish
from models.reliability import measure_reliability
from models.scorer import Scorer, probabilities_from_log_odds
from models.stores.uri import open_store
from training.baseline import fit_baseline, spreads_from_matrix
from training.golden_rows import draw_golden_rows
from training.reading.row_validation import check_rows
from training.synthetic.application import generate


def publish_benchmark_model(store_uri: str, model_file: Path) -> None:
    """Publish the model for us, and write its trees to a file for the peers."""
    rows = check_rows(Application, generate(10_000, seed=1), max_refused_share=0)
    matrix = matrix_from_columns(
        Application, columns_from_applications(Application, rows.applications)
    )
    fitted = XGBClassifier(n_estimators=300, max_depth=5, random_state=1).fit(matrix, rows.labels)
    estimator = estimator_from_bytes("xgboost", bytes(fitted.get_booster().save_raw("ubj")))
    model_file.write_bytes(estimator.to_bytes())
    provenance = Provenance(
        data_sha256=rows.fingerprint(),
        rows=10_000,
        rows_refused=0,
        rows_train=10_000,
        rows_test=0,
        bads_test=0,
        seed=1,
        threads=1,
        libraries={},
    )
    reference = fit_baseline(Application, rows.columns, rows.labels)
    policy = Cutoffs(approve_below=0.3, decline_from=0.6)
    scorer = Scorer.from_catalogue(Application, estimator, BetaCalibration(), reference, policy)
    golden = draw_golden_rows(scorer, rows.columns, seed=1)
    probabilities = probabilities_from_log_odds(scorer.log_odds(rows.applications))
    measured = measure_reliability(rows.labels, probabilities, confidence=0.95, seed=1)
    figures = Figures(
        scorer.calibration, policy, {}, measured, spreads_from_matrix(Application, matrix)
    )
    manifest = build_manifest(Application, "xgboost", figures, provenance)
    store, now = open_store(store_uri), datetime.now(UTC)
    bundle = Bundle(manifest, estimator, golden, reference).to_bytes()
    version = publish(store, "application", bundle, {}, now)
    promote(store, "application", version, Author("benchmark", now))
