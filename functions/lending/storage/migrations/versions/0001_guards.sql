-- What no program may get around: appended rows stay, entries balance, branches are apart.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% refused: rows of % are only appended', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

DO $$
DECLARE
    appended text;
BEGIN
    FOREACH appended IN ARRAY ARRAY[
        'disbursements', 'repayments', 'charges', 'adjustments', 'allocations', 'journal_entries',
        'journal_lines', 'decisions', 'audit', 'employment', 'kyc', 'customer_versions', 'products'
    ] LOOP
        EXECUTE format('CREATE TRIGGER only_appended BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', appended);
    END LOOP;
END
$$;

CREATE FUNCTION require_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    debits numeric;
    credits numeric;
BEGIN
    SELECT coalesce(sum(debit), 0), coalesce(sum(credit), 0) INTO debits, credits
        FROM journal_lines WHERE loan_id = NEW.loan_id AND number = NEW.number;
    IF debits <> credits OR debits = 0 THEN
        RAISE EXCEPTION 'journal entry % of loan % does not balance: debits %, credits %',
            NEW.number, NEW.loan_id, debits, credits USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
-- An entry without a line would never be looked at by the trigger of the lines.
CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON journal_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_balance();
CREATE CONSTRAINT TRIGGER lines_balance AFTER INSERT ON journal_lines
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_balance();

-- Roles belong to the server, not to the database: another loan book on it may have made them.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['lending_branch', 'lending_book', 'lending_reader', 'lending_client'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- made by another migration at this moment
            END;
        END IF;
        IF NOT pg_has_role(current_user, role_name, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO %I', role_name, current_user);
        END IF;
    END LOOP;
END
$$;

-- The branches and the customer of a request are set for its transaction alone.
CREATE FUNCTION request_branches() RETURNS smallint[] LANGUAGE sql STABLE AS $$
    SELECT string_to_array(nullif(current_setting('lending.branches', true), ''), ',')::smallint[]
$$;
CREATE FUNCTION request_customer() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT nullif(current_setting('lending.customer', true), '')::bigint
$$;

DO $$
DECLARE
    name text;
    owner_column text;
BEGIN
    FOR name IN SELECT table_name FROM information_schema.columns
        WHERE table_schema = current_schema() AND column_name = 'branch_id' AND table_name <> 'audit'
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY of_branch ON %I TO lending_branch '
            'USING (branch_id = ANY ((SELECT request_branches())::smallint[]))', name);
        EXECUTE format('CREATE POLICY of_book ON %I TO lending_book USING (true)', name);
        EXECUTE format('CREATE POLICY of_reader ON %I FOR SELECT TO lending_reader USING (true)', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['customers', 'employment', 'kyc', 'applications', 'decisions', 'loans'] LOOP
        owner_column := CASE name WHEN 'customers' THEN 'id' ELSE 'customer_id' END;
        EXECUTE format('CREATE POLICY of_client ON %I TO lending_client '
            'USING (%I = (SELECT request_customer()))', name, owner_column);
    END LOOP;
END
$$;

GRANT SELECT ON ALL TABLES IN SCHEMA public
    TO lending_branch, lending_book, lending_reader;
GRANT INSERT ON ALL TABLES IN SCHEMA public TO lending_branch, lending_book;
GRANT UPDATE ON customers, applications, loans, confirmations, instalments, schedule_versions, npa_tracking,
    idempotency_keys, business_dates TO lending_branch, lending_book;
GRANT DELETE ON instalments, schedule_versions TO lending_branch, lending_book;
GRANT INSERT ON audit TO lending_reader;
GRANT SELECT ON customers, employment, kyc, applications, decisions, loans, products, branches,
    business_dates, idempotency_keys TO lending_client;
GRANT INSERT ON applications, decisions, audit, idempotency_keys TO lending_client;
GRANT UPDATE ON applications, idempotency_keys TO lending_client;
-- A client accepts its own offer: it needs a lock on itself, and adds a loan.
GRANT UPDATE (version) ON customers TO lending_client;
GRANT INSERT ON loans TO lending_client;
REVOKE SELECT ON audit FROM lending_branch;
-- Secrets sign in the lender's name: who delivers reads them, nobody else.
REVOKE ALL ON webhook_endpoints, webhook_deliveries FROM lending_branch, lending_reader;
GRANT UPDATE ON webhook_endpoints, webhook_deliveries TO lending_book;
