-- +goose Up

-- What happened to a gift's money after it was paid. version counts what others were
-- told of the gift: until now that was its success alone.
ALTER TABLE donation ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE donation ADD COLUMN returned_minor INTEGER NOT NULL DEFAULT 0 CHECK (returned_minor >= 0);
ALTER TABLE donation ADD COLUMN dispute TEXT NOT NULL DEFAULT '' CHECK (dispute IN ('', 'inquiry', 'open', 'won', 'lost'));
ALTER TABLE donation ADD COLUMN payment_method TEXT NOT NULL DEFAULT '';
UPDATE donation SET version = 1 WHERE state = 'succeeded';
-- Sums are read from the index alone, and what went back is part of them.
DROP INDEX donation_sums;
CREATE INDEX donation_sums ON donation (organization_id, currency, gift_minor, cover_minor, returned_minor) WHERE state = 'succeeded';

-- Money given back, or asked for by staff. The key is the request's id, or Stripe's
-- for a refund that was made there. What staff wrote never changes.
CREATE TABLE refund (
	key               TEXT    PRIMARY KEY,
	request_id        TEXT    NOT NULL,
	refund_id         TEXT    NOT NULL,
	account_id        TEXT    NOT NULL,
	donation_id       TEXT    NOT NULL REFERENCES donation (id),
	charge_id         TEXT    NOT NULL,
	payment_intent_id TEXT    NOT NULL,
	amount_minor      INTEGER NOT NULL CHECK (amount_minor > 0),
	currency          TEXT    NOT NULL,
	status            TEXT    NOT NULL CHECK (status IN ('waiting', 'asked', 'declined', 'refused',
		'requires_action', 'pending', 'succeeded', 'canceled', 'failed')),
	reason            TEXT    NOT NULL,
	failure           TEXT    NOT NULL,
	created_at        INTEGER NOT NULL,
	made_at           INTEGER NOT NULL,
	requested_by      TEXT    NOT NULL,
	decided_by        TEXT    NOT NULL,
	note              TEXT    NOT NULL,
	attempt           INTEGER NOT NULL,
	check_at          INTEGER NOT NULL,
	settled_at        INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX refund_at_stripe ON refund (refund_id) WHERE refund_id <> '';
CREATE INDEX refund_donation ON refund (donation_id);
CREATE INDEX refund_newest ON refund (created_at, key);
CREATE INDEX refund_waiting ON refund (created_at, key) WHERE status = 'waiting';
CREATE INDEX refund_failed ON refund (created_at, key) WHERE status IN ('failed', 'canceled', 'refused');
CREATE INDEX refund_due ON refund (check_at) WHERE check_at > 0;

-- Donors' banks that ask about gifts or take them back.
CREATE TABLE dispute (
	id                TEXT    PRIMARY KEY,
	account_id        TEXT    NOT NULL,
	donation_id       TEXT    NOT NULL REFERENCES donation (id),
	charge_id         TEXT    NOT NULL,
	payment_intent_id TEXT    NOT NULL,
	amount_minor      INTEGER NOT NULL CHECK (amount_minor > 0),
	currency          TEXT    NOT NULL,
	status            TEXT    NOT NULL,
	closed            INTEGER NOT NULL CHECK (closed IN (0, 1)),
	reason            TEXT    NOT NULL,
	evidence_due_at   INTEGER NOT NULL,
	created_at        INTEGER NOT NULL,
	check_at          INTEGER NOT NULL
) STRICT;
CREATE INDEX dispute_donation ON dispute (donation_id);
CREATE INDEX dispute_open ON dispute (evidence_due_at, id) WHERE closed = 0;
CREATE INDEX dispute_closed ON dispute (created_at, id) WHERE closed = 1;
CREATE INDEX dispute_due ON dispute (check_at) WHERE check_at > 0;

-- How far each of Stripe's lists was compared with ours, in unix microseconds of
-- Stripe's time.
CREATE TABLE stripe_list (
	account_id TEXT    NOT NULL,
	name       TEXT    NOT NULL,
	seen_at    INTEGER NOT NULL,
	PRIMARY KEY (account_id, name)
) STRICT;
