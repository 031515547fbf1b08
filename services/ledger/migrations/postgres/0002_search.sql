-- +goose Up

-- Every id that an entry names, so that the books can be searched for what stands
-- on a bank statement or in a log: one row per entry and id. It repeats what the
-- entries say, and is filled with them, in their transaction.
CREATE TABLE entry_reference (
    reference       TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL,
    number          BIGINT NOT NULL,
    PRIMARY KEY (reference, organization_id, number)
);

-- Stripe's ids are one text with single spaces between them.
INSERT INTO entry_reference (reference, organization_id, number)
SELECT unnest(string_to_array(stripe_ids, ' ')), organization_id, number FROM journal_entry WHERE stripe_ids <> ''
UNION SELECT event_id, organization_id, number FROM journal_entry WHERE event_id <> ''
UNION SELECT donation_id, organization_id, number FROM journal_entry WHERE donation_id <> ''
UNION SELECT trace_id, organization_id, number FROM journal_entry WHERE trace_id <> '';

CREATE TRIGGER entry_reference_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON entry_reference
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A donation is found as every other id is.
DROP INDEX journal_entry_donation;

-- The same sums from the index alone, and now an account line by line as well.
DROP INDEX posting_balance;
CREATE INDEX posting_balance ON posting (organization_id, account, currency, booked_on, number, line, minor, rule, account_id);

-- Income and expenses by day, appeal and fund, from the index alone.
CREATE INDEX posting_activity ON posting (organization_id, booked_on, account, currency, appeal_id, fund, minor, rule) WHERE account >= '4000';

-- What the journal is filtered by, each in the order of numbers: a page of a rare
-- account must not read the whole journal to find its few entries.
CREATE INDEX journal_entry_rule ON journal_entry (organization_id, rule, number);
CREATE INDEX posting_account ON posting (organization_id, account, number);
CREATE INDEX posting_currency ON posting (organization_id, currency, number);
CREATE INDEX posting_fund ON posting (organization_id, fund, number) WHERE fund <> '';
CREATE INDEX posting_appeal ON posting (organization_id, appeal_id, number) WHERE appeal_id <> '';
CREATE INDEX posting_fundraiser ON posting (organization_id, fundraiser_id, number) WHERE fundraiser_id <> '';
