DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['loans', 'applications', 'instalments'] LOOP
        EXECUTE format('DROP TRIGGER count_updated ON %I', name);
        EXECUTE format('DROP TRIGGER count_replaced ON %I', name);
        EXECUTE format('DROP TRIGGER count_deleted ON %I', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['loans', 'applications', 'instalments', 'repayments', 'adjustments', 'collateral'] LOOP
        EXECUTE format('DROP TRIGGER count_inserted ON %I', name);
    END LOOP;
END
$$;
DROP FUNCTION count_loans, count_applications, count_instalments, count_repayments, count_reversals, count_collateral;
DROP TABLE loan_cells, application_cells, due_cells, payment_cells, collateral_cells;
ALTER TABLE loans DROP COLUMN is_secured;
