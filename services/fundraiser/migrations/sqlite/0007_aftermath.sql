-- +goose Up

-- What happens to a gift besides its success, a row for each fact. The key is
-- what makes a fact count once, however often its event comes.
CREATE TABLE gift_fact (
    donation_id     TEXT NOT NULL,
    kind            TEXT NOT NULL,
    object          TEXT NOT NULL, -- refund or dispute; empty where the gift has one at most
    organization_id TEXT NOT NULL,
    appeal_id       TEXT NOT NULL,
    fundraiser_id   TEXT NOT NULL, -- empty for a direct gift
    minor           INTEGER NOT NULL,
    currency        TEXT NOT NULL,
    pos             INTEGER NOT NULL, -- of its event in the donation feed
    PRIMARY KEY (donation_id, kind, object)
) STRICT, WITHOUT ROWID;

-- How much of a gift went back or was lost.
ALTER TABLE gift ADD COLUMN returned_minor INTEGER NOT NULL DEFAULT 0 CHECK (returned_minor >= 0);

ALTER TABLE appeal_total ADD COLUMN processing_minor INTEGER NOT NULL DEFAULT 0 CHECK (processing_minor >= 0);
ALTER TABLE appeal_total ADD COLUMN refunded_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE appeal_total ADD COLUMN lost_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE appeal_total ADD COLUMN disputed_minor INTEGER NOT NULL DEFAULT 0 CHECK (disputed_minor >= 0);

ALTER TABLE fundraiser_total ADD COLUMN processing_minor INTEGER NOT NULL DEFAULT 0 CHECK (processing_minor >= 0);
ALTER TABLE fundraiser_total ADD COLUMN refunded_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE fundraiser_total ADD COLUMN lost_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE fundraiser_total ADD COLUMN disputed_minor INTEGER NOT NULL DEFAULT 0 CHECK (disputed_minor >= 0);

-- +goose Down
DROP TABLE gift_fact;
ALTER TABLE gift DROP COLUMN returned_minor;
ALTER TABLE appeal_total DROP COLUMN processing_minor;
ALTER TABLE appeal_total DROP COLUMN refunded_minor;
ALTER TABLE appeal_total DROP COLUMN lost_minor;
ALTER TABLE appeal_total DROP COLUMN disputed_minor;
ALTER TABLE fundraiser_total DROP COLUMN processing_minor;
ALTER TABLE fundraiser_total DROP COLUMN refunded_minor;
ALTER TABLE fundraiser_total DROP COLUMN lost_minor;
ALTER TABLE fundraiser_total DROP COLUMN disputed_minor;
