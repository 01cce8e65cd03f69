DROP TABLE external_checks, reviews;
ALTER TABLE decisions DROP CONSTRAINT decisions_by_two;
ALTER TABLE decisions DROP COLUMN policy, DROP COLUMN second_person;
ALTER TABLE products DROP COLUMN second_person_above;
ALTER TABLE webhook_endpoints DROP CONSTRAINT webhook_secrets_are_sealed;
-- What was refused does not wait any longer, and the old code does not know it.
DROP INDEX confirmations_open;
DELETE FROM confirmations WHERE refused_by IS NOT NULL;
ALTER TABLE confirmations DROP COLUMN body, DROP COLUMN refused_by, DROP COLUMN refused_at;
CREATE UNIQUE INDEX confirmations_open ON confirmations (loan_id, action, fingerprint)
    WHERE confirmed_by IS NULL;
