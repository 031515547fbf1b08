-- +goose Up
CREATE TABLE supporter (
    id           TEXT PRIMARY KEY,
    email        TEXT NOT NULL UNIQUE, -- in its normal form; personal data
    display_name TEXT NOT NULL, -- personal data
    language     TEXT NOT NULL, -- BCP 47
    mail_gifts   INTEGER NOT NULL CHECK (mail_gifts IN (0, 1)),
    created_at   INTEGER NOT NULL -- unix microseconds
) STRICT;

CREATE TABLE image (
    id           TEXT PRIMARY KEY,
    content_type TEXT NOT NULL,
    alt          TEXT NOT NULL,
    width        INTEGER NOT NULL CHECK (width > 0), -- of the largest size, pixels
    height       INTEGER NOT NULL CHECK (height > 0),
    widths       TEXT NOT NULL -- JSON list, the largest first
) STRICT;

CREATE TABLE image_size (
    image_id TEXT NOT NULL REFERENCES image (id),
    width    INTEGER NOT NULL,
    content  BLOB NOT NULL,
    PRIMARY KEY (image_id, width)
) STRICT;

-- A story is one text in Markdown; it was a JSON list of paragraphs.
UPDATE appeal SET story = COALESCE((SELECT group_concat(value, char(10, 10) ORDER BY key) FROM json_each(appeal.story)), '');
UPDATE fundraiser SET story = COALESCE((SELECT group_concat(value, char(10, 10) ORDER BY key) FROM json_each(fundraiser.story)), '');

ALTER TABLE fundraiser ADD COLUMN supporter_id TEXT NOT NULL DEFAULT ''; -- empty for a page without an account
ALTER TABLE fundraiser ADD COLUMN unclaimed INTEGER NOT NULL DEFAULT 0 CHECK (unclaimed IN (0, 1)); -- begun before its owner signed in
ALTER TABLE fundraiser ADD COLUMN state_before TEXT NOT NULL DEFAULT ''; -- it was taken down
ALTER TABLE fundraiser ADD COLUMN taken_down_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE fundraiser ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1);
ALTER TABLE fundraiser ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0; -- unix microseconds, 0 for not known
ALTER TABLE fundraiser ADD COLUMN published_at INTEGER NOT NULL DEFAULT 0; -- unix microseconds, 0 for never or not known
ALTER TABLE fundraiser ADD COLUMN photo_id TEXT NOT NULL DEFAULT ''; -- empty for none
CREATE INDEX fundraiser_supporter ON fundraiser (supporter_id, created_at DESC, id) WHERE supporter_id <> '';
CREATE INDEX fundraiser_unclaimed ON fundraiser (created_at, id) WHERE unclaimed = 1;

-- The key is what makes an owner hear of a gift once, however often its event comes.
CREATE TABLE gift_mail (
    donation_id     TEXT PRIMARY KEY,
    fundraiser_id   TEXT NOT NULL,
    gift_minor      INTEGER NOT NULL,
    total_minor     INTEGER NOT NULL, -- of the page, right after the gift
    settled_at      INTEGER NOT NULL DEFAULT 0, -- handed over, or not wanted any more; 0: due
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL DEFAULT 0,
    parked_at       INTEGER NOT NULL DEFAULT 0, -- 0: not parked
    parked_reason   TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX gift_mail_next ON gift_mail (next_attempt_at, donation_id) WHERE settled_at = 0 AND parked_at = 0;
CREATE INDEX gift_mail_parked ON gift_mail (parked_at, donation_id) WHERE parked_at > 0;

-- +goose Down
DROP TABLE gift_mail;
DROP INDEX fundraiser_unclaimed;
DROP INDEX fundraiser_supporter;
ALTER TABLE fundraiser DROP COLUMN photo_id;
ALTER TABLE fundraiser DROP COLUMN published_at;
ALTER TABLE fundraiser DROP COLUMN created_at;
ALTER TABLE fundraiser DROP COLUMN version;
ALTER TABLE fundraiser DROP COLUMN taken_down_reason;
ALTER TABLE fundraiser DROP COLUMN state_before;
ALTER TABLE fundraiser DROP COLUMN unclaimed;
ALTER TABLE fundraiser DROP COLUMN supporter_id;
UPDATE fundraiser SET story = json_array(story);
UPDATE appeal SET story = json_array(story);
DROP TABLE image_size;
DROP TABLE image;
DROP TABLE supporter;
