-- The application that this one answers: the lender's offer at other terms than the customer asked for.
ALTER TABLE applications ADD COLUMN counter_to uuid;
ALTER TABLE applications ADD CONSTRAINT applications_counter_to_fkey
    FOREIGN KEY (counter_to) REFERENCES applications NOT VALID;
ALTER TABLE applications ADD CONSTRAINT applications_counter_to_another CHECK (counter_to <> id) NOT VALID;
-- squawk-ignore require-concurrent-index-creation -- no row has a value yet: the index is empty
CREATE INDEX applications_by_counter_to ON applications (counter_to) WHERE counter_to IS NOT NULL;
