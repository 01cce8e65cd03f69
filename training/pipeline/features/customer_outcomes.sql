-- Feature rows whose outcome is known before the day of `outcome_days` (known_before): default
-- within the 12 months from `as_of` on. Whoever had defaulted before `as_of` is left out.
SELECT
    f.* EXCLUDE (day),
    CASE
        WHEN d.defaulted_on < CAST(f.as_of + INTERVAL '12' MONTH AS DATE) THEN 1
        ELSE 0
    END AS "default"
FROM customer_features AS f
CROSS JOIN outcome_days AS o
LEFT JOIN (
    SELECT customer_id, MIN(defaulted_on) AS defaulted_on
    FROM defaults
    GROUP BY customer_id
) AS d ON d.customer_id = f.customer_id
WHERE CAST(f.as_of + INTERVAL '12' MONTH AS DATE) <= o.known_before
    AND (d.defaulted_on IS NULL OR d.defaulted_on >= f.as_of)
ORDER BY f.as_of, f.customer_id
