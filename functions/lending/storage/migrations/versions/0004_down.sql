DROP SCHEMA portfolio_v1 CASCADE;
DROP TRIGGER add_origins ON loans;
DROP TRIGGER count_segments_inserted ON loans;
DROP TRIGGER count_segments_updated ON loans;
DROP FUNCTION add_origins, count_segments, add_exposures, derive_origins, create_month, erase_customer;
DROP TYPE exposure_change;
DROP TABLE loan_origins, segment_cells, borrower_exposures, loan_months, month_ends, roll_cells, vintage_cells,
    month_cells, early_warnings;
DROP FUNCTION arrears_bucket, income_band, score_band;
DROP INDEX loans_in_arrears, instalments_met_late, applications_by_day, decisions_by_customer;
CREATE INDEX loans_in_arrears ON loans (days_past_due DESC, id) WHERE days_past_due > 0;
