-- +goose Up

-- Letters are also about single gifts: each is about a plan or about a gift. SQLite
-- cannot take a NOT NULL away, so the table is made again.
CREATE TABLE letter (
	key             TEXT    PRIMARY KEY,
	plan_id         TEXT    REFERENCES recurring_plan (id),
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
	parked_reason   TEXT    NOT NULL DEFAULT '',
	donation_id     TEXT    REFERENCES donation (id),
	CHECK ((plan_id IS NULL) <> (donation_id IS NULL))
) STRICT;
INSERT INTO letter (key, plan_id, kind, gift_minor, cover_minor, at, url, made_by, language, made_at, attempts,
		next_attempt_at, settled_at, parked_at, parked_reason)
	SELECT key, plan_id, kind, gift_minor, cover_minor, at, url, made_by, language, made_at, attempts,
		next_attempt_at, settled_at, parked_at, parked_reason FROM plan_mail;
DROP TABLE plan_mail;
ALTER TABLE letter RENAME TO plan_mail;
CREATE INDEX plan_mail_due ON plan_mail (next_attempt_at, key) WHERE settled_at = 0 AND parked_at = 0;
CREATE INDEX plan_mail_parked ON plan_mail (parked_at) WHERE parked_at > 0;
