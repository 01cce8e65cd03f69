-- Figures of the whole book as each close compared them with a limit. Without enough rows there is no value.
CREATE TABLE book_alerts (
    business_date date NOT NULL,
    name text NOT NULL,
    figure text NOT NULL,
    value numeric(12, 4) CHECK (value < 1e8),
    comparison text NOT NULL CHECK (comparison IN ('above', 'below')),
    threshold numeric(12, 4) NOT NULL CHECK (threshold < 1e8),
    severity text NOT NULL CHECK (severity IN ('warning', 'critical')),
    text text NOT NULL,
    firing_since date CHECK (firing_since <= business_date),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (business_date, name)
);

-- Each run of the nightly check; the row is written once it has ended.
CREATE TABLE book_checks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    business_date date NOT NULL,
    borrowers integer NOT NULL,
    loans integer NOT NULL,
    different integer NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TRIGGER only_appended BEFORE UPDATE OR DELETE OR TRUNCATE ON book_alerts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_appended BEFORE UPDATE OR DELETE OR TRUNCATE ON book_checks
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- They are about all branches, so whoever sees some branches sees none of them.
GRANT SELECT, INSERT ON book_alerts, book_checks TO lending_book;
GRANT SELECT ON book_alerts, book_checks TO lending_reader;
