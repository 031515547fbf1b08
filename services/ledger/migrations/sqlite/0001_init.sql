-- +goose Up
CREATE TABLE organization (
    id        TEXT    NOT NULL PRIMARY KEY,
    slug      TEXT    NOT NULL,
    code      TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    time_zone TEXT    NOT NULL,
    version   INTEGER NOT NULL
) STRICT;

-- Codes are not unique here: these are copies, and two funds that swap codes
-- arrive one after the other.
CREATE TABLE fund (
    id              TEXT    NOT NULL PRIMARY KEY,
    organization_id TEXT    NOT NULL,
    code            TEXT    NOT NULL,
    version         INTEGER NOT NULL
) STRICT;
CREATE INDEX fund_code ON fund (organization_id, code);

-- The newest entry of each chain. It is kept apart from the entries so that
-- cutting off the newest ones is noticed, and it is the row that writers lock.
CREATE TABLE chain_head (
    organization_id TEXT    NOT NULL PRIMARY KEY,
    number          INTEGER NOT NULL,
    hash            TEXT    NOT NULL
) STRICT;

CREATE TABLE journal_entry (
    organization_id TEXT    NOT NULL,
    number          INTEGER NOT NULL,
    business_key    TEXT    NOT NULL UNIQUE,
    rule            TEXT    NOT NULL,
    rule_version    INTEGER NOT NULL,
    description     TEXT    NOT NULL,
    event_id        TEXT    NOT NULL,
    account_id      TEXT    NOT NULL,
    stripe_ids      TEXT    NOT NULL,
    donation_id     TEXT    NOT NULL,
    trace_id        TEXT    NOT NULL,
    occurred_at     INTEGER NOT NULL,
    posted_at       INTEGER NOT NULL,
    booked_on       TEXT    NOT NULL,
    previous_hash   TEXT    NOT NULL,
    hash            TEXT    NOT NULL,
    PRIMARY KEY (organization_id, number)
) STRICT;
CREATE INDEX journal_entry_donation ON journal_entry (donation_id) WHERE donation_id <> '';
CREATE INDEX journal_entry_day ON journal_entry (organization_id, booked_on, number);

-- No foreign key to journal_entry: it would be checked line by line on the way
-- in, and walking the chain finds postings without their entry anyway.
CREATE TABLE posting (
    organization_id TEXT    NOT NULL,
    number          INTEGER NOT NULL,
    line            INTEGER NOT NULL,
    account         TEXT    NOT NULL,
    currency        TEXT    NOT NULL,
    minor           INTEGER NOT NULL CHECK (minor <> 0),
    booked_on       TEXT    NOT NULL,
    rule            TEXT    NOT NULL,
    account_id      TEXT    NOT NULL,
    fund            TEXT    NOT NULL,
    appeal_id       TEXT    NOT NULL,
    fundraiser_id   TEXT    NOT NULL,
    team_id         TEXT    NOT NULL,
    channel         TEXT    NOT NULL,
    item            TEXT    NOT NULL,
    PRIMARY KEY (organization_id, number, line)
) STRICT, WITHOUT ROWID;
-- All sums are added up from this index alone, which is why a posting repeats
-- its entry's day, rule and Stripe account (walking the chain compares them).
-- There is no table of balances: it would be a second truth to keep equal to the
-- first, and a row per account and day that every batch rewrites.
CREATE INDEX posting_balance ON posting (organization_id, account, currency, booked_on, minor, rule, account_id);
CREATE INDEX posting_item ON posting (account, organization_id, currency, item, minor) WHERE item <> '';

-- The books are only added to; corrections are new entries.
-- +goose StatementBegin
CREATE TRIGGER journal_entry_no_update BEFORE UPDATE ON journal_entry
BEGIN SELECT RAISE(ABORT, 'journal_entry is only added to: corrections are new entries'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER journal_entry_no_delete BEFORE DELETE ON journal_entry
BEGIN SELECT RAISE(ABORT, 'journal_entry is only added to: corrections are new entries'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER posting_no_update BEFORE UPDATE ON posting
BEGIN SELECT RAISE(ABORT, 'posting is only added to: corrections are new entries'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER posting_no_delete BEFORE DELETE ON posting
BEGIN SELECT RAISE(ABORT, 'posting is only added to: corrections are new entries'); END;
-- +goose StatementEnd
