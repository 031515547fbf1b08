-- +goose Up

-- An epoch that an operator began after a feed fork. Up to common the feed is
-- what it was before.
CREATE TABLE event_epoch (
	feed   TEXT COLLATE "C" NOT NULL,
	epoch  BIGINT NOT NULL,
	common BIGINT NOT NULL,
	PRIMARY KEY (feed, epoch)
);

-- What the stream told in an epoch that ended so, and the log does not know: kept
-- for whoever has to find out what was lost. Nothing reads it.
CREATE TABLE salvaged_event (
	feed              TEXT COLLATE "C" NOT NULL,
	epoch             BIGINT NOT NULL,
	pos               BIGINT NOT NULL,
	id                TEXT COLLATE "C" NOT NULL,
	type              TEXT COLLATE "C" NOT NULL,
	aggregate_id      TEXT COLLATE "C" NOT NULL,
	aggregate_version BIGINT NOT NULL,
	occurred_at       BIGINT NOT NULL,
	traceparent       TEXT COLLATE "C" NOT NULL,
	payload           BYTEA   NOT NULL,
	PRIMARY KEY (feed, epoch, pos)
);
