ALTER TABLE applications DROP COLUMN counter_to;
