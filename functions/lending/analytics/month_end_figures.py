"""Figures of month ends: sums of what was recorded, as reported then or as restated since."""

from functions.lending.analytics.figures import BookFigure, FigureChoice
from functions.lending.analytics.month_end_sql import (
    BUCKETS,
    MONTH_ROWS,
    MOVEMENT,
    ROLLS,
)
from functions.lending.analytics.month_end_sql import CLASSES as CLASS_ROWS

MONTH = FigureChoice(
    description="A month such as 2026-01; without it, the last one recorded.", is_month=True
)
BASIS = FigureChoice(
    description="As reported at the first recording, or with what was posted later for the month.",
    values=("reported", "restated"),
    default="reported",
)
EVER = FigureChoice(
    description="More than so many days past due at any month end so far.",
    values=("30", "60", "90"),
    default="90",
)
ANY = {
    name: FigureChoice(description="Only loans of this one.")
    for name in ("product", "score_band", "model_version")
}
OF_MONTH = {"month": MONTH, "basis": BASIS}
# Of each month, the restated cells if there are any and they were asked for.
THIS_BASIS = """JOIN month_ends e ON e.month_end = c.month_end AND c.basis = CASE
    WHEN :basis = 'restated' AND e.restated_at IS NOT NULL THEN 'restated' ELSE 'reported' END"""


def _of_month(figure: str, order: str) -> str:
    return f"""
        WITH c AS (SELECT c.* FROM month_cells c {THIS_BASIS}
            WHERE c.month_end = :month AND c.figure = '{figure}'),
        total AS (SELECT sum(number) AS n, sum(amount) AS a FROM c)
        SELECT key AS {{key}}, sum(number) AS number, sum(amount) AS amount,
            {{of}} FROM c CROSS JOIN total GROUP BY key, total.n, total.a
        ORDER BY array_position(ARRAY[{order}], key)"""  # noqa: S608 -- constants


BUCKET_ORDER = "'current', '1-30', '31-60', '61-90', '90+', 'closed', 'written_off'"
CLASS_ORDER = "'standard', 'sma_0', 'sma_1', 'sma_2', 'sub_standard', 'doubtful_1', 'doubtful_2'"
MOVEMENTS = "'opening', 'slippages', 'upgrades', 'recoveries', 'write_offs', 'closing'"
SHARES = "total.n AS of_number, total.a AS of_amount"
NO_SHARES = "NULL::bigint AS of_number, NULL::numeric AS of_amount"
MONTH_AGEING = BookFigure(
    name="month-ageing",
    summary="Loans of a month end by age of their arrears",
    definition="Outstanding principal of the loans that were not closed or written off, by days "
    "past due at the end of the month.",
    keys=("bucket",),
    basis="month end",
    choices=OF_MONTH,
    lines=_of_month("bucket", BUCKET_ORDER).format(key="bucket", of=SHARES),
    members=f"SELECT loan_id, key AS bucket, amount FROM ({BUCKETS}) AS m",  # noqa: S608 -- likewise
)
MONTH_CLASSES = BookFigure(
    name="month-asset-classes",
    summary="Loans of a month end by asset class",
    definition="Outstanding principal of the loans that were not closed or written off, by the "
    "asset class at the end of the month.",
    keys=("asset_class",),
    basis="month end",
    choices=OF_MONTH,
    lines=_of_month("asset_class", CLASS_ORDER).format(key="asset_class", of=SHARES),
    members=f"SELECT loan_id, key AS asset_class, amount FROM ({CLASS_ROWS}) AS m",  # noqa: S608 -- likewise
)
NPA_MOVEMENT = BookFigure(
    name="npa-movement",
    summary="How the non-performing principal moved in a month",
    definition="opening + slippages - upgrades - recoveries - write_offs = closing, for each loan. "
    "A slippage is what a loan owes at the end of the month in which it became non-performing, "
    "and what was written off of it then. An upgrade is what a loan owed at the opening.",
    keys=("movement",),
    basis="month end",
    choices=OF_MONTH,
    lines=_of_month("movement", MOVEMENTS).format(key="movement", of=NO_SHARES),
    members=f"SELECT loan_id, key AS movement, amount FROM ({MOVEMENT}) AS m",  # noqa: S608 -- likewise
)
ROLL_RATES = BookFigure(
    name="roll-rates",
    summary="From which bucket to which the loans of a month moved",
    definition="Loans that were alive at the month end before, by their bucket then and now. "
    "Share: of the loans, and of the opening balance, that began in the same bucket.",
    keys=("from", "to"),
    basis="month end",
    choices=OF_MONTH,
    lines=f"""
        WITH c AS (SELECT c.* FROM roll_cells c {THIS_BASIS} WHERE c.month_end = :month)
        SELECT from_bucket AS "from", to_bucket AS "to", sum(number) AS number,
            sum(opening) AS amount,
            CAST(sum(sum(number)) OVER (PARTITION BY from_bucket) AS bigint) AS of_number,
            sum(sum(opening)) OVER (PARTITION BY from_bucket) AS of_amount
        FROM c GROUP BY from_bucket, to_bucket
        ORDER BY array_position(ARRAY[{BUCKET_ORDER}], from_bucket),
            array_position(ARRAY[{BUCKET_ORDER}], to_bucket)""",  # noqa: S608 -- likewise
    members=f"""SELECT loan_id, from_bucket AS "from", to_bucket AS "to", amount
        FROM ({ROLLS}) AS m""",  # noqa: S608 -- likewise
)
CURE_RATES = BookFigure(
    name="cure-rates",
    summary="Which share of late loans was current or repaid a month later",
    definition="Loans that were late at the month end before, and are current or closed now. "
    "Share: of the loans, and of the opening balance, that began in the same bucket.",
    keys=("from",),
    basis="month end",
    choices=OF_MONTH,
    lines=f"""
        WITH c AS (SELECT c.* FROM roll_cells c {THIS_BASIS}
            WHERE c.month_end = :month AND from_bucket <> 'current')
        SELECT from_bucket AS "from",
            coalesce(sum(number) FILTER (WHERE to_bucket IN ('current', 'closed')), 0) AS number,
            coalesce(sum(opening) FILTER (WHERE to_bucket IN ('current', 'closed')), 0) AS amount,
            sum(number) AS of_number, sum(opening) AS of_amount
        FROM c GROUP BY from_bucket ORDER BY array_position(ARRAY[{BUCKET_ORDER}], from_bucket)""",  # noqa: S608 -- likewise
    members=f"""SELECT loan_id, from_bucket AS "from", amount FROM ({ROLLS}) AS m
        WHERE from_bucket IN ('1-30', '31-60', '61-90', '90+')
            AND to_bucket IN ('current', 'closed')""",  # noqa: S608 -- likewise
)
# Cohorts that were paid out before the first recorded month have months nobody looked at.
CURVES = f"""
    WITH c AS (SELECT c.*, CAST(c.product_id AS text) AS product FROM vintage_cells c {THIS_BASIS}
        WHERE c.month_end <= :month AND c.cohort >= (SELECT date_trunc('month', min(month_end))
            FROM month_ends)
        AND (CAST(:product AS text) IS NULL OR CAST(c.product_id AS text) = :product)
        AND (CAST(:score_band AS text) IS NULL OR c.score_band = :score_band)
        AND (CAST(:model_version AS text) IS NULL OR c.model_version = :model_version))"""  # noqa: S608 -- likewise
EVER_SUMS = """CAST(sum(CASE :ever WHEN '30' THEN ever_30 WHEN '60' THEN ever_60 ELSE ever_90 END)
        AS bigint) AS number,
    sum(CASE :ever WHEN '30' THEN ever_30_amount WHEN '60' THEN ever_60_amount
        ELSE ever_90_amount END) AS amount,
    CAST(sum(loans) AS bigint) AS of_number, sum(c.amount) AS of_amount"""
CHOSEN = """
    AND (CAST(:product AS text) IS NULL OR CAST(product_id AS text) = :product)
    AND (CAST(:score_band AS text) IS NULL OR score_band = :score_band)
    AND (CAST(:model_version AS text) IS NULL OR model_version = :model_version)"""
VINTAGES = BookFigure(
    name="vintages",
    summary="Ever-30, ever-60 or ever-90 curves by months on book",
    definition="Of all loans that were paid out in a month (the cohort), those that were more than "
    "so many days past due at any month end so far, or written off; amounts are what was paid "
    "out. Months on book count from the month of disbursement, which is 0. A cohort has no point "
    "beyond the last recorded month, and no cohort is older than the first.",
    keys=("cohort", "months_on_book"),
    basis="month end",
    choices={**OF_MONTH, "ever": EVER, **ANY},
    lines=f"""
        {CURVES} SELECT to_char(cohort, 'YYYY-MM') AS cohort,
            CAST(months_on_book AS text) AS months_on_book, {EVER_SUMS}
        FROM c GROUP BY c.cohort, c.months_on_book ORDER BY c.cohort, c.months_on_book""",  # noqa: S608 -- likewise
    members=f"""
        SELECT loan_id, to_char(cohort, 'YYYY-MM') AS cohort,
            CAST(months_on_book AS text) AS months_on_book, disbursed AS amount
        FROM ({MONTH_ROWS.replace(":month", ":point")}) AS m
        WHERE worst_days_past_due > 30 AND worst_days_past_due > CAST(:ever AS integer) {CHOSEN}""",  # noqa: S608 -- likewise
)
COHORTS = BookFigure(
    name="cohorts",
    summary="How cohorts have done: by month of origination, product, score band, model version",
    definition="Of all loans of a cohort that are on record at the month end, those that were ever "
    "more than so many days past due at a month end, or written off; amounts are what was paid "
    "out. Only loans that were paid out since the first recorded month.",
    keys=("value",),
    basis="month end",
    choices={
        **OF_MONTH,
        "ever": EVER,
        "by": FigureChoice(
            description="What makes a cohort.",
            values=("origination_month", "product", "score_band", "model_version"),
            default="origination_month",
        ),
        **ANY,
    },
    columns={
        "origination_month": "to_char(cohort, 'YYYY-MM')",
        "product": "CAST(product_id AS text)",
        "score_band": "score_band",
        "model_version": "model_version",
    },
    lines=f"""
        {CURVES} SELECT {{column}} AS value, {EVER_SUMS} FROM c WHERE c.month_end = :month
        GROUP BY {{column}} ORDER BY 1""",  # noqa: S608 -- likewise
    members=f"""
        SELECT loan_id, {{column}} AS value, disbursed AS amount FROM ({MONTH_ROWS}) AS m
        WHERE worst_days_past_due > 30 AND worst_days_past_due > CAST(:ever AS integer) {CHOSEN}
            AND cohort >= (SELECT date_trunc('month', min(month_end)) FROM month_ends)""",  # noqa: S608 -- likewise
)
MONTH_END_FIGURES = (
    *(MONTH_AGEING, MONTH_CLASSES, NPA_MOVEMENT, ROLL_RATES, CURE_RATES, VINTAGES, COHORTS),
)
