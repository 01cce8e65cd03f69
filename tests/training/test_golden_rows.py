"""Golden rows prove a bundle was read rightly, and are nobody's."""

import numpy as np
import pandas as pd

from models.calibration import BetaCalibration
from models.estimators.families import Additive
from models.estimators.formula import Formula, Term, Value
from models.features import features
from models.policy import Cutoffs
from models.scorer import Scorer
from tests.support.toy import Toy
from training.baseline import fit_baseline
from training.golden_rows import ROWS, draw_golden_rows
from training.reading.row_validation import check_rows


def test_no_golden_row_is_a_training_row(toy_frame: pd.DataFrame) -> None:
    rows = check_rows(Toy, toy_frame, max_refused_share=0)
    names = tuple(f.name for f in features(Toy))
    terms = (Term(weight=1e-5, shapes=(Value(feature="debt", missing=0.0),)),)
    estimator = Additive("logistic", Formula(features=names, intercept=-1.0, terms=terms))
    baseline = fit_baseline(Toy, rows.columns, rows.labels)
    cutoffs = Cutoffs(approve_below=0.2, decline_from=0.4)
    scorer = Scorer.from_catalogue(Toy, estimator, BetaCalibration(), baseline, cutoffs)
    golden = draw_golden_rows(scorer, rows.columns, seed=1)
    trained_on = [row.model_dump() for row in rows.applications]
    assert len(golden.applications) == ROWS
    assert not [row for row in golden.applications if row in trained_on]
    assert np.isfinite(golden.log_odds).all()
