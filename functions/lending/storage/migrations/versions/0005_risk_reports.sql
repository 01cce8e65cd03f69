-- Reports of provisions and expected loss: for each loan what went in, what came out, and the rules behind both.
-- Amounts are cents, rates millionths of a per cent, shares millionths, probabilities units of 10^-17: whole numbers
-- from which a report is made again to the last digit.
CREATE TABLE risk_reports (
    id uuid PRIMARY KEY,
    as_of date NOT NULL,
    rule_set text NOT NULL,
    provision_rules text NOT NULL,
    assumptions jsonb NOT NULL,
    models jsonb NOT NULL,
    loans bigint NOT NULL,
    unscored bigint NOT NULL,
    computed_again bigint NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (rule_set, as_of)
);

CREATE TABLE risk_loans (
    report_id uuid NOT NULL,
    loan_id uuid NOT NULL,
    branch_id smallint NOT NULL,
    decision_id uuid,
    asset_class text NOT NULL,
    undue_principal bigint NOT NULL CHECK (undue_principal >= 0),
    overdue bigint NOT NULL CHECK (overdue >= 0),
    annual_rate bigint NOT NULL,
    effective_rate bigint NOT NULL,
    equal_instalment bigint NOT NULL,
    months_left bigint NOT NULL CHECK (months_left > 0),
    days_past_due bigint NOT NULL,
    is_impaired bigint NOT NULL,
    months_impaired bigint NOT NULL,
    probability_of_default bigint NOT NULL,
    probability_at_origination bigint NOT NULL,
    loss_given_default bigint NOT NULL,
    category bigint NOT NULL,
    outstanding bigint NOT NULL,
    security bigint NOT NULL,
    is_unsecured bigint NOT NULL,
    stage bigint NOT NULL CHECK (stage BETWEEN 0 AND 3),
    expected_loss bigint NOT NULL CHECK (expected_loss >= 0),
    covered_provision bigint NOT NULL CHECK (covered_provision >= 0),
    uncovered_provision bigint NOT NULL CHECK (uncovered_provision >= 0),
    PRIMARY KEY (report_id, loan_id)
);

CREATE TABLE risk_cells (
    report_id uuid NOT NULL REFERENCES risk_reports,
    branch_id smallint NOT NULL,
    asset_class text NOT NULL,
    is_npa boolean NOT NULL,
    stage bigint NOT NULL,
    number bigint NOT NULL,
    outstanding bigint NOT NULL,
    gross bigint NOT NULL,
    expected_loss bigint NOT NULL,
    covered_provision bigint NOT NULL,
    uncovered_provision bigint NOT NULL
);
CREATE INDEX risk_cells_by_report ON risk_cells (report_id);

-- Loans that moved alike since the report before: between stages, in, or out.
CREATE TABLE risk_movements (
    report_id uuid NOT NULL REFERENCES risk_reports,
    branch_id smallint NOT NULL,
    opening_stage bigint,
    closing_stage bigint,
    exit text CHECK (exit IN ('derecognised', 'written_off')),
    number bigint NOT NULL,
    opening bigint NOT NULL,
    closing bigint NOT NULL
);
CREATE INDEX risk_movements_by_report ON risk_movements (report_id);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['risk_reports', 'risk_loans', 'risk_cells', 'risk_movements'] LOOP
        EXECUTE format('CREATE TRIGGER only_appended BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('GRANT SELECT ON %I TO lending_branch, lending_book, lending_reader', name);
        EXECUTE format('GRANT INSERT ON %I TO lending_book', name);
        IF name <> 'risk_reports' THEN
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
            EXECUTE format('CREATE POLICY of_branch ON %I FOR SELECT TO lending_branch '
                'USING (branch_id = ANY ((SELECT request_branches())::smallint[]))', name);
            EXECUTE format('CREATE POLICY of_book ON %I TO lending_book USING (true)', name);
            EXECUTE format('CREATE POLICY of_reader ON %I FOR SELECT TO lending_reader USING (true)', name);
        END IF;
    END LOOP;
END
$$;
