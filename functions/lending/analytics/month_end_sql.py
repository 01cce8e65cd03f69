"""Statements of month ends: rows of loans at the end of a month, and the cells that sum them up."""

from collections.abc import Mapping

# Loans that stand today as they stood at the end of the month: nothing was derived since.
STANDING = """
SELECT l.id AS loan_id, l.status, l.disbursed, l.outstanding_principal AS outstanding,
    l.due_principal + l.due_interest + l.due_fees + l.due_penal_charges AS arrears,
    l.written_off_principal AS written_off, l.days_past_due, l.asset_class,
    CASE WHEN l.status = 'active' THEN l.npa_since END AS npa_since, l.rule_set,
    NULL::date AS cohort, 0::smallint AS revision
FROM loans l WHERE l.as_of <= :month AND l.disbursed > 0
"""
# Loans that were derived from their facts, as one value.
DERIVED = """
SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (loan_id uuid, status text,
    disbursed numeric, outstanding numeric, arrears numeric, written_off numeric,
    days_past_due integer, asset_class text, npa_since date, rule_set text, cohort date,
    revision smallint)
"""
REPORTED_BEFORE = "SELECT * FROM loan_months WHERE month_end = :previous AND revision = 0"
RESTATED_BEFORE = """
SELECT DISTINCT ON (loan_id) * FROM loan_months WHERE month_end = :previous
    AND loan_id = ANY (CAST(:loans AS uuid[])) ORDER BY loan_id, revision DESC
"""
# A loan that was written off was 90 days late in every sense that matters to a vintage.
ROWS = """
SELECT CAST(:month AS date) AS month_end, s.loan_id, s.revision, l.branch_id, l.customer_id,
    l.product_id, c.cohort, CAST(12 * (extract(year FROM CAST(:month AS date))
        - extract(year FROM c.cohort)) + extract(month FROM CAST(:month AS date))
        - extract(month FROM c.cohort) AS smallint) AS months_on_book,
    o.score_band, o.model_version, s.disbursed, s.outstanding, s.arrears, s.written_off,
    s.days_past_due, greatest(p.worst_days_past_due, s.days_past_due,
        CASE WHEN b.bucket = 'written_off' THEN 91 END) AS worst_days_past_due,
    b.bucket, s.asset_class, s.npa_since, s.rule_set, p.bucket AS previous_bucket,
    p.outstanding AS previous_outstanding, p.written_off AS previous_written_off,
    p.npa_since IS NOT NULL AS previous_npa, CAST(:recorded_on AS date) AS recorded_on
FROM ({stands}) s JOIN loans l ON l.id = s.loan_id JOIN loan_origins o ON o.loan_id = l.id
    LEFT JOIN ({previous}) p ON p.loan_id = s.loan_id
    CROSS JOIN LATERAL (SELECT arrears_bucket(s.status, s.days_past_due) AS bucket) b
    CROSS JOIN LATERAL (SELECT CAST(date_trunc('month', coalesce(s.cohort, p.cohort,
        (SELECT max(d.value_date) FROM disbursements d WHERE d.loan_id = s.loan_id AND NOT EXISTS (
            SELECT FROM adjustments a WHERE a.loan_id = d.loan_id AND a.reverses = d.reference))
        )) AS date) AS cohort) c
"""
RECORD = f"INSERT INTO loan_months {ROWS.format(stands=STANDING, previous=REPORTED_BEFORE)}"
RECORD_DERIVED = f"INSERT INTO loan_months {ROWS.format(stands=DERIVED, previous=REPORTED_BEFORE)}"
# What differs from the last revision, in a column that a figure reads.
COMPARED = (
    *("disbursed", "outstanding", "arrears", "written_off", "days_past_due"),
    *("worst_days_past_due", "bucket", "asset_class", "npa_since", "previous_bucket"),
    *("previous_outstanding", "previous_written_off", "previous_npa", "months_on_book"),
)
_NEW = ", ".join(f"n.{name}" for name in COMPARED)
_LAST = ", ".join(f"r.{name}" for name in COMPARED)
RESTATE = f"""
INSERT INTO loan_months SELECT n.* FROM ({ROWS.format(stands=DERIVED, previous=RESTATED_BEFORE)}) n
    LEFT JOIN loan_months r ON r.month_end = :month AND r.loan_id = n.loan_id
        AND r.revision = n.revision - 1
    WHERE ({_NEW}) IS DISTINCT FROM ({_LAST}) AND (n.disbursed > 0 OR r.loan_id IS NOT NULL)
"""  # noqa: S608 -- likewise
# The rows of a month, as reported or as restated. Conditions on them reach the indexes.
MONTH_ROWS = """
SELECT r.* FROM loan_months r WHERE r.month_end = :month AND r.disbursed > 0
    AND (:basis = 'restated' OR r.revision = 0) AND (:basis <> 'restated' OR NOT EXISTS (
        SELECT FROM loan_months n WHERE n.month_end = r.month_end AND n.loan_id = r.loan_id
            AND n.revision > r.revision))
"""
# Opening + slippages - upgrades - recoveries - write-offs = closing, for each loan: what a loan
# that stays non-performing or ends has lost and was not written off was recovered.
MOVEMENT = f"""
SELECT loan_id, branch_id, v.key, v.amount FROM ({MONTH_ROWS}) m
    CROSS JOIN LATERAL (SELECT
        coalesce(previous_npa, false) AS was, npa_since IS NOT NULL AS is_npa,
        CASE WHEN previous_npa THEN previous_outstanding ELSE 0 END AS opening,
        CASE WHEN npa_since IS NOT NULL THEN outstanding ELSE 0 END AS closing,
        written_off - coalesce(previous_written_off, 0) AS lost,
        bucket IN ('closed', 'written_off') AS has_ended) AS s
    CROSS JOIN LATERAL (VALUES ('opening', opening),
        ('slippages', CASE WHEN NOT was THEN closing + lost END),
        ('upgrades', CASE WHEN was AND NOT is_npa AND NOT has_ended THEN opening - lost END),
        ('recoveries', CASE WHEN was AND (is_npa OR has_ended) THEN opening - closing - lost END),
        ('write_offs', lost), ('closing', closing)) AS v (key, amount)
    WHERE v.amount <> 0
"""  # noqa: S608 -- likewise
BUCKETS = f"""
SELECT loan_id, branch_id, bucket AS key, outstanding AS amount FROM ({MONTH_ROWS}) m
    WHERE bucket NOT IN ('closed', 'written_off')
"""  # noqa: S608 -- likewise
CLASSES = f"""
SELECT loan_id, branch_id, asset_class AS key, outstanding AS amount FROM ({MONTH_ROWS}) m
    WHERE bucket NOT IN ('closed', 'written_off')
"""  # noqa: S608 -- likewise
ROLLS = f"""
SELECT loan_id, branch_id, previous_bucket AS from_bucket, bucket AS to_bucket,
    previous_outstanding AS amount FROM ({MONTH_ROWS}) m
    WHERE previous_bucket NOT IN ('closed', 'written_off')
"""  # noqa: S608 -- likewise
MEMBERS: Mapping[str, str] = {"movement": MOVEMENT, "bucket": BUCKETS, "asset_class": CLASSES}
NEEDS_PREVIOUS = frozenset({"movement"})
MONTH_CELLS = """
INSERT INTO month_cells SELECT :month, :basis, branch_id, :figure, key, count(*), sum(amount)
    FROM ({members}) AS members GROUP BY branch_id, key
"""
ROLL_CELLS = f"""
INSERT INTO roll_cells
    SELECT :month, :basis, branch_id, from_bucket, to_bucket, count(*), sum(amount)
    FROM ({ROLLS}) AS members GROUP BY branch_id, from_bucket, to_bucket
"""  # noqa: S608 -- likewise
_EVER = ", ".join(
    f"{what} FILTER (WHERE worst_days_past_due > {days})"
    for what in ("count(*)", "sum(disbursed)")
    for days in (30, 60, 90)
)
VINTAGE_CELLS = f"""
INSERT INTO vintage_cells SELECT :month, :basis, branch_id, product_id, cohort, months_on_book,
        score_band, model_version, n, amount, e30, e60, e90, coalesce(a30, 0), coalesce(a60, 0),
        coalesce(a90, 0)
    FROM (SELECT branch_id, product_id, cohort, months_on_book, score_band, model_version,
        count(*), sum(disbursed), {_EVER} FROM ({MONTH_ROWS}) m
        GROUP BY branch_id, product_id, cohort, months_on_book, score_band, model_version) AS sums
        (branch_id, product_id, cohort, months_on_book, score_band, model_version, n, amount,
            e30, e60, e90, a30, a60, a90)
"""  # noqa: S608 -- likewise
# Borrowers for whom something was posted in a month that counts on a day before it, and that day;
# and those of whom the month before has another worst day, as restated, to be carried on.
BACK_DATED = """
WITH posted AS (
    SELECT loan_id, value_date FROM (
        SELECT loan_id, value_date, business_date FROM disbursements
        UNION ALL SELECT loan_id, value_date, business_date FROM repayments
        UNION ALL SELECT loan_id, value_date, business_date FROM charges
        UNION ALL SELECT loan_id, value_date, business_date FROM adjustments
            WHERE kind <> 'reversal') AS facts
    WHERE business_date > :previous AND business_date <= :month AND value_date <= :previous
    UNION ALL SELECT a.loan_id, f.value_date FROM adjustments a JOIN (
        SELECT loan_id, reference, value_date FROM disbursements
        UNION ALL SELECT loan_id, reference, value_date FROM repayments
        UNION ALL SELECT loan_id, reference, value_date FROM charges
        UNION ALL SELECT loan_id, reference, value_date FROM adjustments) AS f
        ON f.loan_id = a.loan_id AND f.reference = a.reverses
    WHERE a.kind = 'reversal' AND a.business_date > :previous AND a.business_date <= :month
        AND f.value_date <= :previous
)
SELECT customer_id, min(since) AS since FROM (
    SELECT l.customer_id, p.value_date AS since FROM posted p JOIN loans l ON l.id = p.loan_id
    UNION ALL SELECT r.customer_id, CAST(:month AS date) FROM loan_months r
        JOIN loan_months z USING (month_end, loan_id)
    WHERE month_end = :previous AND z.revision = 0 AND r.revision > 0
        AND r.worst_days_past_due <> z.worst_days_past_due) AS affected
GROUP BY customer_id ORDER BY customer_id
"""
