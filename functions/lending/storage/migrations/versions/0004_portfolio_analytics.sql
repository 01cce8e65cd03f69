-- What a risk department asks: where a loan came from, exposures by segment, month-end snapshots, early warnings.
CREATE FUNCTION score_band(score smallint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce((score / 50 * 50) || '-' || (score / 50 * 50 + 49), 'unscored')
$$;
CREATE FUNCTION income_band(monthly numeric) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN monthly IS NULL THEN 'unknown' WHEN monthly < 25000 THEN 'below_25000'
        WHEN monthly < 50000 THEN '25000_to_50000' WHEN monthly < 100000 THEN '50000_to_100000'
        WHEN monthly < 200000 THEN '100000_to_200000' ELSE 'from_200000' END
$$;
CREATE FUNCTION arrears_bucket(status text, days integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN status = 'closed' THEN 'closed' WHEN status IN ('written_off', 'settled') THEN 'written_off'
        WHEN days = 0 THEN 'current' WHEN days <= 30 THEN '1-30' WHEN days <= 60 THEN '31-60'
        WHEN days <= 90 THEN '61-90' ELSE '90+' END
$$;

-- The segment of a loan, as it was when the loan was granted: a customer who moves changes no figure.
CREATE TABLE loan_origins (
    loan_id uuid PRIMARY KEY,
    branch_id smallint NOT NULL,
    customer_id bigint NOT NULL,
    city text NOT NULL,
    state text NOT NULL,
    employer text NOT NULL,
    employment_type text NOT NULL,
    income_band text NOT NULL,
    score_band text NOT NULL,
    model_version text NOT NULL
);
CREATE INDEX loan_origins_by_city ON loan_origins (city, loan_id);
CREATE INDEX loan_origins_by_state ON loan_origins (state, loan_id);
CREATE INDEX loan_origins_by_employer ON loan_origins (employer, loan_id);
-- A migration is one transaction: writers wait for these indexes, seconds for a million loans.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX decisions_by_customer ON decisions (customer_id, created_at) WHERE is_automated;

-- Of these loans, or of all.
CREATE FUNCTION derive_origins(chosen uuid[]) RETURNS SETOF loan_origins LANGUAGE sql STABLE AS $$
    SELECT l.id, l.branch_id, l.customer_id, c.city, c.state, coalesce(e.employer_name, 'unknown'),
        coalesce(e.employment_type, 'unknown'), income_band(e.monthly_income), score_band(d.credit_score),
        coalesce(d.model || ' ' || d.model_version, 'unscored')
    FROM loans l JOIN customers c ON c.id = l.customer_id
        LEFT JOIN decisions d ON d.application_id = l.application_id AND d.is_automated
        LEFT JOIN LATERAL (SELECT employer_name, employment_type, monthly_income FROM employment
            WHERE customer_id = l.customer_id ORDER BY version DESC LIMIT 1) e ON true
    WHERE chosen IS NULL OR l.id = ANY (chosen)
$$;
CREATE FUNCTION add_origins() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO loan_origins SELECT * FROM derive_origins(ARRAY(SELECT id FROM counted));
    RETURN NULL;
END
$$;

-- Cells of what is outstanding by segment; `squares` serves the concentration of borrowers alone.
CREATE TABLE segment_cells (
    branch_id smallint NOT NULL,
    dimension text NOT NULL,
    value text NOT NULL,
    number bigint NOT NULL,
    outstanding numeric NOT NULL,
    squares numeric NOT NULL
);
CREATE INDEX segment_cells_by_dimension ON segment_cells (dimension, value);

-- What each borrower owes. A row is changed under the lock on its customer, as its loans are: nobody waits twice.
CREATE TABLE borrower_exposures (
    customer_id bigint NOT NULL,
    branch_id smallint NOT NULL,
    number integer NOT NULL,
    outstanding numeric(18, 2) NOT NULL,
    PRIMARY KEY (customer_id, branch_id)
);
CREATE INDEX borrower_exposures_by_size ON borrower_exposures (outstanding DESC, customer_id);

CREATE TYPE exposure_change AS (
    loan_id uuid, customer_id bigint, branch_id smallint, purpose text, number integer, outstanding numeric
);
CREATE FUNCTION add_exposures(changes exposure_change[]) RETURNS void LANGUAGE sql
    SECURITY DEFINER SET search_path = public AS $$
    INSERT INTO segment_cells
        SELECT c.branch_id, s.dimension, s.value, sum(c.number), sum(c.outstanding), 0
        FROM unnest(changes) c JOIN loan_origins o ON o.loan_id = c.loan_id CROSS JOIN LATERAL (VALUES
            ('purpose', c.purpose), ('city', o.city), ('state', o.state), ('employer', o.employer),
            ('employment_type', o.employment_type), ('income_band', o.income_band),
            ('score_band', o.score_band), ('model_version', o.model_version)) AS s (dimension, value)
        GROUP BY c.branch_id, s.dimension, s.value;
    WITH changed AS (
        SELECT customer_id, branch_id, sum(number) AS loans, sum(outstanding) AS amount FROM unnest(changes) AS c
        GROUP BY customer_id, branch_id
    ), stored AS (
        INSERT INTO borrower_exposures AS b SELECT customer_id, branch_id, loans, amount FROM changed ORDER BY customer_id
        ON CONFLICT (customer_id, branch_id) DO UPDATE SET number = b.number + excluded.number,
            outstanding = b.outstanding + excluded.outstanding
        RETURNING customer_id, branch_id, outstanding AS present
    )
    INSERT INTO segment_cells
        SELECT branch_id, 'borrower', 'all', sum((present > 0)::int - (present - amount > 0)::int), sum(amount),
            sum(present * present - (present - amount) * (present - amount))
        FROM stored JOIN changed USING (customer_id, branch_id) GROUP BY branch_id;
$$;

CREATE FUNCTION count_segments() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    changes exposure_change[];
BEGIN
    -- Each branch is parsed only when it runs: a statement has the tables of its own kind alone.
    IF TG_OP = 'UPDATE' THEN
        SELECT array_agg((n.id, n.customer_id, n.branch_id, n.purpose, (n.outstanding_principal > 0)::int
                - (o.outstanding_principal > 0)::int, n.outstanding_principal - o.outstanding_principal)::exposure_change)
            INTO changes FROM counted n JOIN replaced o ON o.id = n.id
            WHERE n.outstanding_principal <> o.outstanding_principal;
    ELSE
        SELECT array_agg((id, customer_id, branch_id, purpose, 1, outstanding_principal)::exposure_change)
            INTO changes FROM counted WHERE outstanding_principal > 0;
    END IF;
    IF changes IS NOT NULL THEN
        PERFORM add_exposures(changes);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER add_origins AFTER INSERT ON loans REFERENCING NEW TABLE AS counted
    FOR EACH STATEMENT EXECUTE FUNCTION add_origins();
CREATE TRIGGER count_segments_inserted AFTER INSERT ON loans REFERENCING NEW TABLE AS counted
    FOR EACH STATEMENT EXECUTE FUNCTION count_segments();
CREATE TRIGGER count_segments_updated AFTER UPDATE ON loans REFERENCING NEW TABLE AS counted OLD TABLE AS replaced
    FOR EACH STATEMENT EXECUTE FUNCTION count_segments();

-- A book that has loans already is counted as it stands.
INSERT INTO loan_origins SELECT * FROM derive_origins(NULL);
INSERT INTO segment_cells
    SELECT l.branch_id, s.dimension, s.value, count(*), sum(l.outstanding_principal), 0
    FROM loans l JOIN loan_origins o ON o.loan_id = l.id CROSS JOIN LATERAL (VALUES
        ('purpose', l.purpose), ('city', o.city), ('state', o.state), ('employer', o.employer),
        ('employment_type', o.employment_type), ('income_band', o.income_band),
        ('score_band', o.score_band), ('model_version', o.model_version)) AS s (dimension, value)
    WHERE l.outstanding_principal > 0 GROUP BY l.branch_id, s.dimension, s.value;
INSERT INTO borrower_exposures
    SELECT customer_id, branch_id, count(*) FILTER (WHERE outstanding_principal > 0), sum(outstanding_principal)
    FROM loans GROUP BY customer_id, branch_id;
INSERT INTO segment_cells
    SELECT branch_id, 'borrower', 'all', count(*), sum(outstanding), sum(outstanding * outstanding)
    FROM borrower_exposures WHERE outstanding > 0 GROUP BY branch_id;

-- Loans that are late, with all that figures of arrears read of them.
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX loans_in_arrears;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX loans_in_arrears ON loans (days_past_due DESC, id)
    INCLUDE (branch_id, status, outstanding_principal, due_principal, due_interest, due_fees, due_penal_charges)
    WHERE days_past_due > 0;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX instalments_met_late ON instalments (due_on, loan_id) WHERE met_on > due_on;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX applications_by_day ON applications (business_date, id);

-- Month ends: recorded once. What was posted later for a month that was recorded adds a revision, and replaces nothing.
CREATE TABLE month_ends (
    month_end date PRIMARY KEY,
    loans bigint NOT NULL,
    rule_sets jsonb NOT NULL,
    recorded_at timestamptz NOT NULL,
    restated_loans bigint NOT NULL DEFAULT 0,
    restated_at timestamptz
);
CREATE TABLE loan_months (
    month_end date NOT NULL,
    loan_id uuid NOT NULL,
    revision smallint NOT NULL,
    branch_id smallint NOT NULL,
    customer_id bigint NOT NULL,
    product_id smallint NOT NULL,
    cohort date NOT NULL,
    months_on_book smallint NOT NULL,
    score_band text NOT NULL,
    model_version text NOT NULL,
    disbursed numeric(18, 2) NOT NULL,
    outstanding numeric(18, 2) NOT NULL,
    arrears numeric(18, 2) NOT NULL,
    written_off numeric(18, 2) NOT NULL,
    days_past_due integer NOT NULL,
    worst_days_past_due integer NOT NULL,
    bucket text NOT NULL,
    asset_class text NOT NULL,
    npa_since date,
    rule_set text NOT NULL,
    previous_bucket text,
    previous_outstanding numeric(18, 2),
    previous_written_off numeric(18, 2),
    previous_npa boolean,
    recorded_on date NOT NULL,
    PRIMARY KEY (month_end, loan_id, revision)
) PARTITION BY RANGE (month_end);
-- The few loans whose lists are asked for among the many of a month.
CREATE INDEX loan_months_ever_late ON loan_months (month_end, loan_id) WHERE worst_days_past_due > 30;
CREATE INDEX loan_months_were_late ON loan_months (month_end, loan_id)
    WHERE previous_bucket IN ('1-30', '31-60', '61-90', '90+');

-- The service owns no table: the one thing it needs to create is a month.
CREATE FUNCTION create_month(month_end date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public AS $$
DECLARE
    first date := date_trunc('month', month_end);
BEGIN
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF loan_months FOR VALUES FROM (%L) TO (%L)',
        'loan_months_' || to_char(first, 'YYYY_MM'), first, (first + interval '1 month')::date);
END
$$;
REVOKE EXECUTE ON FUNCTION create_month(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION create_month(date) TO lending_book;

-- Figures of a month, summed once: `reported` at the first recording, `restated` after revisions.
CREATE TABLE roll_cells (
    month_end date NOT NULL,
    basis text NOT NULL,
    branch_id smallint NOT NULL,
    from_bucket text NOT NULL,
    to_bucket text NOT NULL,
    number bigint NOT NULL,
    opening numeric NOT NULL
);
CREATE INDEX roll_cells_by_month ON roll_cells (month_end, basis);
CREATE TABLE vintage_cells (
    month_end date NOT NULL,
    basis text NOT NULL,
    branch_id smallint NOT NULL,
    product_id smallint NOT NULL,
    cohort date NOT NULL,
    months_on_book smallint NOT NULL,
    score_band text NOT NULL,
    model_version text NOT NULL,
    loans bigint NOT NULL,
    amount numeric NOT NULL,
    ever_30 bigint NOT NULL,
    ever_60 bigint NOT NULL,
    ever_90 bigint NOT NULL,
    ever_30_amount numeric NOT NULL,
    ever_60_amount numeric NOT NULL,
    ever_90_amount numeric NOT NULL
);
CREATE INDEX vintage_cells_by_month ON vintage_cells (month_end, basis);
CREATE TABLE month_cells (
    month_end date NOT NULL,
    basis text NOT NULL,
    branch_id smallint NOT NULL,
    figure text NOT NULL,
    key text NOT NULL,
    number bigint NOT NULL,
    amount numeric NOT NULL
);
CREATE INDEX month_cells_by_month ON month_cells (month_end, basis, figure);

-- Replaced by each close, which says why a loan is looked at and since when.
CREATE TABLE early_warnings (
    loan_id uuid NOT NULL,
    branch_id smallint NOT NULL,
    customer_id bigint NOT NULL,
    reason text NOT NULL,
    since date NOT NULL,
    outstanding numeric(18, 2) NOT NULL,
    as_of date NOT NULL,
    PRIMARY KEY (reason, loan_id)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['loan_origins', 'segment_cells', 'borrower_exposures', 'loan_months', 'roll_cells',
        'vintage_cells', 'month_cells', 'early_warnings'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY of_branch ON %I FOR SELECT TO lending_branch '
            'USING (branch_id = ANY ((SELECT request_branches())::smallint[]))', name);
        EXECUTE format('CREATE POLICY of_book ON %I TO lending_book USING (true)', name);
        EXECUTE format('CREATE POLICY of_reader ON %I FOR SELECT TO lending_reader USING (true)', name);
        EXECUTE format('GRANT SELECT ON %I TO lending_branch, lending_book, lending_reader', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['segment_cells', 'borrower_exposures', 'roll_cells', 'vintage_cells', 'month_cells',
        'early_warnings'] LOOP
        EXECUTE format('GRANT INSERT, DELETE ON %I TO lending_book', name);
    END LOOP;
END
$$;
GRANT SELECT ON month_ends TO lending_branch, lending_book, lending_reader;
GRANT INSERT, UPDATE ON month_ends TO lending_book;
GRANT INSERT ON loan_months, loan_origins TO lending_book;
CREATE TRIGGER only_appended BEFORE UPDATE OR DELETE ON loan_months
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What other programs may read, and may rely on: columns are added here, and none is renamed or removed.
CREATE SCHEMA portfolio_v1;
CREATE VIEW portfolio_v1.loans WITH (security_invoker = true) AS
    SELECT l.id AS loan_id, l.branch_id, l.customer_id, l.product_id, l.status, l.purpose, l.months, l.annual_rate,
        l.amount, l.disbursed, l.outstanding_principal, l.due_principal, l.due_interest,
        l.due_fees + l.due_penal_charges AS due_charges, l.days_past_due,
        arrears_bucket(l.status, l.days_past_due) AS bucket, l.asset_class, l.npa_since, l.is_secured, l.rule_set,
        l.as_of, o.city, o.state, o.employment_type, o.income_band, o.score_band, o.model_version
    FROM loans l JOIN loan_origins o ON o.loan_id = l.id;
CREATE VIEW portfolio_v1.month_ends WITH (security_invoker = true) AS
    SELECT month_end, loans, rule_sets, recorded_at, restated_loans, restated_at FROM month_ends;
CREATE VIEW portfolio_v1.loan_months WITH (security_invoker = true) AS
    SELECT month_end, loan_id, revision, revision > 0 AS is_restated, branch_id, customer_id, product_id, cohort,
        months_on_book, score_band, model_version, disbursed, outstanding, arrears, written_off, days_past_due,
        worst_days_past_due, bucket, asset_class, npa_since, rule_set, previous_bucket, previous_outstanding
    FROM loan_months;
CREATE VIEW portfolio_v1.roll_rates WITH (security_invoker = true) AS
    SELECT month_end, basis, branch_id, from_bucket, to_bucket, number, opening FROM roll_cells;
CREATE VIEW portfolio_v1.vintages WITH (security_invoker = true) AS
    SELECT month_end, basis, branch_id, product_id, cohort, months_on_book, score_band, model_version, loans, amount,
        ever_30, ever_60, ever_90, ever_30_amount, ever_60_amount, ever_90_amount FROM vintage_cells;
CREATE VIEW portfolio_v1.month_figures WITH (security_invoker = true) AS
    SELECT month_end, basis, branch_id, figure, key, number, amount FROM month_cells;
CREATE VIEW portfolio_v1.segments WITH (security_invoker = true) AS
    SELECT branch_id, dimension, value, sum(number) AS number, sum(outstanding) AS outstanding
    FROM segment_cells GROUP BY branch_id, dimension, value;
CREATE VIEW portfolio_v1.early_warnings WITH (security_invoker = true) AS
    SELECT loan_id, branch_id, customer_id, reason, since, outstanding, as_of FROM early_warnings;
GRANT USAGE ON SCHEMA portfolio_v1 TO lending_branch, lending_book, lending_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA portfolio_v1 TO lending_branch, lending_book, lending_reader;

-- The one way to take a person out of rows that are only appended. What the law makes a lender keep is checked before.
CREATE FUNCTION erase_customer(erased bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['customer_versions', 'employment', 'kyc', 'decisions', 'external_checks'] LOOP
        EXECUTE format('ALTER TABLE %I DISABLE TRIGGER only_appended', name);
    END LOOP;
    UPDATE customers SET full_name = 'Erased', email = 'erased@invalid', phone = '00000', city = 'Erased',
        state = 'Erased', date_of_birth = '1900-01-02', version = version + 1 WHERE id = erased;
    DELETE FROM customer_versions WHERE customer_id = erased;
    DELETE FROM kyc WHERE customer_id = erased;
    DELETE FROM employment e WHERE customer_id = erased AND version < (
        SELECT max(version) FROM employment WHERE customer_id = erased);
    UPDATE employment SET employer_name = 'Erased', employment_type = 'erased', monthly_income = 1,
        years_of_experience = 0 WHERE customer_id = erased;
    UPDATE decisions SET inputs = '{}', contributors = '[]', reasons = '[]', factors = jsonb_build_object(
            'debt_to_income_ratio', 0, 'loan_to_income_ratio', 0, 'monthly_income', 0),
        note = NULL WHERE customer_id = erased;
    UPDATE external_checks SET members = '{}' WHERE customer_id = erased;
    UPDATE reviews SET note = NULL, proposed_note = NULL WHERE customer_id = erased;
    UPDATE guarantors SET full_name = 'Erased', phone = '00000' WHERE loan_id IN (
        SELECT id FROM loans WHERE customer_id = erased);
    UPDATE collateral SET description = 'Erased' WHERE loan_id IN (SELECT id FROM loans WHERE customer_id = erased);
    UPDATE loan_origins SET city = 'Erased', state = 'Erased', employer = 'Erased' WHERE customer_id = erased;
    DELETE FROM idempotency_keys WHERE created_at < now() - interval '30 days';
    FOREACH name IN ARRAY ARRAY['customer_versions', 'employment', 'kyc', 'decisions', 'external_checks'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE TRIGGER only_appended', name);
    END LOOP;
END
$$;
REVOKE EXECUTE ON FUNCTION erase_customer(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_customer(bigint) TO lending_book;
