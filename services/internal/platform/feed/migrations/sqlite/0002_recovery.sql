-- +goose Up

-- An epoch that an operator began after a feed fork. Up to common the feed is
-- what it was before.
CREATE TABLE event_epoch (
	feed   TEXT    NOT NULL,
	epoch  INTEGER NOT NULL,
	common INTEGER NOT NULL,
	PRIMARY KEY (feed, epoch)
) STRICT;

-- What the stream told in an epoch that ended so, and the log does not know: kept
-- for whoever has to find out what was lost. Nothing reads it.
CREATE TABLE salvaged_event (
	feed              TEXT    NOT NULL,
	epoch             INTEGER NOT NULL,
	pos               INTEGER NOT NULL,
	id                TEXT    NOT NULL,
	type              TEXT    NOT NULL,
	aggregate_id      TEXT    NOT NULL,
	aggregate_version INTEGER NOT NULL,
	occurred_at       INTEGER NOT NULL,
	traceparent       TEXT    NOT NULL,
	payload           BLOB    NOT NULL,
	PRIMARY KEY (feed, epoch, pos)
) STRICT;
