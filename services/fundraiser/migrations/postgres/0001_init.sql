-- +goose Up
CREATE TABLE catalogue_lock (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1)
);
INSERT INTO catalogue_lock (only_row) VALUES (1);

CREATE TABLE organization (
    id              TEXT COLLATE "C" PRIMARY KEY,
    ordinal         BIGINT NOT NULL,
    code            TEXT NOT NULL UNIQUE,
    slug            TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    legal_name      TEXT NOT NULL,
    address         TEXT NOT NULL, -- JSON list of lines
    registration    TEXT NOT NULL,
    country         TEXT NOT NULL,
    time_zone       TEXT NOT NULL,
    base_currency   TEXT NOT NULL,
    receipt_profile TEXT NOT NULL,
    mission         TEXT NOT NULL,
    contact_email   TEXT NOT NULL,
    home            BIGINT NOT NULL CHECK (home IN (0, 1)),
    version         BIGINT NOT NULL CHECK (version >= 1)
);
-- What belongs to no gift is booked in one place.
CREATE UNIQUE INDEX organization_home ON organization (home) WHERE home = 1;

CREATE TABLE fund (
    id              TEXT COLLATE "C" PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organization (id),
    code            TEXT COLLATE "C" NOT NULL,
    name            TEXT NOT NULL,
    class           TEXT NOT NULL CHECK (class IN ('unrestricted', 'restricted')),
    version         BIGINT NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, code)
);

CREATE TABLE appeal (
    id              TEXT COLLATE "C" PRIMARY KEY,
    ordinal         BIGINT NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organization (id),
    slug            TEXT NOT NULL UNIQUE,
    kind            TEXT NOT NULL,
    state           TEXT NOT NULL,
    title           TEXT NOT NULL,
    summary         TEXT NOT NULL,
    story           TEXT NOT NULL, -- JSON list of paragraphs
    currency        TEXT COLLATE "C" NOT NULL,
    suggested       TEXT NOT NULL, -- JSON list of minor units
    minimum_minor   BIGINT NOT NULL CHECK (minimum_minor > 0),
    goal_minor      BIGINT NOT NULL,
    goal_count      BIGINT NOT NULL,
    goal_unit       TEXT NOT NULL,
    unit_cost_minor BIGINT NOT NULL,
    starts_at       BIGINT NOT NULL, -- unix microseconds, 0 for already
    ends_at         BIGINT NOT NULL, -- unix microseconds, 0 for never
    cover_rate_ppm  BIGINT NOT NULL,
    cover_fixed_minor BIGINT NOT NULL
);

CREATE TABLE appeal_fund (
    appeal_id TEXT COLLATE "C" NOT NULL REFERENCES appeal (id),
    ordinal   BIGINT NOT NULL,
    fund_id   TEXT COLLATE "C" NOT NULL REFERENCES fund (id),
    PRIMARY KEY (appeal_id, ordinal),
    UNIQUE (appeal_id, fund_id)
);

CREATE TABLE fundraiser (
    id         TEXT COLLATE "C" PRIMARY KEY,
    appeal_id  TEXT COLLATE "C" NOT NULL REFERENCES appeal (id),
    slug       TEXT COLLATE "C" NOT NULL UNIQUE,
    title      TEXT NOT NULL,
    owner_name TEXT NOT NULL,
    story      TEXT NOT NULL, -- JSON list of paragraphs
    goal_minor BIGINT NOT NULL,
    state      TEXT NOT NULL
);
CREATE INDEX fundraiser_appeal ON fundraiser (appeal_id);

-- Totals are apart from what they are totals of: the consumer writes here all
-- the time, and a catalogue being loaded must not wait for it.
CREATE TABLE appeal_total (
    appeal_id     TEXT COLLATE "C" PRIMARY KEY REFERENCES appeal (id),
    settled_minor BIGINT NOT NULL CHECK (settled_minor >= 0),
    gifts         BIGINT NOT NULL CHECK (gifts >= 0),
    as_of         BIGINT NOT NULL -- position of the newest gift in it
);

CREATE TABLE fundraiser_total (
    fundraiser_id TEXT COLLATE "C" PRIMARY KEY REFERENCES fundraiser (id),
    settled_minor BIGINT NOT NULL CHECK (settled_minor >= 0),
    gifts         BIGINT NOT NULL CHECK (gifts >= 0),
    as_of         BIGINT NOT NULL
);

-- The key is what makes a gift count once, however often its event comes.
CREATE TABLE gift (
    donation_id     TEXT COLLATE "C" PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL,
    appeal_id       TEXT COLLATE "C" NOT NULL,
    fundraiser_id   TEXT COLLATE "C" NOT NULL, -- empty for a direct gift
    gift_minor      BIGINT NOT NULL CHECK (gift_minor > 0),
    currency        TEXT COLLATE "C" NOT NULL,
    visibility      TEXT NOT NULL,
    paid_at         BIGINT NOT NULL, -- unix microseconds
    pos             BIGINT NOT NULL, -- of its event in the donation feed
    counted_at      BIGINT NOT NULL, -- unix microseconds
    total_minor     BIGINT NOT NULL  -- of the page, or of the appeal, right after it
);
CREATE INDEX gift_appeal_newest ON gift (appeal_id, paid_at DESC, donation_id);
CREATE INDEX gift_fundraiser_newest ON gift (fundraiser_id, paid_at DESC, donation_id) WHERE fundraiser_id <> '';

-- +goose Down
DROP TABLE gift;
DROP TABLE fundraiser_total;
DROP TABLE appeal_total;
DROP TABLE fundraiser;
DROP TABLE appeal_fund;
DROP TABLE appeal;
DROP TABLE fund;
DROP TABLE organization;
DROP TABLE catalogue_lock;
