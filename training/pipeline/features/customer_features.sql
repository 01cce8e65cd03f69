-- Features of customers as of a date: what was known before it, and nothing of that day or later.
-- One row for each date of `feature_days` (as_of) and each customer who was known then.
--
-- Every table keeps each version of a row with the day it arrived. A version holds from the day
-- after it arrived until the day the next one did, so nothing that came later can be seen. Money
-- is added in whole cents: sums of doubles would depend on the order of the rows.
WITH
observations AS (
    SELECT DISTINCT c.customer_id, d.as_of
    FROM feature_days AS d
    INNER JOIN customers AS c ON c.day < d.as_of
),
customer_versions AS (
    SELECT
        customer_id, birth_date, annual_income, employed_since, education, region, day,
        LEAD(day) OVER (PARTITION BY customer_id ORDER BY day) AS superseded_on
    FROM customers
),
account_versions AS (
    SELECT
        account_id, customer_id, kind, opened_on, closed_on, day,
        CAST(ROUND(credit_limit * 100) AS BIGINT) AS limit_cents,
        CAST(ROUND(balance * 100) AS BIGINT) AS balance_cents,
        LEAD(day) OVER (PARTITION BY account_id ORDER BY day) AS superseded_on
    FROM accounts
),
payment_versions AS (
    SELECT
        payment_id, customer_id, due_date, paid_on, day,
        CAST(ROUND(amount_due * 100) AS BIGINT) AS due_cents,
        CAST(ROUND(amount_paid * 100) AS BIGINT) AS paid_cents,
        LEAD(day) OVER (PARTITION BY payment_id ORDER BY day) AS superseded_on
    FROM payments
),
score_versions AS (
    SELECT
        customer_id, payment_history_score, day,
        LEAD(day) OVER (PARTITION BY customer_id ORDER BY day) AS superseded_on
    FROM bureau_scores
),
-- A month may be revised. Of the figures that were public, the last one of the last month counts.
indicator_ranks AS (
    SELECT
        o.as_of,
        m.indicator,
        m.value,
        ROW_NUMBER() OVER (
            PARTITION BY o.as_of, m.indicator ORDER BY m.period DESC, m.day DESC
        ) AS age_rank
    FROM (SELECT DISTINCT as_of FROM feature_days) AS o
    INNER JOIN macro_indicators AS m ON m.day < o.as_of AND m.released_on < o.as_of
),
macro AS (
    SELECT
        as_of,
        MAX(CASE WHEN indicator = 'interest_rate' THEN value END) AS interest_rate,
        MAX(CASE WHEN indicator = 'unemployment_rate' THEN value END) AS unemployment_rate,
        MAX(CASE WHEN indicator = 'policy_rate' THEN value END) AS policy_rate,
        MAX(CASE WHEN indicator = 'gdp_growth' THEN value END) AS gdp_growth
    FROM indicator_ranks
    WHERE age_rank = 1
    GROUP BY as_of
),
account_facts AS (
    SELECT
        o.customer_id,
        o.as_of,
        COUNT(*) AS num_credit_accounts,
        SUM(a.balance_cents) AS debt_cents,
        SUM(CASE WHEN a.kind = 'card' THEN a.balance_cents ELSE 0 END) AS card_cents,
        SUM(CASE WHEN a.kind = 'card' THEN a.limit_cents ELSE 0 END) AS limit_cents,
        MIN(a.opened_on) AS first_opened_on
    FROM observations AS o
    INNER JOIN account_versions AS a
        ON a.customer_id = o.customer_id
        AND a.day < o.as_of
        AND (a.superseded_on IS NULL OR a.superseded_on >= o.as_of)
        AND a.closed_on IS NULL
    GROUP BY o.customer_id, o.as_of
),
-- Every statement of a card in the last 3 months, not only the last one.
statement_facts AS (
    SELECT
        o.customer_id,
        o.as_of,
        SUM(a.balance_cents) AS card_cents,
        SUM(a.limit_cents) AS limit_cents
    FROM observations AS o
    INNER JOIN account_versions AS a
        ON a.customer_id = o.customer_id
        AND a.kind = 'card'
        AND a.day < o.as_of
        AND a.day >= CAST(o.as_of - INTERVAL '3' MONTH AS DATE)
    GROUP BY o.customer_id, o.as_of
),
-- How late each payment was, as far as was known: one that is still open is as late as it is old.
payment_delays AS (
    SELECT
        o.customer_id,
        o.as_of,
        p.due_date,
        p.due_cents,
        p.paid_cents,
        CASE
            WHEN COALESCE(p.paid_on, CAST(o.as_of - INTERVAL '1' DAY AS DATE)) > p.due_date
                THEN DATE_DIFF('day', p.due_date, COALESCE(p.paid_on, CAST(o.as_of - INTERVAL '1' DAY AS DATE)))
            ELSE 0
        END AS days_late,
        CAST(o.as_of - INTERVAL '3' MONTH AS DATE) AS three_months_before,
        CAST(o.as_of - INTERVAL '6' MONTH AS DATE) AS six_months_before
    FROM observations AS o
    INNER JOIN payment_versions AS p
        ON p.customer_id = o.customer_id
        AND p.day < o.as_of
        AND (p.superseded_on IS NULL OR p.superseded_on >= o.as_of)
        AND p.due_date < o.as_of
        AND p.due_date >= CAST(o.as_of - INTERVAL '12' MONTH AS DATE)
),
payment_facts AS (
    SELECT
        customer_id,
        as_of,
        SUM(CASE WHEN days_late > 0 AND due_date >= three_months_before THEN 1 ELSE 0 END) AS late_payments_3m,
        SUM(CASE WHEN days_late > 0 AND due_date >= six_months_before THEN 1 ELSE 0 END) AS late_payments_6m,
        SUM(CASE WHEN days_late > 0 THEN 1 ELSE 0 END) AS late_payments_12m,
        MAX(CASE WHEN due_date >= three_months_before THEN days_late ELSE 0 END) AS worst_days_past_due_3m,
        MAX(CASE WHEN due_date >= six_months_before THEN days_late ELSE 0 END) AS worst_days_past_due_6m,
        MAX(days_late) AS worst_days_past_due_12m,
        SUM(due_cents) AS due_cents,
        SUM(paid_cents) AS paid_cents
    FROM payment_delays
    GROUP BY customer_id, as_of
),
inquiry_facts AS (
    SELECT o.customer_id, o.as_of, COUNT(DISTINCT i.inquiry_id) AS inquiries_6m
    FROM observations AS o
    INNER JOIN inquiries AS i
        ON i.customer_id = o.customer_id
        AND i.day < o.as_of
        AND i.inquired_on < o.as_of
        AND i.inquired_on >= CAST(o.as_of - INTERVAL '6' MONTH AS DATE)
    GROUP BY o.customer_id, o.as_of
)
SELECT
    o.customer_id,
    o.as_of,
    CAST(FLOOR(DATE_DIFF('day', c.birth_date, o.as_of) / CAST(365.25 AS DOUBLE)) AS BIGINT) AS age,
    c.annual_income,
    CASE
        WHEN c.employed_since IS NULL THEN CAST(0 AS DOUBLE)
        ELSE DATE_DIFF('day', c.employed_since, o.as_of) / CAST(365.25 AS DOUBLE)
    END AS employment_years,
    c.education,
    c.region,
    CASE
        WHEN a.limit_cents IS NULL OR a.limit_cents <= 0 THEN CAST(0 AS DOUBLE)
        WHEN a.card_cents >= a.limit_cents THEN CAST(1 AS DOUBLE)
        ELSE CAST(a.card_cents AS DOUBLE) / CAST(a.limit_cents AS DOUBLE)
    END AS credit_utilization,
    CASE
        WHEN s.limit_cents > 0 THEN CAST(s.card_cents AS DOUBLE) / CAST(s.limit_cents AS DOUBLE)
    END AS mean_utilization_3m,
    COALESCE(a.num_credit_accounts, 0) AS num_credit_accounts,
    CAST(COALESCE(a.debt_cents, 0) AS DOUBLE) / CAST(100 AS DOUBLE) AS total_debt,
    DATE_DIFF('month', a.first_opened_on, o.as_of) AS account_age_months,
    b.payment_history_score,
    COALESCE(p.late_payments_3m, 0) AS late_payments_3m,
    COALESCE(p.late_payments_6m, 0) AS late_payments_6m,
    COALESCE(p.late_payments_12m, 0) AS late_payments_12m,
    COALESCE(p.worst_days_past_due_3m, 0) AS worst_days_past_due_3m,
    COALESCE(p.worst_days_past_due_6m, 0) AS worst_days_past_due_6m,
    COALESCE(p.worst_days_past_due_12m, 0) AS worst_days_past_due_12m,
    CASE
        WHEN p.due_cents > 0 THEN CAST(p.paid_cents AS DOUBLE) / CAST(p.due_cents AS DOUBLE)
    END AS paid_share_12m,
    COALESCE(i.inquiries_6m, 0) AS inquiries_6m,
    m.interest_rate,
    m.unemployment_rate,
    m.policy_rate,
    m.gdp_growth
FROM observations AS o
INNER JOIN customer_versions AS c
    ON c.customer_id = o.customer_id
    AND c.day < o.as_of
    AND (c.superseded_on IS NULL OR c.superseded_on >= o.as_of)
LEFT JOIN account_facts AS a ON a.customer_id = o.customer_id AND a.as_of = o.as_of
LEFT JOIN statement_facts AS s ON s.customer_id = o.customer_id AND s.as_of = o.as_of
LEFT JOIN score_versions AS b
    ON b.customer_id = o.customer_id
    AND b.day < o.as_of
    AND (b.superseded_on IS NULL OR b.superseded_on >= o.as_of)
LEFT JOIN payment_facts AS p ON p.customer_id = o.customer_id AND p.as_of = o.as_of
LEFT JOIN inquiry_facts AS i ON i.customer_id = o.customer_id AND i.as_of = o.as_of
LEFT JOIN macro AS m ON m.as_of = o.as_of
ORDER BY o.as_of, o.customer_id
