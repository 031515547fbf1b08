-- +goose Up

-- A hash over the ids of all events up to this one, given with its position; null
-- for what was written before. Two logs that have the same event at a position are
-- the same up to there only if they have the same hash there.
ALTER TABLE event ADD COLUMN chain TEXT;

-- The producer's hash at the last position. A process of the version before moves
-- pos alone: then chain_pos says that this is the hash of another position.
ALTER TABLE feed_checkpoint ADD COLUMN chain TEXT NOT NULL DEFAULT '';
ALTER TABLE feed_checkpoint ADD COLUMN chain_pos INTEGER NOT NULL DEFAULT 0;
