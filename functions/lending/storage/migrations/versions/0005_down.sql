DROP TABLE risk_movements, risk_cells, risk_loans, risk_reports;
