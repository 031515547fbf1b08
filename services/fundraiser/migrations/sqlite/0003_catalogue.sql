-- +goose Up
-- Numbers that grow with every transaction that changes the catalogue, or
-- totals. Two rows, so that a catalogue being loaded does not wait for gifts.
CREATE TABLE revision (
    part   TEXT PRIMARY KEY CHECK (part IN ('catalogue', 'totals')),
    number INTEGER NOT NULL
) STRICT;
INSERT INTO revision (part, number) VALUES ('catalogue', 1), ('totals', 1);

-- The revision at which a row was last written, so that who reads on reads
-- what changed and not everything. The position of the newest gift cannot say
-- it: a gift that was parked and retried raises a total and not that position.
ALTER TABLE fundraiser ADD COLUMN catalogue_revision INTEGER NOT NULL DEFAULT 0;
UPDATE fundraiser SET catalogue_revision = 1 WHERE state <> 'draft';
CREATE INDEX fundraiser_catalogue_revision ON fundraiser (catalogue_revision);
ALTER TABLE appeal_total ADD COLUMN totals_revision INTEGER NOT NULL DEFAULT 0;
CREATE INDEX appeal_total_revision ON appeal_total (totals_revision);
ALTER TABLE fundraiser_total ADD COLUMN totals_revision INTEGER NOT NULL DEFAULT 0;
CREATE INDEX fundraiser_total_revision ON fundraiser_total (totals_revision);

ALTER TABLE appeal ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1);
ALTER TABLE appeal ADD COLUMN was_published INTEGER NOT NULL DEFAULT 0 CHECK (was_published IN (0, 1));
UPDATE appeal SET was_published = 1 WHERE state <> 'draft';

-- Who changed what. Nothing in it names a donor or a supporter.
CREATE TABLE change (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    changed_at   INTEGER NOT NULL, -- unix microseconds
    person_id    TEXT NOT NULL,
    subject      TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    subject_name TEXT NOT NULL,
    action       TEXT NOT NULL,
    fields       TEXT NOT NULL -- JSON list of field, before, after
) STRICT;
-- +goose StatementBegin
CREATE TRIGGER change_no_update BEFORE UPDATE ON change
BEGIN SELECT RAISE(ABORT, 'change is only added to'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER change_no_delete BEFORE DELETE ON change
BEGIN SELECT RAISE(ABORT, 'change is only added to'); END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE change;
ALTER TABLE appeal DROP COLUMN was_published;
ALTER TABLE appeal DROP COLUMN version;
DROP INDEX fundraiser_total_revision;
ALTER TABLE fundraiser_total DROP COLUMN totals_revision;
DROP INDEX appeal_total_revision;
ALTER TABLE appeal_total DROP COLUMN totals_revision;
DROP INDEX fundraiser_catalogue_revision;
ALTER TABLE fundraiser DROP COLUMN catalogue_revision;
DROP TABLE revision;
