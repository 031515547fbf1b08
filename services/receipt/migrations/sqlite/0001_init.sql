-- +goose Up

-- Copies of what fundraiser tells. A lower version never overwrites.
CREATE TABLE organization (
    id           TEXT    NOT NULL PRIMARY KEY,
    code         TEXT    NOT NULL,
    legal_name   TEXT    NOT NULL,
    address      TEXT    NOT NULL, -- a line each
    registration TEXT    NOT NULL,
    contact      TEXT    NOT NULL,
    time_zone    TEXT    NOT NULL, -- IANA
    profile      TEXT    NOT NULL,
    version      INTEGER NOT NULL
) STRICT;

CREATE TABLE fund (
    organization_id TEXT    NOT NULL,
    code            TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    version         INTEGER NOT NULL,
    PRIMARY KEY (organization_id, code)
) STRICT;

-- A gift whose receipt is not issued. The row goes when the receipt comes.
CREATE TABLE receipt_due (
    donation_id       TEXT    NOT NULL PRIMARY KEY,
    organization_id   TEXT    NOT NULL,
    fund_code         TEXT    NOT NULL,
    gift_minor        INTEGER NOT NULL,
    cover_minor       INTEGER NOT NULL,
    currency          TEXT    NOT NULL,
    paid_at           INTEGER NOT NULL,
    payment_reference TEXT    NOT NULL,
    traceparent       TEXT    NOT NULL,
    succeeded_at      INTEGER NOT NULL,
    attempts          INTEGER NOT NULL DEFAULT 0,
    next_attempt_at   INTEGER NOT NULL DEFAULT 0,
    parked_at         INTEGER NOT NULL DEFAULT 0, -- 0: not parked
    parked_reason     TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX receipt_due_next ON receipt_due (next_attempt_at, succeeded_at, donation_id) WHERE parked_at = 0;

-- One row per series. Only the transaction that inserts the receipts may move
-- the counter: that is what makes the series dense.
CREATE TABLE receipt_series (
    organization_id TEXT    NOT NULL,
    year            INTEGER NOT NULL,
    last_sequence   INTEGER NOT NULL,
    PRIMARY KEY (organization_id, year)
) STRICT;

-- What was issued, for ever as it was issued.
CREATE TABLE receipt (
    number                    TEXT    NOT NULL PRIMARY KEY,
    version                   INTEGER NOT NULL,
    organization_id           TEXT    NOT NULL,
    code                      TEXT    NOT NULL,
    year                      INTEGER NOT NULL,
    sequence                  INTEGER NOT NULL CHECK (sequence > 0),
    donation_id               TEXT    NOT NULL UNIQUE,
    profile                   TEXT    NOT NULL,
    organization_legal_name   TEXT    NOT NULL,
    organization_address      TEXT    NOT NULL, -- a line each
    organization_registration TEXT    NOT NULL,
    organization_contact      TEXT    NOT NULL,
    donor_name                TEXT    NOT NULL, -- personal data
    donor_email               TEXT    NOT NULL, -- personal data
    gift_minor                INTEGER NOT NULL CHECK (gift_minor > 0),
    cover_minor               INTEGER NOT NULL CHECK (cover_minor >= 0),
    currency                  TEXT    NOT NULL,
    fund_name                 TEXT    NOT NULL,
    received_on               TEXT    NOT NULL, -- YYYY-MM-DD
    issued_on                 TEXT    NOT NULL, -- YYYY-MM-DD
    payment_reference         TEXT    NOT NULL,
    language                  TEXT    NOT NULL,
    issued_at                 INTEGER NOT NULL,
    trace_id                  TEXT    NOT NULL,
    UNIQUE (organization_id, year, sequence)
) STRICT;

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

-- REPLACE deletes without firing delete triggers, so it is stopped beforehand.
-- +goose StatementBegin
CREATE TRIGGER receipt_no_replace BEFORE INSERT ON receipt
WHEN EXISTS (
    SELECT 1 FROM receipt
    WHERE number = NEW.number OR donation_id = NEW.donation_id
       OR (organization_id = NEW.organization_id AND year = NEW.year AND sequence = NEW.sequence)
)
BEGIN
    SELECT RAISE(ABORT, 'a receipt is never replaced in place');
END;
-- +goose StatementEnd

-- The receipt's mail: state that does change, and so is not on the receipt.
CREATE TABLE receipt_mail (
    number          TEXT    NOT NULL PRIMARY KEY REFERENCES receipt (number),
    mailed_at       INTEGER NOT NULL DEFAULT 0, -- 0: due
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL DEFAULT 0,
    parked_at       INTEGER NOT NULL DEFAULT 0, -- 0: not parked
    parked_reason   TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX receipt_mail_next ON receipt_mail (next_attempt_at, number) WHERE mailed_at = 0 AND parked_at = 0;

-- +goose Down
DROP TABLE receipt_mail;
DROP TABLE receipt;
DROP TABLE receipt_series;
DROP TABLE receipt_due;
DROP TABLE fund;
DROP TABLE organization;
