DROP INDEX early_warnings_by_loan;
DROP TABLE warning_followups;
ALTER TABLE loans DROP CONSTRAINT loans_turn_npa_once;
ALTER TABLE loans DROP COLUMN turns_npa_on;
