"""The fit of an engine: here, or on a cluster of Dask."""

from xgboost import Booster, XGBClassifier

from training.streaming.large_fit import Boosting, fit_here
from training.streaming.preparation import LargeFit


def fit_large(classify: XGBClassifier, large: LargeFit, threads: int) -> Booster:
    """Fit a classifier's trees to the rows of a large fit, where its engine says.

    Raises
    ------
    ClusterError
        If the cluster cannot be reached, or one of its workers fails.
    """
    boosting = Boosting.from_classifier(classify, threads)
    if large.engine.name != "dask":
        return fit_here(boosting, large.selected)
    # Dask is optional, and only this engine needs it.
    from training.streaming.dask_fit import fit_on_cluster  # noqa: PLC0415

    return fit_on_cluster(boosting, large.selected, large.engine.scheduler)
