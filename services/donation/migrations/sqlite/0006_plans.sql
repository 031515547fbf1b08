-- +goose Up

-- A monthly commitment. What it gives to and who gives is the first gift's; status
-- to customer_id are what Stripe said at looked_at.
CREATE TABLE recurring_plan (
	id              TEXT    PRIMARY KEY,
	donation_id     TEXT    NOT NULL UNIQUE REFERENCES donation (id),
	donor_key       TEXT    NOT NULL,
	created_at      INTEGER NOT NULL,
	status          TEXT    NOT NULL CHECK (status <> ''),
	account_id      TEXT    NOT NULL,
	subscription_id TEXT    NOT NULL,
	customer_id     TEXT    NOT NULL,
	gift_minor      INTEGER NOT NULL CHECK (gift_minor >= 0),
	cover_minor     INTEGER NOT NULL CHECK (cover_minor >= 0),
	next_at         INTEGER NOT NULL,
	ends_at         INTEGER NOT NULL,
	paused_until    INTEGER NOT NULL,
	failed          INTEGER NOT NULL CHECK (failed IN (0, 1)),
	retry_at        INTEGER NOT NULL,
	started_at      INTEGER NOT NULL,
	looked_at       INTEGER NOT NULL,
	cancel_asked_at INTEGER NOT NULL,
	cancel_by       TEXT    NOT NULL CHECK (cancel_by IN ('', 'donor', 'staff')),
	check_at        INTEGER NOT NULL,
	version         INTEGER NOT NULL
) STRICT;
-- A subscription belongs to one plan.
CREATE UNIQUE INDEX recurring_plan_subscription ON recurring_plan (subscription_id) WHERE subscription_id <> '';
CREATE INDEX recurring_plan_customer ON recurring_plan (customer_id) WHERE customer_id <> '';
CREATE INDEX recurring_plan_donor ON recurring_plan (donor_key);
CREATE INDEX recurring_plan_newest ON recurring_plan (created_at, id);
CREATE INDEX recurring_plan_due ON recurring_plan (check_at) WHERE check_at > 0;

-- What a donor, or staff for a donor, asked of a plan: kept before Stripe is asked,
-- so that the same request is done once.
CREATE TABLE plan_change (
	request_id  TEXT    PRIMARY KEY,
	plan_id     TEXT    NOT NULL REFERENCES recurring_plan (id),
	kind        TEXT    NOT NULL CHECK (kind IN ('amount', 'pause', 'resume', 'cancel')),
	gift_minor  INTEGER NOT NULL,
	cover_minor INTEGER NOT NULL,
	resumes_at  INTEGER NOT NULL,
	input_hash  TEXT    NOT NULL,
	asked_by    TEXT    NOT NULL,
	note        TEXT    NOT NULL,
	asked_at    INTEGER NOT NULL,
	state       TEXT    NOT NULL CHECK (state IN ('asked', 'done', 'refused')),
	attempt     INTEGER NOT NULL,
	done_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX plan_change_plan ON plan_change (plan_id, asked_at);

-- Letters about plans that are to be sent. The key names the occasion, so that it is
-- written of once.
CREATE TABLE plan_mail (
	key             TEXT    PRIMARY KEY,
	plan_id         TEXT    NOT NULL REFERENCES recurring_plan (id),
	kind            TEXT    NOT NULL,
	gift_minor      INTEGER NOT NULL,
	cover_minor     INTEGER NOT NULL,
	at              INTEGER NOT NULL,
	url             TEXT    NOT NULL,
	made_by         TEXT    NOT NULL,
	language        TEXT    NOT NULL,
	made_at         INTEGER NOT NULL,
	attempts        INTEGER NOT NULL DEFAULT 0,
	next_attempt_at INTEGER NOT NULL DEFAULT 0,
	settled_at      INTEGER NOT NULL DEFAULT 0,
	parked_at       INTEGER NOT NULL DEFAULT 0,
	parked_reason   TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX plan_mail_due ON plan_mail (next_attempt_at, key) WHERE settled_at = 0 AND parked_at = 0;
CREATE INDEX plan_mail_parked ON plan_mail (parked_at) WHERE parked_at > 0;

ALTER TABLE donation ADD COLUMN plan_id TEXT NOT NULL DEFAULT '';
ALTER TABLE donation ADD COLUMN invoice_id TEXT NOT NULL DEFAULT '';
-- An invoice pays one gift.
CREATE UNIQUE INDEX donation_invoice ON donation (invoice_id) WHERE invoice_id <> '';
CREATE INDEX donation_plan ON donation (plan_id, created_at) WHERE plan_id <> '';
