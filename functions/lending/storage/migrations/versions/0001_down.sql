-- Roles stay: they belong to the server, and another database on it may use them.
DROP TABLE business_dates, audit, webhook_deliveries, webhook_endpoints, outbox, idempotency_keys, journal_lines, journal_entries,
    allocations, instalments, schedule_versions, npa_tracking, guarantors, collateral, confirmations, adjustments,
    charges, repayments, disbursements, loans, decisions, applications, kyc, employment,
    customer_versions, customers, products, branches;
DROP FUNCTION require_balance, refuse_change, request_branches, request_customer;
DROP DOMAIN reference, percent, money_amount;
