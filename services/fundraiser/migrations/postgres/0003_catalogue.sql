-- +goose Up
-- Numbers that grow with every transaction that changes the catalogue, or
-- totals. Two rows, so that a catalogue being loaded does not wait for gifts.
CREATE TABLE revision (
    part   TEXT COLLATE "C" PRIMARY KEY CHECK (part IN ('catalogue', 'totals')),
    number BIGINT NOT NULL
);
INSERT INTO revision (part, number) VALUES ('catalogue', 1), ('totals', 1);

-- The revision at which a row was last written, so that who reads on reads
-- what changed and not everything. The position of the newest gift cannot say
-- it: a gift that was parked and retried raises a total and not that position.
ALTER TABLE fundraiser ADD COLUMN catalogue_revision BIGINT NOT NULL DEFAULT 0;
UPDATE fundraiser SET catalogue_revision = 1 WHERE state <> 'draft';
CREATE INDEX fundraiser_catalogue_revision ON fundraiser (catalogue_revision);
ALTER TABLE appeal_total ADD COLUMN totals_revision BIGINT NOT NULL DEFAULT 0;
CREATE INDEX appeal_total_revision ON appeal_total (totals_revision);
ALTER TABLE fundraiser_total ADD COLUMN totals_revision BIGINT NOT NULL DEFAULT 0;
CREATE INDEX fundraiser_total_revision ON fundraiser_total (totals_revision);

ALTER TABLE appeal ADD COLUMN version BIGINT NOT NULL DEFAULT 1 CHECK (version >= 1);
ALTER TABLE appeal ADD COLUMN was_published BIGINT NOT NULL DEFAULT 0 CHECK (was_published IN (0, 1));
UPDATE appeal SET was_published = 1 WHERE state <> 'draft';

-- Who changed what. Nothing in it names a donor or a supporter.
CREATE TABLE change (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    changed_at   BIGINT NOT NULL, -- unix microseconds
    person_id    TEXT NOT NULL,
    subject      TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    subject_name TEXT NOT NULL,
    action       TEXT NOT NULL,
    fields       TEXT NOT NULL -- JSON list of field, before, after
);
-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only added to', TG_TABLE_NAME;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER change_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON change
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE change;
DROP FUNCTION refuse_change;
ALTER TABLE appeal DROP COLUMN was_published;
ALTER TABLE appeal DROP COLUMN version;
DROP INDEX fundraiser_total_revision;
ALTER TABLE fundraiser_total DROP COLUMN totals_revision;
DROP INDEX appeal_total_revision;
ALTER TABLE appeal_total DROP COLUMN totals_revision;
DROP INDEX fundraiser_catalogue_revision;
ALTER TABLE fundraiser DROP COLUMN catalogue_revision;
DROP TABLE revision;
