-- Cells: rows whose sums are the figures of the book. A posting only appends differences to them, so that no writer
-- waits for another one; the close of a day folds them. Whatever changes a counted row, a trigger notes it.
ALTER TABLE loans ADD COLUMN is_secured boolean NOT NULL DEFAULT false;

CREATE TABLE loan_cells (
    branch_id smallint NOT NULL,
    status text NOT NULL,
    asset_class text NOT NULL,
    is_npa boolean NOT NULL,
    is_secured boolean NOT NULL,
    purpose text NOT NULL,
    months smallint NOT NULL,
    number bigint NOT NULL,
    amount numeric NOT NULL,
    disbursed numeric NOT NULL,
    outstanding numeric NOT NULL,
    received numeric NOT NULL
);

CREATE TABLE application_cells (
    branch_id smallint NOT NULL,
    status text NOT NULL,
    number bigint NOT NULL
);

-- What falls due on a day; the days that are closed are folded into one.
CREATE TABLE due_cells (
    branch_id smallint NOT NULL,
    due_on date NOT NULL,
    number bigint NOT NULL,
    on_time bigint NOT NULL,
    overdue bigint NOT NULL,
    demanded numeric NOT NULL,
    met numeric NOT NULL
);
CREATE INDEX due_cells_by_day ON due_cells (due_on);

CREATE TABLE payment_cells (
    branch_id smallint NOT NULL,
    number bigint NOT NULL,
    amount numeric NOT NULL
);

CREATE TABLE collateral_cells (
    branch_id smallint NOT NULL,
    kind text NOT NULL,
    number bigint NOT NULL,
    value numeric NOT NULL
);

-- Each function counts the rows of one transition table, once more (1) or once less (-1).
-- They act as the owner: nobody else may write a cell but the close.
CREATE FUNCTION count_loans() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    sign integer := TG_ARGV[0];
BEGIN
    INSERT INTO loan_cells
        SELECT branch_id, status, asset_class, npa_since IS NOT NULL, is_secured, purpose, months, sign * count(*),
            sign * sum(amount), sign * sum(disbursed), sign * sum(outstanding_principal), sign * sum(received)
        FROM counted GROUP BY branch_id, status, asset_class, npa_since IS NOT NULL, is_secured, purpose, months;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_applications() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    sign integer := TG_ARGV[0];
BEGIN
    INSERT INTO application_cells
        SELECT branch_id, status, sign * count(*) FROM counted GROUP BY branch_id, status;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_instalments() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    sign integer := TG_ARGV[0];
BEGIN
    INSERT INTO due_cells
        SELECT branch_id, due_on, sign * count(*), sign * count(*) FILTER (WHERE met_on <= due_on),
            sign * count(*) FILTER (WHERE unpaid_interest + unpaid_principal > 0), sign * sum(interest + principal),
            sign * sum(interest + principal - unpaid_interest - unpaid_principal)
        FROM counted GROUP BY branch_id, due_on;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_repayments() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO payment_cells SELECT branch_id, count(*), sum(amount) FROM counted GROUP BY branch_id;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_reversals() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO payment_cells
        SELECT r.branch_id, -count(*), -sum(r.amount)
        FROM counted JOIN repayments r ON r.loan_id = counted.loan_id AND r.reference = counted.reverses
        GROUP BY r.branch_id;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_collateral() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO collateral_cells SELECT branch_id, kind, count(*), sum(value) FROM counted GROUP BY branch_id, kind;
    UPDATE loans SET is_secured = true
        FROM (SELECT DISTINCT loan_id FROM counted) AS secured WHERE id = secured.loan_id AND NOT is_secured;
    RETURN NULL;
END
$$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['loans', 'applications', 'instalments'] LOOP
        EXECUTE format('CREATE TRIGGER count_inserted AFTER INSERT ON %1$I REFERENCING NEW TABLE AS counted '
            'FOR EACH STATEMENT EXECUTE FUNCTION %2$I(''1'')', name, 'count_' || name);
        EXECUTE format('CREATE TRIGGER count_updated AFTER UPDATE ON %1$I REFERENCING NEW TABLE AS counted '
            'FOR EACH STATEMENT EXECUTE FUNCTION %2$I(''1'')', name, 'count_' || name);
        EXECUTE format('CREATE TRIGGER count_replaced AFTER UPDATE ON %1$I REFERENCING OLD TABLE AS counted '
            'FOR EACH STATEMENT EXECUTE FUNCTION %2$I(''-1'')', name, 'count_' || name);
        EXECUTE format('CREATE TRIGGER count_deleted AFTER DELETE ON %1$I REFERENCING OLD TABLE AS counted '
            'FOR EACH STATEMENT EXECUTE FUNCTION %2$I(''-1'')', name, 'count_' || name);
    END LOOP;
END
$$;
CREATE TRIGGER count_inserted AFTER INSERT ON repayments REFERENCING NEW TABLE AS counted
    FOR EACH STATEMENT EXECUTE FUNCTION count_repayments();
CREATE TRIGGER count_inserted AFTER INSERT ON adjustments REFERENCING NEW TABLE AS counted
    FOR EACH STATEMENT EXECUTE FUNCTION count_reversals();
CREATE TRIGGER count_inserted AFTER INSERT ON collateral REFERENCING NEW TABLE AS counted
    FOR EACH STATEMENT EXECUTE FUNCTION count_collateral();

-- A book that has rows already is counted as it stands.
UPDATE loans SET is_secured = true WHERE id IN (SELECT loan_id FROM collateral);
DELETE FROM loan_cells;
INSERT INTO loan_cells
    SELECT branch_id, status, asset_class, npa_since IS NOT NULL, is_secured, purpose, months, count(*), sum(amount),
        sum(disbursed), sum(outstanding_principal), sum(received)
    FROM loans GROUP BY branch_id, status, asset_class, npa_since IS NOT NULL, is_secured, purpose, months;
INSERT INTO application_cells SELECT branch_id, status, count(*) FROM applications GROUP BY branch_id, status;
INSERT INTO due_cells
    SELECT branch_id, due_on, count(*), count(*) FILTER (WHERE met_on <= due_on),
        count(*) FILTER (WHERE unpaid_interest + unpaid_principal > 0), sum(interest + principal),
        sum(interest + principal - unpaid_interest - unpaid_principal)
    FROM instalments GROUP BY branch_id, due_on;
INSERT INTO payment_cells
    SELECT branch_id, count(*), sum(amount) FROM repayments r
    WHERE NOT EXISTS (SELECT FROM adjustments a WHERE a.loan_id = r.loan_id AND a.reverses = r.reference)
    GROUP BY branch_id;
INSERT INTO collateral_cells SELECT branch_id, kind, count(*), sum(value) FROM collateral GROUP BY branch_id, kind;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['loan_cells', 'application_cells', 'due_cells', 'payment_cells', 'collateral_cells'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY of_branch ON %I FOR SELECT TO lending_branch '
            'USING (branch_id = ANY ((SELECT request_branches())::smallint[]))', name);
        EXECUTE format('CREATE POLICY of_book ON %I TO lending_book USING (true)', name);
        EXECUTE format('CREATE POLICY of_reader ON %I FOR SELECT TO lending_reader USING (true)', name);
        EXECUTE format('GRANT SELECT ON %I TO lending_branch, lending_book, lending_reader', name);
        EXECUTE format('GRANT INSERT, DELETE ON %I TO lending_book', name);
    END LOOP;
END
$$;
