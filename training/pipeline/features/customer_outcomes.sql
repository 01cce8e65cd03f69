-- Feature rows whose outcome is known on a day: default within the 12 months from `as_of` on.
-- The parameter is the first day that is not known yet. Who had defaulted before is left out.
SELECT
    f.* EXCLUDE (day),
    CASE WHEN d.defaulted_on IS NULL OR d.defaulted_on >= CAST(f.as_of + INTERVAL '12' MONTH AS DATE) THEN 0 ELSE 1 END AS "default"
FROM customer_features AS f
LEFT JOIN (SELECT customer_id, MIN(defaulted_on) AS defaulted_on FROM defaults GROUP BY customer_id) AS d
    ON d.customer_id = f.customer_id
WHERE f.as_of + INTERVAL '12' MONTH <= CAST(? AS DATE)
    AND f.payment_history_score IS NOT NULL
    AND (d.defaulted_on IS NULL OR d.defaulted_on >= f.as_of)
ORDER BY f.as_of, f.customer_id
