DROP TABLE warning_followups;
ALTER TABLE loans DROP CONSTRAINT loans_turn_npa_once;
ALTER TABLE loans DROP COLUMN turns_npa_on;
