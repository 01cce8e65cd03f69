-- The loan book. Facts and evidence are appended; states are derived from them.
CREATE DOMAIN money_amount AS numeric(18, 2) CHECK (VALUE >= 0 AND VALUE < 1e15);
CREATE DOMAIN percent AS numeric(9, 6) CHECK (VALUE >= 0 AND VALUE < 1000);
CREATE DOMAIN reference AS text CHECK (length(VALUE) BETWEEN 1 AND 128);

CREATE TABLE branches (
    id smallint PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 120)
);

-- A product is never changed: a new version is a new row, and loans keep theirs.
CREATE TABLE products (
    id smallint PRIMARY KEY,
    code text NOT NULL,
    version smallint NOT NULL,
    -- A code of ISO 4217 has three letters, always.
    -- squawk-ignore ban-char-field
    currency char(3) NOT NULL DEFAULT 'INR',
    rule_set text NOT NULL,
    instalment_unit numeric(4, 2) NOT NULL DEFAULT 0.01,
    instalment_mode text NOT NULL DEFAULT 'half_up',
    interest_unit numeric(4, 2) NOT NULL DEFAULT 0.01,
    interest_mode text NOT NULL DEFAULT 'half_up',
    allocation text NOT NULL DEFAULT 'instalment_first',
    npa_allocation text NOT NULL DEFAULT 'instalment_first',
    penal_rate percent NOT NULL DEFAULT 0,
    penal_flat money_amount NOT NULL DEFAULT 0,
    penal_grace_days smallint NOT NULL DEFAULT 0,
    prepayment_charge percent NOT NULL DEFAULT 0,
    exposure_limit money_amount NOT NULL,
    waiver_limit money_amount NOT NULL DEFAULT 1000,
    offer_days smallint NOT NULL DEFAULT 30 CHECK (offer_days BETWEEN 1 AND 365),
    UNIQUE (code, version)
);

CREATE TABLE customers (
    id bigint PRIMARY KEY CHECK (id > 0),
    branch_id smallint NOT NULL REFERENCES branches,
    full_name text NOT NULL CHECK (length(full_name) BETWEEN 1 AND 200),
    email text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    phone text NOT NULL CHECK (length(phone) BETWEEN 5 AND 32),
    city text NOT NULL CHECK (length(city) BETWEEN 1 AND 120),
    state text NOT NULL CHECK (length(state) BETWEEN 1 AND 120),
    date_of_birth date NOT NULL CHECK (date_of_birth > '1900-01-01'),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL
);
CREATE INDEX customers_by_branch ON customers (branch_id, id);

CREATE TABLE customer_versions (
    customer_id bigint NOT NULL REFERENCES customers,
    branch_id smallint NOT NULL,
    version integer NOT NULL,
    contact jsonb NOT NULL,
    replaced_by text NOT NULL,
    replaced_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, version)
);

CREATE TABLE employment (
    customer_id bigint NOT NULL REFERENCES customers,
    branch_id smallint NOT NULL,
    version integer NOT NULL,
    employer_name text NOT NULL CHECK (length(employer_name) BETWEEN 1 AND 200),
    employment_type text NOT NULL,
    monthly_income money_amount NOT NULL CHECK (monthly_income > 0),
    years_of_experience numeric(4, 1) NOT NULL CHECK (years_of_experience BETWEEN 0 AND 70),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (customer_id, version)
);

CREATE TABLE kyc (
    customer_id bigint NOT NULL REFERENCES customers,
    branch_id smallint NOT NULL,
    version integer NOT NULL,
    identity_type text NOT NULL,
    number_hash bytea NOT NULL CHECK (length(number_hash) = 32),
    last_four text NOT NULL CHECK (length(last_four) = 4),
    verified_by text NOT NULL,
    verified_at timestamptz NOT NULL,
    expires_on date NOT NULL,
    PRIMARY KEY (customer_id, version)
);

CREATE TABLE applications (
    id uuid PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers,
    branch_id smallint NOT NULL,
    product_id smallint NOT NULL REFERENCES products,
    amount money_amount NOT NULL CHECK (amount > 0),
    months smallint NOT NULL CHECK (months BETWEEN 1 AND 600),
    annual_rate percent NOT NULL,
    purpose text NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'approved', 'rejected', 'accepted', 'expired', 'withdrawn')),
    pending_cause text,
    requested_by text NOT NULL,
    request_key text,
    fingerprint bytea NOT NULL,
    expires_on date,
    version integer NOT NULL DEFAULT 1,
    business_date date NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (requested_by, request_key)
);
CREATE INDEX applications_by_customer ON applications (customer_id, id);
CREATE INDEX applications_by_branch ON applications (branch_id, id);
CREATE INDEX applications_pending ON applications (id) WHERE status = 'pending';
CREATE INDEX applications_offered ON applications (expires_on) WHERE status = 'approved';

-- What was decided on an application, by a model or by a person, and from what.
CREATE TABLE decisions (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications,
    customer_id bigint NOT NULL,
    branch_id smallint NOT NULL,
    decided_by text NOT NULL,
    is_automated boolean NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('approved', 'pending', 'rejected')),
    model text,
    model_version text,
    probability_of_default numeric(18, 17) CHECK (probability_of_default > 0 AND probability_of_default < 1),
    credit_score smallint,
    risk_level text,
    reasons jsonb NOT NULL DEFAULT '[]',
    contributors jsonb NOT NULL DEFAULT '[]',
    inputs jsonb NOT NULL DEFAULT '{}',
    factors jsonb NOT NULL DEFAULT '{}',
    code text,
    note text,
    created_at timestamptz NOT NULL
);
CREATE INDEX decisions_by_application ON decisions (application_id, created_at);
CREATE UNIQUE INDEX decisions_once_by_model ON decisions (application_id) WHERE is_automated;

CREATE TABLE loans (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL UNIQUE REFERENCES applications,
    customer_id bigint NOT NULL REFERENCES customers,
    branch_id smallint NOT NULL,
    product_id smallint NOT NULL REFERENCES products,
    amount money_amount NOT NULL CHECK (amount > 0),
    months smallint NOT NULL CHECK (months BETWEEN 1 AND 600),
    annual_rate percent NOT NULL,
    purpose text NOT NULL,
    created_at timestamptz NOT NULL,
    -- Derived from the facts, for lists and for the close of a day.
    status text NOT NULL CHECK (status IN ('granted', 'active', 'closed', 'written_off', 'settled')),
    as_of date NOT NULL,
    equal_instalment money_amount NOT NULL,
    disbursed money_amount NOT NULL DEFAULT 0,
    repaid_principal money_amount NOT NULL DEFAULT 0,
    written_off_principal money_amount NOT NULL DEFAULT 0,
    outstanding_principal money_amount NOT NULL DEFAULT 0,
    due_principal money_amount NOT NULL DEFAULT 0,
    due_interest money_amount NOT NULL DEFAULT 0,
    due_fees money_amount NOT NULL DEFAULT 0,
    due_penal_charges money_amount NOT NULL DEFAULT 0,
    credit money_amount NOT NULL DEFAULT 0,
    received money_amount NOT NULL DEFAULT 0,
    oldest_due date,
    days_past_due integer NOT NULL DEFAULT 0 CHECK (days_past_due >= 0),
    asset_class text NOT NULL DEFAULT 'standard',
    npa_since date,
    rule_set text NOT NULL,
    next_event_on date,
    closed_on date,
    journal_entries integer NOT NULL DEFAULT 0,
    allocations integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1,
    CHECK (outstanding_principal = disbursed - repaid_principal - written_off_principal)
);
CREATE INDEX loans_by_customer ON loans (customer_id, id);
CREATE INDEX loans_by_branch ON loans (branch_id, id);
CREATE INDEX loans_to_close ON loans (next_event_on, customer_id) WHERE next_event_on IS NOT NULL;
CREATE INDEX loans_in_arrears ON loans (days_past_due DESC, id) WHERE days_past_due > 0;

CREATE TABLE disbursements (
    id uuid PRIMARY KEY,
    loan_id uuid NOT NULL REFERENCES loans,
    branch_id smallint NOT NULL,
    reference reference NOT NULL,
    value_date date NOT NULL,
    amount money_amount NOT NULL CHECK (amount > 0),
    first_due_on date NOT NULL CHECK (first_due_on > value_date),
    due_day smallint NOT NULL CHECK (due_day BETWEEN 1 AND 31),
    posted_by text NOT NULL,
    business_date date NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (loan_id, reference)
);

CREATE TABLE repayments (
    id uuid PRIMARY KEY,
    loan_id uuid NOT NULL REFERENCES loans,
    branch_id smallint NOT NULL,
    reference reference NOT NULL,
    value_date date NOT NULL,
    amount money_amount NOT NULL CHECK (amount > 0),
    prepayment_option text CHECK (prepayment_option IN ('reduce_instalment', 'reduce_tenure')),
    posted_by text NOT NULL,
    business_date date NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (loan_id, reference)
);

CREATE TABLE charges (
    id uuid PRIMARY KEY,
    loan_id uuid NOT NULL REFERENCES loans,
    branch_id smallint NOT NULL,
    reference reference NOT NULL,
    value_date date NOT NULL,
    amount money_amount NOT NULL CHECK (amount > 0),
    note text NOT NULL DEFAULT '',
    posted_by text NOT NULL,
    business_date date NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (loan_id, reference)
);

-- Waivers, new terms, write-offs, and what takes a fact back.
CREATE TABLE adjustments (
    id uuid PRIMARY KEY,
    loan_id uuid NOT NULL REFERENCES loans,
    branch_id smallint NOT NULL,
    reference reference NOT NULL,
    value_date date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('waiver', 'reschedule', 'write_off', 'reversal')),
    amount money_amount CHECK (amount > 0),
    component text CHECK (component IN ('penal', 'fee', 'interest')),
    write_off_kind text CHECK (write_off_kind IN ('technical', 'settled')),
    months smallint CHECK (months BETWEEN 1 AND 600),
    annual_rate percent,
    reverses text,
    reason text NOT NULL DEFAULT '',
    posted_by text NOT NULL,
    approved_by text CHECK (approved_by <> posted_by),
    business_date date NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (loan_id, reference),
    CHECK ((kind = 'waiver') = (amount IS NOT NULL AND component IS NOT NULL)),
    CHECK ((kind = 'write_off') = (write_off_kind IS NOT NULL)),
    CHECK ((kind = 'reschedule') = (months IS NOT NULL AND annual_rate IS NOT NULL)),
    CHECK ((kind = 'reversal') = (reverses IS NOT NULL))
);
CREATE UNIQUE INDEX adjustments_reverse_once ON adjustments (loan_id, reverses) WHERE kind = 'reversal';

-- What one person asked for and a second one has to confirm by sending the same request.
CREATE TABLE confirmations (
    id uuid PRIMARY KEY,
    loan_id uuid NOT NULL REFERENCES loans,
    branch_id smallint NOT NULL,
    action text NOT NULL,
    fingerprint bytea NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    confirmed_by text CHECK (confirmed_by <> requested_by),
    confirmed_at timestamptz
);
CREATE UNIQUE INDEX confirmations_open ON confirmations (loan_id, action, fingerprint)
    WHERE confirmed_by IS NULL;

CREATE TABLE collateral (
    id uuid PRIMARY KEY,
    loan_id uuid NOT NULL REFERENCES loans,
    branch_id smallint NOT NULL,
    kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 64),
    description text NOT NULL CHECK (length(description) <= 500),
    value money_amount NOT NULL CHECK (value > 0),
    valued_on date NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX collateral_by_loan ON collateral (loan_id);

CREATE TABLE guarantors (
    id uuid PRIMARY KEY,
    loan_id uuid NOT NULL REFERENCES loans,
    branch_id smallint NOT NULL,
    full_name text NOT NULL CHECK (length(full_name) BETWEEN 1 AND 200),
    phone text NOT NULL CHECK (length(phone) BETWEEN 5 AND 32),
    relationship text NOT NULL CHECK (length(relationship) BETWEEN 1 AND 64),
    guaranteed money_amount NOT NULL CHECK (guaranteed > 0),
    created_at timestamptz NOT NULL
);
CREATE INDEX guarantors_by_loan ON guarantors (loan_id);

CREATE TABLE npa_tracking (
    loan_id uuid NOT NULL REFERENCES loans,
    branch_id smallint NOT NULL,
    business_date date NOT NULL,
    previous_class text NOT NULL,
    asset_class text NOT NULL,
    npa_since date,
    days_past_due integer NOT NULL,
    outstanding_principal money_amount NOT NULL,
    rule_set text NOT NULL,
    PRIMARY KEY (loan_id, business_date)
);

-- Derived, and replaced when the facts say otherwise.
CREATE TABLE schedule_versions (
    loan_id uuid NOT NULL REFERENCES loans,
    branch_id smallint NOT NULL,
    number smallint NOT NULL,
    effective_on date NOT NULL,
    reason text NOT NULL,
    reference text NOT NULL,
    equal_instalment money_amount NOT NULL,
    months smallint NOT NULL,
    total_interest money_amount NOT NULL,
    PRIMARY KEY (loan_id, number)
);

CREATE TABLE instalments (
    loan_id uuid NOT NULL REFERENCES loans,
    branch_id smallint NOT NULL,
    number smallint NOT NULL,
    due_on date NOT NULL,
    status text NOT NULL,
    interest money_amount NOT NULL,
    principal money_amount NOT NULL,
    unpaid_interest money_amount NOT NULL,
    unpaid_principal money_amount NOT NULL,
    unpaid_charges money_amount NOT NULL,
    paid money_amount NOT NULL,
    given_up money_amount NOT NULL,
    met_on date,
    PRIMARY KEY (loan_id, number)
);

-- Derived, and only appended: what no longer holds is mirrored.
CREATE TABLE allocations (
    loan_id uuid NOT NULL REFERENCES loans,
    branch_id smallint NOT NULL,
    position integer NOT NULL,
    value_date date NOT NULL,
    reference text NOT NULL,
    number smallint NOT NULL,
    component text NOT NULL,
    amount numeric(18, 2) NOT NULL CHECK (abs(amount) < 1e15),
    PRIMARY KEY (loan_id, position)
);

CREATE TABLE journal_entries (
    loan_id uuid NOT NULL REFERENCES loans,
    branch_id smallint NOT NULL,
    number integer NOT NULL,
    value_date date NOT NULL,
    kind text NOT NULL,
    reference text NOT NULL,
    is_correction boolean NOT NULL,
    business_date date NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (loan_id, number)
);

CREATE TABLE journal_lines (
    loan_id uuid NOT NULL,
    branch_id smallint NOT NULL,
    number integer NOT NULL,
    position smallint NOT NULL,
    account text NOT NULL,
    debit money_amount NOT NULL,
    credit money_amount NOT NULL,
    PRIMARY KEY (loan_id, number, position),
    FOREIGN KEY (loan_id, number) REFERENCES journal_entries,
    CHECK ((debit > 0) <> (credit > 0))
);

CREATE TABLE idempotency_keys (
    principal text NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint,
    headers jsonb NOT NULL DEFAULT '{}',
    body bytea,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (principal, route, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    loan_id uuid NOT NULL REFERENCES loans,
    branch_id smallint NOT NULL,
    sequence integer NOT NULL,
    type text NOT NULL,
    body jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (loan_id, sequence)
);

CREATE INDEX outbox_by_age ON outbox (created_at);

CREATE TABLE webhook_endpoints (
    id uuid PRIMARY KEY,
    url text NOT NULL CHECK (url LIKE 'https://%' AND length(url) <= 500),
    secret text NOT NULL,
    previous_secret text,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz,
    disabled_reason text
);

CREATE TABLE webhook_deliveries (
    outbox_id uuid NOT NULL REFERENCES outbox,
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoints,
    attempts smallint NOT NULL DEFAULT 0,
    due_at timestamptz,
    delivered_at timestamptz,
    last_outcome text,
    PRIMARY KEY (outbox_id, endpoint_id)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE audit (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    principal text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    branch_id smallint,
    request_id text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_by_subject ON audit (subject, at);

CREATE TABLE business_dates (
    business_date date PRIMARY KEY,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz
);
CREATE UNIQUE INDEX business_dates_one_open ON business_dates ((true)) WHERE closed_at IS NULL;
