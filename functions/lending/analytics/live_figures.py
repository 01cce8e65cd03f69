"""Figures of the book as it stands: sums of cells and of indexed rows, exact at every moment."""

from collections.abc import Mapping

from functions.lending.analytics.early_warnings import FOLLOWED, SNOOZED
from functions.lending.analytics.figures import BookFigure, FigureChoice

TOP = FigureChoice(description="How many lines at most.", bounds=(1, 200), default="20")
BOOK = """book AS (SELECT coalesce(sum(number), 0) AS n, coalesce(sum(outstanding), 0) AS a
    FROM loan_cells WHERE status = 'active')"""
MONTH_END = "the figure is of the open day; GET /v1/portfolio/{}?month=2026-01 has month ends"
AT_RISK = BookFigure(
    name="par",
    past=MONTH_END.format("month-ageing"),
    summary="Portfolio at risk: PAR 30, 60 and 90",
    definition="The outstanding principal of active loans more than 30, 60 or 90 days past due; "
    "the whole balance of such a loan counts. Of all active loans.",
    keys=("days",),
    basis="now",
    lines=f"""
        WITH {BOOK}, late AS (SELECT t.days, count(*) AS n, sum(outstanding_principal) AS a
            FROM loans JOIN (VALUES (30), (60), (90)) AS t (days) ON days_past_due > t.days
            WHERE status = 'active' AND days_past_due > 30 GROUP BY t.days)
        SELECT CAST(t.days AS text) AS days, coalesce(late.n, 0) AS number,
            coalesce(late.a, 0) AS amount, book.n AS of_number, book.a AS of_amount
        FROM (VALUES (30), (60), (90)) AS t (days) LEFT JOIN late USING (days) CROSS JOIN book
        ORDER BY t.days""",  # noqa: S608 -- constants
    members="""
        SELECT id AS loan_id, CAST(t.days AS text) AS days, outstanding_principal AS amount
        FROM loans JOIN (VALUES (30), (60), (90)) AS t (days) ON days_past_due > t.days
        WHERE status = 'active' AND days_past_due > 30""",
)
BUCKET = """CASE WHEN days_past_due = 0 THEN 'current' WHEN days_past_due <= 30 THEN '1-30'
    WHEN days_past_due <= 60 THEN '31-60' WHEN days_past_due <= 90 THEN '61-90'
    WHEN days_past_due <= 180 THEN '91-180' WHEN days_past_due <= 365 THEN '181-365'
    ELSE 'over-365' END"""
ORDER = "ARRAY['current', '1-30', '31-60', '61-90', '91-180', '181-365', 'over-365']"
MEASURE = """CASE CAST(:measure AS text) WHEN 'arrears' THEN due_principal + due_interest
    ELSE outstanding_principal END"""
AGEING = BookFigure(
    name="ageing",
    past=MONTH_END.format("month-ageing"),
    summary="Active loans by age of their arrears",
    definition="Outstanding principal of active loans by days past due; with measure=arrears, "
    "their overdue principal and interest.",
    keys=("bucket",),
    basis="now",
    choices={
        "measure": FigureChoice(
            description="What is summed.", values=("outstanding", "arrears"), default="outstanding"
        )
    },
    lines=f"""
        WITH {BOOK}, late AS (SELECT {BUCKET} AS bucket, count(*) AS n, sum({MEASURE}) AS a,
                sum(outstanding_principal) AS o
            FROM loans WHERE status = 'active' AND days_past_due > 0 GROUP BY 1),
        rest AS (SELECT coalesce(sum(n), 0) AS n, coalesce(sum(a), 0) AS a,
            coalesce(sum(o), 0) AS o FROM late),
        every AS (SELECT 'current' AS bucket, book.n - rest.n AS n,
                CASE CAST(:measure AS text) WHEN 'arrears' THEN 0 ELSE book.a - rest.o END AS a
            FROM book CROSS JOIN rest UNION ALL SELECT bucket, n, a FROM late)
        SELECT bucket, every.n AS number, every.a AS amount, book.n AS of_number,
            CASE CAST(:measure AS text) WHEN 'arrears' THEN rest.a ELSE book.a END AS of_amount
        FROM every CROSS JOIN book CROSS JOIN rest ORDER BY array_position({ORDER}, bucket)""",  # noqa: S608 -- likewise
    members=f"""
        SELECT id AS loan_id, {BUCKET} AS bucket, {MEASURE} AS amount
        FROM loans WHERE status = 'active'""",  # noqa: S608 -- likewise
)
CLASSES = BookFigure(
    name="asset-classes",
    past=MONTH_END.format("month-asset-classes"),
    summary="Active loans by asset class",
    definition="Outstanding principal of active loans by the classes of their rule set.",
    keys=("asset_class",),
    basis="now",
    lines=f"""
        WITH {BOOK} SELECT asset_class, sum(number) AS number, sum(outstanding) AS amount,
            book.n AS of_number, book.a AS of_amount
        FROM loan_cells CROSS JOIN book WHERE status = 'active'
        GROUP BY asset_class, book.n, book.a HAVING sum(number) <> 0 ORDER BY asset_class""",  # noqa: S608 -- likewise
    members="""
        SELECT id AS loan_id, asset_class, outstanding_principal AS amount
        FROM loans WHERE status = 'active'""",
)
COLLECTION = BookFigure(
    name="collection-efficiency",
    past="its lines are past months, as many as `months` says",
    summary="What was met of what fell due, by month",
    definition="Interest and principal of the instalments that fell due in a month, up to the "
    "business date, and what of it is met by now: in money or given up. Number: instalments.",
    keys=("month",),
    basis="now",
    choices={
        "months": FigureChoice(
            description="How many months, the newest last.", bounds=(1, 240), default="12"
        )
    },
    lines="""
        SELECT * FROM (
            SELECT to_char(due_on, 'YYYY-MM') AS month, sum(number) AS number, sum(met) AS amount,
                NULL::bigint AS of_number, sum(demanded) AS of_amount
            FROM due_cells WHERE due_on <= :day GROUP BY 1 HAVING sum(number) <> 0
            ORDER BY 1 DESC LIMIT CAST(:months AS integer)) AS newest ORDER BY month""",
    members="""
        SELECT loan_id, CAST(:key_month AS text) AS month,
            interest + principal - unpaid_interest - unpaid_principal AS amount
        FROM instalments WHERE due_on <= :day AND due_on >= to_date(:key_month, 'YYYY-MM')
            AND due_on < to_date(:key_month, 'YYYY-MM') + interval '1 month'""",
)
DIMENSIONS: Mapping[str, str] = {
    "purpose": "l.purpose",
    **{
        name: f"o.{name}"
        for name in (
            *("state", "city", "employer", "employment_type", "income_band", "score_band"),
            "model_version",
        )
    },
}
CONCENTRATION = BookFigure(
    name="concentration",
    summary="Exposures by segment, by employer, and of the largest borrowers",
    definition="Outstanding principal by segment, the largest first. A segment is that of the "
    "grant. The index is Herfindahl's: the sum of squared shares of all segments, times 10,000.",
    keys=("value",),
    basis="now",
    choices={
        "by": FigureChoice(
            description="The segment.", values=(*DIMENSIONS, "borrower"), default="purpose"
        ),
        "top": TOP,
    },
    columns=DIMENSIONS,
    lines="""
        WITH segments AS (SELECT value, sum(number) AS n, sum(outstanding) AS a FROM segment_cells
            WHERE dimension = :by GROUP BY value HAVING sum(outstanding) <> 0),
        total AS (SELECT sum(n) AS n, sum(a) AS a,
            round(10000 * sum(a * a) / nullif(sum(a) * sum(a), 0), 4) AS hhi FROM segments)
        SELECT value, s.n AS number, s.a AS amount, total.n AS of_number, total.a AS of_amount,
            total.hhi AS index
        FROM segments s CROSS JOIN total ORDER BY s.a DESC, value LIMIT CAST(:top AS integer)""",
    variants={
        "borrower": """
        WITH total AS (SELECT sum(outstanding) AS a,
            round(10000 * sum(squares) / nullif(sum(outstanding) * sum(outstanding), 0), 4) AS hhi
            FROM segment_cells WHERE dimension = 'borrower'),
        loans_now AS (SELECT sum(number) AS n FROM segment_cells WHERE dimension = 'purpose')
        SELECT CAST(customer_id AS text) AS value, b.number,
            b.outstanding AS amount, loans_now.n AS of_number, total.a AS of_amount,
            total.hhi AS index
        FROM borrower_exposures b CROSS JOIN total CROSS JOIN loans_now WHERE b.outstanding > 0
        ORDER BY b.outstanding DESC, customer_id LIMIT CAST(:top AS integer)"""
    },
    member_variants={
        "borrower": """
        SELECT id AS loan_id, CAST(customer_id AS text) AS value, outstanding_principal AS amount
        FROM loans WHERE outstanding_principal > 0 AND customer_id = CASE
            WHEN :key_value ~ '^[0-9]{1,18}$' THEN CAST(:key_value AS bigint) END"""
    },
    members="""
        SELECT l.id AS loan_id, {column} AS value, l.outstanding_principal AS amount
        FROM loans l JOIN loan_origins o ON o.loan_id = l.id WHERE l.outstanding_principal > 0""",
)
# Each limit by itself, so that the planner knows how few loans it lets through.
TURNING = " UNION ALL ".join(
    f"""SELECT id AS loan_id, '{days}' AS days, outstanding_principal AS amount
        FROM loans WHERE turns_npa_on <= CAST(:day AS date) + {days}"""  # noqa: S608 -- likewise
    for days in (7, 30)
)
NEXT_NPA = BookFigure(
    name="next-npa",
    summary="Loans that become non-performing within 7 and 30 days if nothing is paid",
    definition="Active, performing loans whose oldest unpaid instalment reaches the rule set's "
    "limit within the days after the business date; where the rule set counts by borrower, all "
    "loans of such a borrower.",
    keys=("days",),
    basis="now",
    lines=f"""
        SELECT d.days, count(t.loan_id) AS number, coalesce(sum(t.amount), 0) AS amount,
            NULL::bigint AS of_number, NULL::numeric AS of_amount
        FROM (VALUES ('7'), ('30')) AS d (days) LEFT JOIN ({TURNING}) t USING (days)
        GROUP BY d.days ORDER BY CAST(d.days AS integer)""",  # noqa: S608 -- likewise
    members=TURNING,
)
EARLY_WARNING = BookFigure(
    name="early-warning",
    summary="Loans to look at before they are lost, by reason",
    definition="Outstanding principal of active loans by reason, as of the last close, without "
    "warnings that are snoozed. A loan may stand under several reasons. Each line says what the "
    "reason means, and what to do next.",
    keys=("reason",),
    basis="last close",
    choices={
        "snoozed": FigureChoice(
            description="Whether warnings that are snoozed count.", values=SNOOZED, default="no"
        ),
        "owner": FigureChoice(description="Only what this person follows up."),
    },
    lines=f"""
        WITH {BOOK} SELECT reason, count(*) AS number, sum(outstanding) AS amount,
            book.n AS of_number, book.a AS of_amount
        FROM (SELECT reason, outstanding FROM {FOLLOWED}) AS warned CROSS JOIN book
        GROUP BY reason, book.n, book.a ORDER BY reason""",  # noqa: S608 -- likewise
    members=f"SELECT loan_id, reason, outstanding AS amount FROM {FOLLOWED}",  # noqa: S608 -- likewise
)
LIVE_FIGURES = (*(AT_RISK, AGEING, CLASSES, COLLECTION, CONCENTRATION, NEXT_NPA, EARLY_WARNING),)
