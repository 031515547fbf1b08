-- +goose Up

-- Money on its way to the charity's bank. listed_at is when Stripe's list of what is
-- in it was taken in whole, 0 before, and difference_minor what that sum lacked.
CREATE TABLE payout (
	id               TEXT     PRIMARY KEY,
	account_id       TEXT    NOT NULL,
	amount_minor     INTEGER NOT NULL,
	currency         TEXT    NOT NULL,
	status           TEXT    NOT NULL,
	arrival_at       INTEGER NOT NULL,
	created_at       INTEGER NOT NULL,
	automatic        INTEGER NOT NULL CHECK (automatic IN (0, 1)),
	failure          TEXT    NOT NULL,
	complete         INTEGER NOT NULL CHECK (complete IN (0, 1)),
	listed_at        INTEGER NOT NULL,
	difference_minor INTEGER NOT NULL,
	heard_at         INTEGER NOT NULL,
	check_at         INTEGER NOT NULL
) STRICT;
CREATE INDEX payout_newest ON payout (created_at, id);
CREATE INDEX payout_due ON payout (check_at) WHERE check_at > 0;
CREATE INDEX payout_failed ON payout (heard_at) WHERE status = 'failed';
CREATE INDEX payout_different ON payout (id) WHERE difference_minor <> 0;

-- In which payout a transaction left the account, and which charge it is about.
ALTER TABLE balance_transaction ADD COLUMN payout_id TEXT NOT NULL DEFAULT '';
ALTER TABLE balance_transaction ADD COLUMN charge_id TEXT NOT NULL DEFAULT '';
UPDATE balance_transaction SET charge_id = source_id WHERE type IN ('charge', 'payment');
CREATE INDEX balance_transaction_payout ON balance_transaction (payout_id, created_at, id) WHERE payout_id <> '';
