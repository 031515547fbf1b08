-- +goose Up

-- Copies of what fundraiser tells. A lower version never overwrites.
CREATE TABLE organization (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    code         TEXT COLLATE "C" NOT NULL,
    legal_name   TEXT             NOT NULL,
    address      TEXT             NOT NULL, -- a line each
    registration TEXT             NOT NULL,
    contact      TEXT             NOT NULL,
    time_zone    TEXT             NOT NULL, -- IANA
    profile      TEXT             NOT NULL,
    version      BIGINT           NOT NULL
);

CREATE TABLE fund (
    organization_id TEXT COLLATE "C" NOT NULL,
    code            TEXT COLLATE "C" NOT NULL,
    name            TEXT             NOT NULL,
    version         BIGINT           NOT NULL,
    PRIMARY KEY (organization_id, code)
);

-- A gift whose receipt is not issued. The row goes when the receipt comes.
CREATE TABLE receipt_due (
    donation_id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id   TEXT COLLATE "C" NOT NULL,
    fund_code         TEXT             NOT NULL,
    gift_minor        BIGINT           NOT NULL,
    cover_minor       BIGINT           NOT NULL,
    currency          TEXT COLLATE "C" NOT NULL,
    paid_at           BIGINT           NOT NULL,
    payment_reference TEXT             NOT NULL,
    traceparent       TEXT             NOT NULL,
    succeeded_at      BIGINT           NOT NULL,
    attempts          BIGINT           NOT NULL DEFAULT 0,
    next_attempt_at   BIGINT           NOT NULL DEFAULT 0,
    parked_at         BIGINT           NOT NULL DEFAULT 0, -- 0: not parked
    parked_reason     TEXT             NOT NULL DEFAULT ''
);
CREATE INDEX receipt_due_next ON receipt_due (next_attempt_at, succeeded_at, donation_id) WHERE parked_at = 0;

-- One row per series. Only the transaction that inserts the receipts may move
-- the counter: that is what makes the series dense.
CREATE TABLE receipt_series (
    organization_id TEXT COLLATE "C" NOT NULL,
    year            BIGINT           NOT NULL,
    last_sequence   BIGINT           NOT NULL,
    PRIMARY KEY (organization_id, year)
);

-- What was issued, for ever as it was issued.
CREATE TABLE receipt (
    number                    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version                   BIGINT           NOT NULL,
    organization_id           TEXT COLLATE "C" NOT NULL,
    code                      TEXT COLLATE "C" NOT NULL,
    year                      BIGINT           NOT NULL,
    sequence                  BIGINT           NOT NULL CHECK (sequence > 0),
    donation_id               TEXT COLLATE "C" NOT NULL UNIQUE,
    profile                   TEXT             NOT NULL,
    organization_legal_name   TEXT             NOT NULL,
    organization_address      TEXT             NOT NULL, -- a line each
    organization_registration TEXT             NOT NULL,
    organization_contact      TEXT             NOT NULL,
    donor_name                TEXT             NOT NULL, -- personal data
    donor_email               TEXT             NOT NULL, -- personal data
    gift_minor                BIGINT           NOT NULL CHECK (gift_minor > 0),
    cover_minor               BIGINT           NOT NULL CHECK (cover_minor >= 0),
    currency                  TEXT COLLATE "C" NOT NULL,
    fund_name                 TEXT             NOT NULL,
    received_on               TEXT             NOT NULL, -- YYYY-MM-DD
    issued_on                 TEXT             NOT NULL, -- YYYY-MM-DD
    payment_reference         TEXT             NOT NULL,
    language                  TEXT             NOT NULL,
    issued_at                 BIGINT           NOT NULL,
    trace_id                  TEXT             NOT NULL,
    UNIQUE (organization_id, year, sequence)
);

-- +goose StatementBegin
CREATE FUNCTION receipt_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a receipt is never changed or deleted';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER receipt_no_change BEFORE UPDATE OR DELETE ON receipt
    FOR EACH ROW EXECUTE FUNCTION receipt_is_immutable();
CREATE TRIGGER receipt_no_truncate BEFORE TRUNCATE ON receipt
    FOR EACH STATEMENT EXECUTE FUNCTION receipt_is_immutable();

-- The receipt's mail: state that does change, and so is not on the receipt.
CREATE TABLE receipt_mail (
    number          TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES receipt (number),
    mailed_at       BIGINT           NOT NULL DEFAULT 0, -- 0: due
    attempts        BIGINT           NOT NULL DEFAULT 0,
    next_attempt_at BIGINT           NOT NULL DEFAULT 0,
    parked_at       BIGINT           NOT NULL DEFAULT 0, -- 0: not parked
    parked_reason   TEXT             NOT NULL DEFAULT ''
);
CREATE INDEX receipt_mail_next ON receipt_mail (next_attempt_at, number) WHERE mailed_at = 0 AND parked_at = 0;

-- +goose Down
DROP TABLE receipt_mail;
DROP TABLE receipt;
DROP FUNCTION receipt_is_immutable();
DROP TABLE receipt_series;
DROP TABLE receipt_due;
DROP TABLE fund;
DROP TABLE organization;
