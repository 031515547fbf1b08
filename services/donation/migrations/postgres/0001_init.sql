-- +goose Up

-- One drawn form. The row is the lock under which it is decided what a
-- submission leads to; claim says which request is speaking to Stripe for it.
CREATE TABLE intent (
	id            TEXT    PRIMARY KEY,
	claim         TEXT    NOT NULL,
	claimed_until BIGINT  NOT NULL
);

-- One gift: one submitted input. What stands above state never changes.
CREATE TABLE donation (
	id                     TEXT COLLATE "C" PRIMARY KEY,
	intent_id              TEXT    NOT NULL REFERENCES intent (id),
	input_hash             TEXT    NOT NULL,
	gift_minor             BIGINT  NOT NULL CHECK (gift_minor > 0),
	cover_minor            BIGINT  NOT NULL CHECK (cover_minor >= 0),
	currency               TEXT COLLATE "C" NOT NULL,
	cover_fees             BIGINT  NOT NULL CHECK (cover_fees IN (0, 1)),
	organization_id        TEXT COLLATE "C" NOT NULL,
	appeal_id              TEXT    NOT NULL,
	fund_code              TEXT    NOT NULL,
	fund_class             TEXT    NOT NULL CHECK (fund_class IN ('restricted', 'unrestricted')),
	fundraiser_id          TEXT    NOT NULL,
	team_id                TEXT    NOT NULL,
	share_code             TEXT    NOT NULL,
	appeal_slug            TEXT    NOT NULL,
	fundraiser_slug        TEXT    NOT NULL,
	product_name           TEXT    NOT NULL,
	visibility             TEXT    NOT NULL CHECK (visibility IN ('public', 'first_name', 'anonymous')),
	livemode               BIGINT  NOT NULL CHECK (livemode IN (0, 1)),
	traceparent            TEXT    NOT NULL,
	created_at             BIGINT  NOT NULL,
	state                  TEXT    NOT NULL CHECK (state IN ('created', 'checkout_open', 'processing', 'succeeded', 'expired', 'failed', 'abandoned')),
	account_id             TEXT    NOT NULL,
	attempt                BIGINT  NOT NULL,
	session_id             TEXT    NOT NULL,
	payment_intent_id      TEXT    NOT NULL,
	charge_id              TEXT    NOT NULL,
	paid_at                BIGINT  NOT NULL,
	succeeded_at           BIGINT  NOT NULL,
	late                   BIGINT  NOT NULL CHECK (late IN (0, 1)),
	decline_code           TEXT    NOT NULL,
	declined_at            BIGINT  NOT NULL,
	webhook_received_at    BIGINT  NOT NULL,
	check_at               BIGINT  NOT NULL,
	asked_at               BIGINT  NOT NULL DEFAULT 0,
	balance_transaction_id TEXT    NOT NULL,
	fee_minor              BIGINT  NOT NULL,
	fee_currency           TEXT    NOT NULL,
	UNIQUE (intent_id, input_hash),
	CHECK (state <> 'succeeded' OR (payment_intent_id <> '' AND account_id <> '' AND paid_at > 0))
);
-- A payment belongs to one gift.
CREATE UNIQUE INDEX donation_payment ON donation (payment_intent_id) WHERE payment_intent_id <> '';
CREATE INDEX donation_due ON donation (check_at) WHERE check_at > 0;
CREATE INDEX donation_feeless ON donation (id) WHERE state = 'succeeded' AND balance_transaction_id = '';
-- Sums are read from the index alone.
CREATE INDEX donation_sums ON donation (organization_id, currency, gift_minor, cover_minor) WHERE state = 'succeeded';

-- Personal data, apart from everything else so that it can be erased.
CREATE TABLE donor (
	donation_id TEXT PRIMARY KEY REFERENCES donation (id),
	name        TEXT NOT NULL,
	email       TEXT NOT NULL,
	message     TEXT NOT NULL,
	language    TEXT NOT NULL
);

-- One try to get a checkout session. With the donation it holds all that the
-- request to Stripe is made of.
CREATE TABLE attempt (
	donation_id TEXT    NOT NULL REFERENCES donation (id),
	number      BIGINT  NOT NULL CHECK (number > 0),
	intent_id   TEXT    NOT NULL REFERENCES intent (id),
	state       TEXT    NOT NULL CHECK (state IN ('asked', 'open', 'closed', 'dead')),
	session_id  TEXT    NOT NULL,
	url         TEXT    NOT NULL,
	base_url    TEXT    NOT NULL,
	started_at  BIGINT  NOT NULL,
	expires_at  BIGINT  NOT NULL,
	PRIMARY KEY (donation_id, number)
);
CREATE UNIQUE INDEX attempt_session ON attempt (session_id) WHERE session_id <> '';
CREATE INDEX attempt_open ON attempt (intent_id) WHERE state = 'open';

-- Stripe's events as they came, and what other routes found and could not
-- apply. The body is sealed: it holds personal data.
CREATE TABLE stripe_event (
	seq         BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	account_id  TEXT    NOT NULL,
	event_id    TEXT    NOT NULL,
	type        TEXT    NOT NULL,
	object_id   TEXT    NOT NULL,
	api_version TEXT    NOT NULL,
	livemode    BIGINT  NOT NULL CHECK (livemode IN (0, 1)),
	created_at  BIGINT  NOT NULL,
	received_at BIGINT  NOT NULL,
	state       TEXT    NOT NULL CHECK (state IN ('pending', 'done', 'ignored', 'parked')),
	reason      TEXT    NOT NULL,
	attempts    BIGINT  NOT NULL,
	next_at     BIGINT  NOT NULL,
	sealed      BYTEA   NOT NULL,
	UNIQUE (account_id, event_id)
);
CREATE INDEX stripe_event_pending ON stripe_event (seq) WHERE state = 'pending';
CREATE INDEX stripe_event_parked ON stripe_event (seq) WHERE state = 'parked';
CREATE INDEX stripe_event_bodies ON stripe_event (received_at) WHERE length(sealed) > 0;

-- Every movement of the Stripe account's balance.
CREATE TABLE balance_transaction (
	id                 TEXT COLLATE "C" PRIMARY KEY,
	account_id         TEXT    NOT NULL,
	type               TEXT    NOT NULL,
	reporting_category TEXT    NOT NULL,
	amount_minor       BIGINT  NOT NULL,
	fee_minor          BIGINT  NOT NULL,
	net_minor          BIGINT  NOT NULL,
	currency           TEXT    NOT NULL,
	fee_details        TEXT    NOT NULL,
	exchange_rate      TEXT    NOT NULL,
	source_id          TEXT    NOT NULL,
	source_minor       BIGINT  NOT NULL,
	source_currency    TEXT    NOT NULL,
	payment_intent_id  TEXT    NOT NULL,
	created_at         BIGINT  NOT NULL,
	imported_at        BIGINT  NOT NULL,
	donation_id        TEXT    NOT NULL,
	organization_id    TEXT    NOT NULL,
	is_foreign         BIGINT  NOT NULL CHECK (is_foreign IN (0, 1)),
	CHECK (net_minor = amount_minor - fee_minor)
);
CREATE INDEX balance_transaction_newest ON balance_transaction (account_id, created_at, id);

-- Accounts that the key was seen to belong to; the last confirmed is in use.
CREATE TABLE stripe_account (
	id           TEXT    PRIMARY KEY,
	confirmed_at BIGINT  NOT NULL
);

-- One payment is listed once for one reason: what is parked is looked up by object.
CREATE INDEX stripe_event_parked_object ON stripe_event (object_id) WHERE state = 'parked';

-- Money that was booked as belonging to no gift must not become a gift: each
-- payment that would make one succeed is looked up here, by itself and its charge.
CREATE INDEX balance_transaction_foreign_payment ON balance_transaction (payment_intent_id) WHERE is_foreign = 1;
CREATE INDEX balance_transaction_foreign_source ON balance_transaction (source_id) WHERE is_foreign = 1;
