-- The day at whose end a loan becomes non-performing if nothing is paid: written with the loan's other derived columns.
ALTER TABLE loans ADD COLUMN turns_npa_on date;
ALTER TABLE loans ADD CONSTRAINT loans_turn_npa_once CHECK (turns_npa_on IS NULL OR npa_since IS NULL) NOT VALID;
-- The loans that there are, by the rule sets that there were. Whatever falls due later, a close or a posting writes.
WITH rules (label, npa_from, is_borrower_wise) AS (VALUES ('rbi_irac_2025@1', 91, true), ('source_d@1', 90, false)),
turning AS (
    SELECT l.customer_id, CASE WHEN NOT r.is_borrower_wise THEN l.id END AS only_loan,
        min(l.oldest_due + r.npa_from - 1) AS turns_on
    FROM loans l JOIN rules r ON r.label = l.rule_set
    WHERE l.status = 'active' AND l.days_past_due > 0 AND l.npa_since IS NULL
    GROUP BY 1, 2
)
UPDATE loans l SET turns_npa_on = t.turns_on FROM turning t
    WHERE l.customer_id = t.customer_id AND coalesce(t.only_loan, l.id) = l.id
        AND l.status = 'active' AND l.npa_since IS NULL;
-- squawk-ignore require-concurrent-index-creation -- writers wait while the few late loans are sorted
CREATE INDEX loans_turning_npa ON loans (turns_npa_on, id) INCLUDE (branch_id, outstanding_principal)
    WHERE turns_npa_on IS NOT NULL;

-- Who follows an early warning up, and until when it is out of the list. Warnings are found anew by each close;
-- these rows stay.
CREATE TABLE warning_followups (
    loan_id uuid NOT NULL REFERENCES loans,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 40),
    customer_id bigint NOT NULL,
    branch_id smallint NOT NULL,
    owner text CHECK (length(owner) BETWEEN 1 AND 200),
    snoozed_until date,
    snooze_note text CHECK (length(snooze_note) <= 500),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (loan_id, reason)
);
CREATE INDEX warning_followups_by_owner ON warning_followups (owner) WHERE owner IS NOT NULL;
-- squawk-ignore require-concurrent-index-creation -- a close replaces the few rows
CREATE INDEX early_warnings_by_loan ON early_warnings (loan_id);
ALTER TABLE warning_followups ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_branch ON warning_followups TO lending_branch
    USING (branch_id = ANY ((SELECT request_branches())::smallint[]));
CREATE POLICY of_book ON warning_followups TO lending_book USING (true);
CREATE POLICY of_reader ON warning_followups FOR SELECT TO lending_reader USING (true);
GRANT SELECT, INSERT, UPDATE ON warning_followups TO lending_branch, lending_book;
GRANT SELECT ON warning_followups TO lending_reader;
