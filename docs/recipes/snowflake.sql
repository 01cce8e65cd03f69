-- Written by `python -m functions.scoring.snowflake`: run it as a role that may make integrations.
-- GATEWAY_AUDIENCE is the name of the gateway's managed service. Give the account that
-- DESCRIBE INTEGRATION surety shows as API_GCP_SERVICE_ACCOUNT to the gateway's configuration.
CREATE OR REPLACE API INTEGRATION surety
  API_PROVIDER = GOOGLE_API_GATEWAY
  GOOGLE_AUDIENCE = 'GATEWAY_AUDIENCE'
  API_ALLOWED_PREFIXES = ('https://GATEWAY.ew.gateway.dev/snowflake/')
  ENABLED = TRUE;

CREATE OR REPLACE SECURE EXTERNAL FUNCTION application(
  age NUMBER,
  income FLOAT,
  employment_length FLOAT,
  credit_score NUMBER,
  num_credit_lines NUMBER,
  credit_utilization FLOAT,
  debt_to_income FLOAT,
  total_debt FLOAT,
  savings FLOAT,
  loan_amount FLOAT,
  loan_term NUMBER,
  num_late_payments NUMBER,
  num_bankruptcies NUMBER,
  inquiries_last_6m NUMBER,
  employment_status VARCHAR,
  home_ownership VARCHAR,
  loan_purpose VARCHAR
)
  RETURNS VARIANT
  CALLED ON NULL INPUT
  VOLATILE
  API_INTEGRATION = surety
  HEADERS = ('errors' = 'by_row')
  MAX_BATCH_ROWS = 1000
  COMPRESSION = NONE
  AS 'https://GATEWAY.ew.gateway.dev/snowflake/application';

CREATE OR REPLACE SECURE EXTERNAL FUNCTION bureau(
  age NUMBER,
  income FLOAT,
  loan_amount FLOAT,
  loan_tenure_months NUMBER,
  avg_dpd_per_delinquency FLOAT,
  delinquency_ratio FLOAT,
  credit_utilization_ratio FLOAT,
  number_of_open_accounts NUMBER,
  residence_type VARCHAR,
  loan_purpose VARCHAR,
  loan_type VARCHAR
)
  RETURNS VARIANT
  CALLED ON NULL INPUT
  VOLATILE
  API_INTEGRATION = surety
  HEADERS = ('errors' = 'by_row')
  MAX_BATCH_ROWS = 1000
  COMPRESSION = NONE
  AS 'https://GATEWAY.ew.gateway.dev/snowflake/bureau';

CREATE OR REPLACE SECURE EXTERNAL FUNCTION card_default(
  limit_bal FLOAT,
  sex NUMBER,
  education NUMBER,
  marriage NUMBER,
  age NUMBER,
  pay_0 NUMBER,
  pay_2 NUMBER,
  pay_3 NUMBER,
  pay_4 NUMBER,
  pay_5 NUMBER,
  pay_6 NUMBER,
  bill_amt1 FLOAT,
  bill_amt2 FLOAT,
  bill_amt3 FLOAT,
  bill_amt4 FLOAT,
  bill_amt5 FLOAT,
  bill_amt6 FLOAT,
  pay_amt1 FLOAT,
  pay_amt2 FLOAT,
  pay_amt3 FLOAT,
  pay_amt4 FLOAT,
  pay_amt5 FLOAT,
  pay_amt6 FLOAT
)
  RETURNS VARIANT
  CALLED ON NULL INPUT
  VOLATILE
  API_INTEGRATION = surety
  HEADERS = ('errors' = 'by_row')
  MAX_BATCH_ROWS = 1000
  COMPRESSION = NONE
  AS 'https://GATEWAY.ew.gateway.dev/snowflake/card_default';

CREATE OR REPLACE SECURE EXTERNAL FUNCTION customer(
  customer_id VARCHAR,
  age NUMBER,
  annual_income FLOAT,
  credit_utilization FLOAT,
  payment_history_score NUMBER,
  employment_years FLOAT,
  num_credit_accounts NUMBER,
  total_debt FLOAT,
  interest_rate FLOAT,
  unemployment_rate FLOAT,
  education VARCHAR,
  region VARCHAR,
  mean_utilization_3m FLOAT,
  account_age_months NUMBER,
  late_payments_3m NUMBER,
  late_payments_6m NUMBER,
  late_payments_12m NUMBER,
  worst_days_past_due_3m NUMBER,
  worst_days_past_due_6m NUMBER,
  worst_days_past_due_12m NUMBER,
  paid_share_12m FLOAT,
  inquiries_6m NUMBER,
  policy_rate FLOAT,
  gdp_growth FLOAT
)
  RETURNS VARIANT
  CALLED ON NULL INPUT
  VOLATILE
  API_INTEGRATION = surety
  HEADERS = ('errors' = 'by_row')
  MAX_BATCH_ROWS = 1000
  COMPRESSION = NONE
  AS 'https://GATEWAY.ew.gateway.dev/snowflake/customer';

CREATE OR REPLACE SECURE EXTERNAL FUNCTION german_credit(
  status VARCHAR,
  month NUMBER,
  credit_history VARCHAR,
  purpose VARCHAR,
  credit_amount FLOAT,
  savings VARCHAR,
  employment VARCHAR,
  investment_as_income_percentage NUMBER,
  personal_status VARCHAR,
  other_debtors VARCHAR,
  residence_since NUMBER,
  property VARCHAR,
  age NUMBER,
  installment_plans VARCHAR,
  housing VARCHAR,
  number_of_credits NUMBER,
  skill_level VARCHAR,
  people_liable_for NUMBER,
  telephone VARCHAR,
  foreign_worker VARCHAR
)
  RETURNS VARIANT
  CALLED ON NULL INPUT
  VOLATILE
  API_INTEGRATION = surety
  HEADERS = ('errors' = 'by_row')
  MAX_BATCH_ROWS = 1000
  COMPRESSION = NONE
  AS 'https://GATEWAY.ew.gateway.dev/snowflake/german_credit';

CREATE OR REPLACE SECURE EXTERNAL FUNCTION instalment(
  age NUMBER,
  employment_type VARCHAR,
  years_of_experience FLOAT,
  monthly_income FLOAT,
  other_instalments FLOAT,
  loan_amount FLOAT,
  loan_tenure_months NUMBER,
  interest_rate FLOAT,
  loan_purpose VARCHAR,
  bureau_score NUMBER,
  bureau_enquiries NUMBER
)
  RETURNS VARIANT
  CALLED ON NULL INPUT
  VOLATILE
  API_INTEGRATION = surety
  HEADERS = ('errors' = 'by_row')
  MAX_BATCH_ROWS = 1000
  COMPRESSION = NONE
  AS 'https://GATEWAY.ew.gateway.dev/snowflake/instalment';
