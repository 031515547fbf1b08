-- +goose Up

-- Webhooks that are still to be worked on. Nearly all of them become "done", so
-- that is what their row says from the first: it is long, for it has the body, and
-- is written once. What comes and goes is here.
CREATE TABLE stripe_due (
	seq      BIGINT PRIMARY KEY REFERENCES stripe_event (seq),
	attempts BIGINT NOT NULL,
	next_at  BIGINT NOT NULL
);
INSERT INTO stripe_due (seq, attempts, next_at) SELECT seq, attempts, next_at FROM stripe_event WHERE state = 'pending';
UPDATE stripe_event SET state = 'done', attempts = 0, next_at = 0 WHERE state = 'pending';
DROP INDEX stripe_event_pending;
