-- +goose Up
CREATE TABLE supporter (
    id           TEXT COLLATE "C" PRIMARY KEY,
    email        TEXT NOT NULL UNIQUE, -- in its normal form; personal data
    display_name TEXT NOT NULL, -- personal data
    language     TEXT NOT NULL, -- BCP 47
    mail_gifts   BIGINT NOT NULL CHECK (mail_gifts IN (0, 1)),
    created_at   BIGINT NOT NULL -- unix microseconds
);

CREATE TABLE image (
    id           TEXT COLLATE "C" PRIMARY KEY,
    content_type TEXT NOT NULL,
    alt          TEXT NOT NULL,
    width        BIGINT NOT NULL CHECK (width > 0), -- of the largest size, pixels
    height       BIGINT NOT NULL CHECK (height > 0),
    widths       TEXT NOT NULL -- JSON list, the largest first
);

CREATE TABLE image_size (
    image_id TEXT COLLATE "C" NOT NULL REFERENCES image (id),
    width    BIGINT NOT NULL,
    content  BYTEA NOT NULL,
    PRIMARY KEY (image_id, width)
);

-- A story is one text in Markdown; it was a JSON list of paragraphs.
UPDATE appeal SET story = COALESCE((SELECT string_agg(paragraph, E'\n\n' ORDER BY place)
    FROM json_array_elements_text(CASE WHEN story = 'null' THEN CAST('[]' AS JSON) ELSE CAST(story AS JSON) END) WITH ORDINALITY AS p (paragraph, place)), '');
UPDATE fundraiser SET story = COALESCE((SELECT string_agg(paragraph, E'\n\n' ORDER BY place)
    FROM json_array_elements_text(CASE WHEN story = 'null' THEN CAST('[]' AS JSON) ELSE CAST(story AS JSON) END) WITH ORDINALITY AS p (paragraph, place)), '');

ALTER TABLE fundraiser ADD COLUMN supporter_id TEXT COLLATE "C" NOT NULL DEFAULT ''; -- empty for a page without an account
ALTER TABLE fundraiser ADD COLUMN unclaimed BIGINT NOT NULL DEFAULT 0 CHECK (unclaimed IN (0, 1)); -- begun before its owner signed in
ALTER TABLE fundraiser ADD COLUMN state_before TEXT NOT NULL DEFAULT ''; -- it was taken down
ALTER TABLE fundraiser ADD COLUMN taken_down_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE fundraiser ADD COLUMN version BIGINT NOT NULL DEFAULT 1 CHECK (version >= 1);
ALTER TABLE fundraiser ADD COLUMN created_at BIGINT NOT NULL DEFAULT 0; -- unix microseconds, 0 for not known
ALTER TABLE fundraiser ADD COLUMN published_at BIGINT NOT NULL DEFAULT 0; -- unix microseconds, 0 for never or not known
ALTER TABLE fundraiser ADD COLUMN photo_id TEXT COLLATE "C" NOT NULL DEFAULT ''; -- empty for none
CREATE INDEX fundraiser_supporter ON fundraiser (supporter_id, created_at DESC, id) WHERE supporter_id <> '';
CREATE INDEX fundraiser_unclaimed ON fundraiser (created_at, id) WHERE unclaimed = 1;

-- The key is what makes an owner hear of a gift once, however often its event comes.
CREATE TABLE gift_mail (
    donation_id     TEXT COLLATE "C" PRIMARY KEY,
    fundraiser_id   TEXT COLLATE "C" NOT NULL,
    gift_minor      BIGINT NOT NULL,
    total_minor     BIGINT NOT NULL, -- of the page, right after the gift
    settled_at      BIGINT NOT NULL DEFAULT 0, -- handed over, or not wanted any more; 0: due
    attempts        BIGINT NOT NULL DEFAULT 0,
    next_attempt_at BIGINT NOT NULL DEFAULT 0,
    parked_at       BIGINT NOT NULL DEFAULT 0, -- 0: not parked
    parked_reason   TEXT NOT NULL DEFAULT ''
);
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
UPDATE fundraiser SET story = CAST(json_build_array(story) AS TEXT);
UPDATE appeal SET story = CAST(json_build_array(story) AS TEXT);
DROP TABLE image_size;
DROP TABLE image;
DROP TABLE supporter;
