-- +goose Up
ALTER TABLE organization ADD COLUMN logo_id TEXT NOT NULL DEFAULT ''; -- empty for none

-- +goose Down
ALTER TABLE organization DROP COLUMN logo_id;
