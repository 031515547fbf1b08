-- +goose Up
-- What staff look through, the newest first.
CREATE INDEX fundraiser_published ON fundraiser (published_at DESC, id) WHERE state <> 'draft';

-- +goose Down
DROP INDEX fundraiser_published;
