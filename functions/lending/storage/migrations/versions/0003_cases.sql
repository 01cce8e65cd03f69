-- What other companies answered about an application: the members that are used, and nothing else.
CREATE TABLE external_checks (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications,
    customer_id bigint NOT NULL,
    branch_id smallint NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 40),
    outcome text NOT NULL CHECK (
        outcome IN ('answered', 'slow', 'unreachable', 'failed', 'refused', 'unreadable')
    ),
    detail text NOT NULL CHECK (length(detail) <= 200),
    http_status smallint,
    members jsonb NOT NULL DEFAULT '{}',
    asked_by text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX external_checks_by_application ON external_checks (application_id, created_at);
CREATE TRIGGER only_appended BEFORE UPDATE OR DELETE OR TRUNCATE ON external_checks
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The rules of policy that a decision met, and who confirmed it where two persons must agree.
ALTER TABLE decisions ADD COLUMN policy jsonb NOT NULL DEFAULT '[]';
ALTER TABLE decisions ADD COLUMN second_person text;
ALTER TABLE decisions ADD CONSTRAINT decisions_by_two CHECK (second_person <> decided_by) NOT VALID;

-- Who looks at an application that waits for a person, and what one of two persons proposes.
CREATE TABLE reviews (
    application_id uuid PRIMARY KEY REFERENCES applications,
    customer_id bigint NOT NULL,
    branch_id smallint NOT NULL,
    asked_by text,
    asked_at timestamptz,
    note text CHECK (length(note) <= 500),
    claimed_by text,
    claimed_at timestamptz,
    proposed_by text,
    proposed_at timestamptz,
    proposed_outcome text CHECK (proposed_outcome IN ('approved', 'rejected')),
    proposed_code text,
    proposed_note text
);

-- Above this amount two persons must agree before a person's approval counts.
ALTER TABLE products ADD COLUMN second_person_above money_amount NOT NULL DEFAULT 1000000;

-- The body that a first person sent, so that a second one sees what it confirms; or turns down.
ALTER TABLE confirmations ADD COLUMN body jsonb NOT NULL DEFAULT '{}';
ALTER TABLE confirmations ADD COLUMN refused_by text;
ALTER TABLE confirmations ADD COLUMN refused_at timestamptz;
-- Requests of second persons are few: this takes a moment, and a migration is one transaction.
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX confirmations_open;
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX confirmations_open ON confirmations (loan_id, action, fingerprint)
    WHERE confirmed_by IS NULL AND refused_by IS NULL;

-- Only sealed secrets are stored from now on; `reseal` seals those that are there.
ALTER TABLE webhook_endpoints ADD CONSTRAINT webhook_secrets_are_sealed
    CHECK (secret LIKE 'v1.%' AND (previous_secret IS NULL OR previous_secret LIKE 'v1.%')) NOT VALID;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['external_checks', 'reviews'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY of_branch ON %I TO lending_branch '
            'USING (branch_id = ANY ((SELECT request_branches())::smallint[]))', name);
        EXECUTE format('CREATE POLICY of_book ON %I TO lending_book USING (true)', name);
        EXECUTE format('CREATE POLICY of_reader ON %I FOR SELECT TO lending_reader USING (true)', name);
        EXECUTE format('GRANT SELECT ON %I TO lending_branch, lending_book, lending_reader', name);
        EXECUTE format('GRANT INSERT ON %I TO lending_branch, lending_book', name);
    END LOOP;
END
$$;
GRANT UPDATE ON reviews TO lending_branch, lending_book;
-- A client may ask a person to look at its own application, and sees that it did.
CREATE POLICY of_client ON reviews TO lending_client USING (customer_id = (SELECT request_customer()));
GRANT SELECT (application_id, customer_id, branch_id, asked_by, asked_at, note) ON reviews TO lending_client;
GRANT INSERT (application_id, customer_id, branch_id, asked_by, asked_at, note) ON reviews TO lending_client;
GRANT UPDATE (asked_by, asked_at, note) ON reviews TO lending_client;
