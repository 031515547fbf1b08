-- +goose Up

-- A gift may get several receipts, one after the other, and of a gift nothing may
-- be left but the cover.
ALTER TABLE receipt DROP CONSTRAINT receipt_donation_id_key;
ALTER TABLE receipt DROP CONSTRAINT receipt_gift_minor_check;
ALTER TABLE receipt ADD COLUMN replaces TEXT COLLATE "C" NOT NULL DEFAULT ''; -- number of the one before it
ALTER TABLE receipt ADD COLUMN monthly BIGINT NOT NULL DEFAULT 0 CHECK (monthly IN (0, 1));
ALTER TABLE receipt ADD CONSTRAINT receipt_donation_version UNIQUE (donation_id, version);
ALTER TABLE receipt ADD CONSTRAINT receipt_of_something CHECK (gift_minor >= 0 AND gift_minor + cover_minor > 0);

ALTER TABLE receipt_due ADD COLUMN monthly BIGINT NOT NULL DEFAULT 0 CHECK (monthly IN (0, 1));

-- A mail that became pointless before it was handed over.
ALTER TABLE receipt_mail ADD COLUMN withdrawn BIGINT NOT NULL DEFAULT 0 CHECK (withdrawn IN (0, 1));

-- The end of a receipt, a row of its own: what was issued stays as it is.
CREATE TABLE receipt_ending (
    number      TEXT COLLATE "C"    NOT NULL PRIMARY KEY REFERENCES receipt (number),
    state       TEXT COLLATE "C"    NOT NULL CHECK (state IN ('void', 'replaced')),
    replaced_by TEXT COLLATE "C"    NOT NULL, -- number; empty when nothing is left to receipt
    ended_at    BIGINT NOT NULL
);

-- What happened to gifts after they were paid. The key makes each count once.
CREATE TABLE gift_change (
    donation_id TEXT COLLATE "C"    NOT NULL,
    kind        TEXT COLLATE "C"    NOT NULL,
    object      TEXT COLLATE "C"    NOT NULL, -- Stripe's refund or dispute
    gift_minor  BIGINT NOT NULL, -- what it takes of the gift
    cover_minor BIGINT NOT NULL,
    currency    TEXT COLLATE "C"    NOT NULL,
    PRIMARY KEY (donation_id, kind, object)
);

-- Gifts whose receipt may not say any more what is left. The row goes when it does.
CREATE TABLE receipt_correction (
    donation_id     TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    attempts        BIGINT NOT NULL DEFAULT 0,
    next_attempt_at BIGINT NOT NULL DEFAULT 0,
    parked_at       BIGINT NOT NULL DEFAULT 0, -- 0: not parked
    parked_reason   TEXT    NOT NULL DEFAULT ''
);

-- The mail that tells a donor that a receipt is void.
CREATE TABLE receipt_notice (
    number          TEXT COLLATE "C"    NOT NULL PRIMARY KEY REFERENCES receipt (number),
    mailed_at       BIGINT NOT NULL DEFAULT 0, -- 0: due
    attempts        BIGINT NOT NULL DEFAULT 0,
    next_attempt_at BIGINT NOT NULL DEFAULT 0,
    parked_at       BIGINT NOT NULL DEFAULT 0, -- 0: not parked
    parked_reason   TEXT    NOT NULL DEFAULT ''
);
CREATE INDEX receipt_notice_next ON receipt_notice (next_attempt_at, number) WHERE mailed_at = 0 AND parked_at = 0;

-- +goose StatementBegin
CREATE FUNCTION receipt_ending_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the end of a receipt is never changed or deleted';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER receipt_ending_no_change BEFORE UPDATE OR DELETE ON receipt_ending
    FOR EACH ROW EXECUTE FUNCTION receipt_ending_is_immutable();
CREATE TRIGGER receipt_ending_no_truncate BEFORE TRUNCATE ON receipt_ending
    FOR EACH STATEMENT EXECUTE FUNCTION receipt_ending_is_immutable();
