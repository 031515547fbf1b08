-- +goose Up

-- A gift may get several receipts, one after the other, and of a gift nothing may
-- be left but the cover. SQLite cannot take a constraint away, so the table is
-- made anew; what refers to it is looked at when all is there again.
PRAGMA defer_foreign_keys = ON;
CREATE TABLE receipt_kept AS SELECT * FROM receipt;
DROP TABLE receipt;
CREATE TABLE receipt (
    number                    TEXT    NOT NULL PRIMARY KEY,
    version                   INTEGER NOT NULL,
    organization_id           TEXT    NOT NULL,
    code                      TEXT    NOT NULL,
    year                      INTEGER NOT NULL,
    sequence                  INTEGER NOT NULL CHECK (sequence > 0),
    donation_id               TEXT    NOT NULL,
    profile                   TEXT    NOT NULL,
    organization_legal_name   TEXT    NOT NULL,
    organization_address      TEXT    NOT NULL, -- a line each
    organization_registration TEXT    NOT NULL,
    organization_contact      TEXT    NOT NULL,
    donor_name                TEXT    NOT NULL, -- personal data
    donor_email               TEXT    NOT NULL, -- personal data
    gift_minor                INTEGER NOT NULL CHECK (gift_minor >= 0),
    cover_minor               INTEGER NOT NULL CHECK (cover_minor >= 0),
    currency                  TEXT    NOT NULL,
    fund_name                 TEXT    NOT NULL,
    received_on               TEXT    NOT NULL, -- YYYY-MM-DD
    issued_on                 TEXT    NOT NULL, -- YYYY-MM-DD
    payment_reference         TEXT    NOT NULL,
    language                  TEXT    NOT NULL,
    issued_at                 INTEGER NOT NULL,
    trace_id                  TEXT    NOT NULL,
    replaces                  TEXT    NOT NULL DEFAULT '', -- number of the one before it
    monthly                   INTEGER NOT NULL DEFAULT 0 CHECK (monthly IN (0, 1)),
    UNIQUE (organization_id, year, sequence),
    UNIQUE (donation_id, version),
    CHECK (gift_minor + cover_minor > 0)
) STRICT;
INSERT INTO receipt (number, version, organization_id, code, year, sequence, donation_id, profile, organization_legal_name,
    organization_address, organization_registration, organization_contact, donor_name, donor_email, gift_minor,
    cover_minor, currency, fund_name, received_on, issued_on, payment_reference, language, issued_at, trace_id)
SELECT number, version, organization_id, code, year, sequence, donation_id, profile, organization_legal_name,
    organization_address, organization_registration, organization_contact, donor_name, donor_email, gift_minor,
    cover_minor, currency, fund_name, received_on, issued_on, payment_reference, language, issued_at, trace_id FROM receipt_kept;
DROP TABLE receipt_kept;

-- +goose StatementBegin
CREATE TRIGGER receipt_no_update BEFORE UPDATE ON receipt
BEGIN
    SELECT RAISE(ABORT, 'a receipt is never changed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER receipt_no_delete BEFORE DELETE ON receipt
BEGIN
    SELECT RAISE(ABORT, 'a receipt is never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER receipt_no_replace BEFORE INSERT ON receipt
WHEN EXISTS (
    SELECT 1 FROM receipt
    WHERE number = NEW.number OR (donation_id = NEW.donation_id AND version = NEW.version)
       OR (organization_id = NEW.organization_id AND year = NEW.year AND sequence = NEW.sequence)
)
BEGIN
    SELECT RAISE(ABORT, 'a receipt is never replaced in place');
END;
-- +goose StatementEnd

ALTER TABLE receipt_due ADD COLUMN monthly INTEGER NOT NULL DEFAULT 0 CHECK (monthly IN (0, 1));

-- A mail that became pointless before it was handed over.
ALTER TABLE receipt_mail ADD COLUMN withdrawn INTEGER NOT NULL DEFAULT 0 CHECK (withdrawn IN (0, 1));

-- The end of a receipt, a row of its own: what was issued stays as it is.
CREATE TABLE receipt_ending (
    number      TEXT    NOT NULL PRIMARY KEY REFERENCES receipt (number),
    state       TEXT    NOT NULL CHECK (state IN ('void', 'replaced')),
    replaced_by TEXT    NOT NULL, -- number; empty when nothing is left to receipt
    ended_at    INTEGER NOT NULL
) STRICT;

-- What happened to gifts after they were paid. The key makes each count once.
CREATE TABLE gift_change (
    donation_id TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    object      TEXT    NOT NULL, -- Stripe's refund or dispute
    gift_minor  INTEGER NOT NULL, -- what it takes of the gift
    cover_minor INTEGER NOT NULL,
    currency    TEXT    NOT NULL,
    PRIMARY KEY (donation_id, kind, object)
) STRICT;

-- Gifts whose receipt may not say any more what is left. The row goes when it does.
CREATE TABLE receipt_correction (
    donation_id     TEXT    NOT NULL PRIMARY KEY,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL DEFAULT 0,
    parked_at       INTEGER NOT NULL DEFAULT 0, -- 0: not parked
    parked_reason   TEXT    NOT NULL DEFAULT ''
) STRICT;

-- The mail that tells a donor that a receipt is void.
CREATE TABLE receipt_notice (
    number          TEXT    NOT NULL PRIMARY KEY REFERENCES receipt (number),
    mailed_at       INTEGER NOT NULL DEFAULT 0, -- 0: due
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL DEFAULT 0,
    parked_at       INTEGER NOT NULL DEFAULT 0, -- 0: not parked
    parked_reason   TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX receipt_notice_next ON receipt_notice (next_attempt_at, number) WHERE mailed_at = 0 AND parked_at = 0;

-- +goose StatementBegin
CREATE TRIGGER receipt_ending_no_update BEFORE UPDATE ON receipt_ending
BEGIN
    SELECT RAISE(ABORT, 'the end of a receipt is never changed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER receipt_ending_no_delete BEFORE DELETE ON receipt_ending
BEGIN
    SELECT RAISE(ABORT, 'the end of a receipt is never taken back');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER receipt_ending_no_replace BEFORE INSERT ON receipt_ending
WHEN EXISTS (SELECT 1 FROM receipt_ending WHERE number = NEW.number)
BEGIN
    SELECT RAISE(ABORT, 'the end of a receipt is never replaced in place');
END;
-- +goose StatementEnd
