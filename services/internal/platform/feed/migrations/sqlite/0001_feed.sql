-- +goose Up

-- The log: what happened, for ever. seq is the order of insertion, pos the
-- place in the feed, given after the commit.
CREATE TABLE event (
	seq               INTEGER PRIMARY KEY AUTOINCREMENT,
	pos               INTEGER UNIQUE,
	id                TEXT    NOT NULL UNIQUE,
	type              TEXT    NOT NULL,
	aggregate_id      TEXT    NOT NULL,
	aggregate_version INTEGER NOT NULL CHECK (aggregate_version > 0),
	occurred_at       INTEGER NOT NULL,
	traceparent       TEXT    NOT NULL,
	payload           BLOB    NOT NULL,
	UNIQUE (aggregate_id, aggregate_version)
) STRICT;
CREATE INDEX event_unsequenced ON event (seq) WHERE pos IS NULL;

-- The newest position; the row is the sequencers' lock.
CREATE TABLE event_head (
	feed  TEXT    PRIMARY KEY,
	epoch INTEGER NOT NULL,
	pos   INTEGER NOT NULL
) STRICT;

-- How far a feed of another service has been applied here. Moves in the
-- transaction of the effect; the row is the consumers' lock.
CREATE TABLE feed_checkpoint (
	feed     TEXT    PRIMARY KEY,
	epoch    INTEGER NOT NULL,
	pos      INTEGER NOT NULL,
	event_id TEXT    NOT NULL
) STRICT;

-- An aggregate whose next event could not be applied.
CREATE TABLE parked_aggregate (
	feed         TEXT    NOT NULL,
	aggregate_id TEXT    NOT NULL,
	first_pos    INTEGER NOT NULL,
	waiting      INTEGER NOT NULL,
	reason       TEXT    NOT NULL,
	attempts     INTEGER NOT NULL,
	tried_at     INTEGER NOT NULL,
	PRIMARY KEY (feed, aggregate_id)
) STRICT;
CREATE INDEX parked_aggregate_waiting ON parked_aggregate (feed, tried_at) WHERE waiting = 1;

-- That event and those behind it.
CREATE TABLE parked_event (
	feed              TEXT    NOT NULL,
	pos               INTEGER NOT NULL,
	id                TEXT    NOT NULL,
	type              TEXT    NOT NULL,
	aggregate_id      TEXT    NOT NULL,
	aggregate_version INTEGER NOT NULL,
	occurred_at       INTEGER NOT NULL,
	traceparent       TEXT    NOT NULL,
	payload           BLOB    NOT NULL,
	since             INTEGER NOT NULL,
	PRIMARY KEY (feed, pos),
	FOREIGN KEY (feed, aggregate_id) REFERENCES parked_aggregate (feed, aggregate_id)
) STRICT;
CREATE INDEX parked_event_aggregate ON parked_event (feed, aggregate_id, pos);
