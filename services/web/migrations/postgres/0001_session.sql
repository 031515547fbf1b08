-- +goose Up

-- A browser that we know again. Of its token only the hash is here: who reads the
-- table, or a copy of it, cannot become anybody.
CREATE TABLE session (
    token_hash TEXT    NOT NULL PRIMARY KEY,
    data       BYTEA   NOT NULL,
    created_at BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL,
    -- An ended session stays until it would have expired: an answer that was under
    -- way when it ended must not bring it back.
    ended_at   BIGINT  NOT NULL DEFAULT 0
);
CREATE INDEX session_expiry ON session (expires_at);

-- Sessions that a person began at this moment or before are over.
CREATE TABLE sign_out_floor (
    person_id TEXT    NOT NULL PRIMARY KEY,
    at        BIGINT  NOT NULL
);

-- A mail that was sent to sign somebody in.
CREATE TABLE sign_in_link (
    token_hash      TEXT    NOT NULL PRIMARY KEY,
    email           TEXT    NOT NULL,
    client          TEXT    NOT NULL, -- network address that asked; empty: not counted
    binding_hash    TEXT    NOT NULL, -- of the cookie that the asking browser got
    next_path       TEXT    NOT NULL,
    draft_id        TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL,
    expires_at      BIGINT  NOT NULL,
    wrong_addresses BIGINT  NOT NULL DEFAULT 0,
    redeemed_at     BIGINT  NOT NULL DEFAULT 0
);
CREATE INDEX sign_in_link_email ON sign_in_link (email, created_at);
CREATE INDEX sign_in_link_client ON sign_in_link (client, created_at);
CREATE INDEX sign_in_link_age ON sign_in_link (created_at);

-- Who asks for one address, or from one, waits in line on its row, so that mails
-- are counted one after the other.
CREATE TABLE sign_in_turn (
    subject  TEXT    NOT NULL PRIMARY KEY,
    asked_at BIGINT  NOT NULL
);
CREATE INDEX sign_in_turn_age ON sign_in_turn (asked_at);

-- A page that somebody began without signing in, to count them by address.
CREATE TABLE draft_begun (
    intent_id TEXT    NOT NULL PRIMARY KEY,
    client    TEXT    NOT NULL,
    begun_at  BIGINT  NOT NULL
);
CREATE INDEX draft_begun_client ON draft_begun (client, begun_at);
CREATE INDEX draft_begun_age ON draft_begun (begun_at);

-- Staff that admins added; those of the configuration are not here.
CREATE TABLE staff (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- made from the address
    email      TEXT COLLATE "C" NOT NULL UNIQUE,
    roles      TEXT    NOT NULL, -- separated by commas
    added_by   TEXT    NOT NULL, -- id of the admin
    added_at   BIGINT  NOT NULL,
    removed_at BIGINT  NOT NULL DEFAULT 0
);

-- Who gave whom which role, for ever.
CREATE TABLE staff_change (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    staff_id   TEXT    NOT NULL,
    changed_by TEXT    NOT NULL,
    changed_at BIGINT  NOT NULL,
    roles      TEXT    NOT NULL -- empty: removed
);
CREATE INDEX staff_change_time ON staff_change (changed_at, id);

-- +goose StatementBegin
CREATE FUNCTION staff_change_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was done is never changed or deleted';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER staff_change_no_change BEFORE UPDATE OR DELETE ON staff_change
    FOR EACH ROW EXECUTE FUNCTION staff_change_is_immutable();
CREATE TRIGGER staff_change_no_truncate BEFORE TRUNCATE ON staff_change
    FOR EACH STATEMENT EXECUTE FUNCTION staff_change_is_immutable();

-- +goose Down
DROP TABLE staff_change;
DROP FUNCTION staff_change_is_immutable();
DROP TABLE staff;
DROP TABLE draft_begun;
DROP TABLE sign_in_turn;
DROP TABLE sign_in_link;
DROP TABLE sign_out_floor;
DROP TABLE session;
