-- +goose Up

-- The log: what happened, for ever. seq is the order of insertion, pos the
-- place in the feed, given after the commit.
CREATE TABLE event (
	seq               BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	pos               BIGINT UNIQUE,
	id                TEXT COLLATE "C" NOT NULL UNIQUE,
	type              TEXT COLLATE "C" NOT NULL,
	aggregate_id      TEXT COLLATE "C" NOT NULL,
	aggregate_version BIGINT NOT NULL CHECK (aggregate_version > 0),
	occurred_at       BIGINT NOT NULL,
	traceparent       TEXT COLLATE "C" NOT NULL,
	payload           BYTEA    NOT NULL,
	UNIQUE (aggregate_id, aggregate_version)
);
CREATE INDEX event_unsequenced ON event (seq) WHERE pos IS NULL;

-- The newest position; the row is the sequencers' lock.
CREATE TABLE event_head (
	feed  TEXT COLLATE "C" PRIMARY KEY,
	epoch BIGINT NOT NULL,
	pos   BIGINT NOT NULL
);

-- How far a feed of another service has been applied here. Moves in the
-- transaction of the effect; the row is the consumers' lock.
CREATE TABLE feed_checkpoint (
	feed     TEXT COLLATE "C" PRIMARY KEY,
	epoch    BIGINT NOT NULL,
	pos      BIGINT NOT NULL,
	event_id TEXT COLLATE "C" NOT NULL
);

-- An aggregate whose next event could not be applied.
CREATE TABLE parked_aggregate (
	feed         TEXT COLLATE "C" NOT NULL,
	aggregate_id TEXT COLLATE "C" NOT NULL,
	first_pos    BIGINT NOT NULL,
	waiting      BIGINT NOT NULL,
	reason       TEXT COLLATE "C" NOT NULL,
	attempts     BIGINT NOT NULL,
	tried_at     BIGINT NOT NULL,
	PRIMARY KEY (feed, aggregate_id)
);
CREATE INDEX parked_aggregate_waiting ON parked_aggregate (feed, tried_at) WHERE waiting = 1;

-- That event and those behind it.
CREATE TABLE parked_event (
	feed              TEXT COLLATE "C" NOT NULL,
	pos               BIGINT NOT NULL,
	id                TEXT COLLATE "C" NOT NULL,
	type              TEXT COLLATE "C" NOT NULL,
	aggregate_id      TEXT COLLATE "C" NOT NULL,
	aggregate_version BIGINT NOT NULL,
	occurred_at       BIGINT NOT NULL,
	traceparent       TEXT COLLATE "C" NOT NULL,
	payload           BYTEA    NOT NULL,
	since             BIGINT NOT NULL,
	PRIMARY KEY (feed, pos),
	FOREIGN KEY (feed, aggregate_id) REFERENCES parked_aggregate (feed, aggregate_id)
);
CREATE INDEX parked_event_aggregate ON parked_event (feed, aggregate_id, pos);
