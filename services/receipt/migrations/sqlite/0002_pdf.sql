-- +goose Up

-- The drawing of a receipt's PDF: state that changes. What waits for a font is
-- due again by itself, and counts as tried: the mail goes out without it.
CREATE TABLE receipt_drawing (
    number          TEXT    NOT NULL PRIMARY KEY REFERENCES receipt (number),
    drawn_at        INTEGER NOT NULL DEFAULT 0, -- 0: not drawn
    waits_for       TEXT    NOT NULL DEFAULT '', -- scripts that no font covers, a line each
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL DEFAULT 0,
    parked_at       INTEGER NOT NULL DEFAULT 0, -- 0: not parked
    parked_reason   TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX receipt_drawing_next ON receipt_drawing (next_attempt_at, number) WHERE drawn_at = 0 AND parked_at = 0;

-- Receipts that were issued without a PDF get theirs.
INSERT INTO receipt_drawing (number) SELECT number FROM receipt;

-- The files, for ever as they were drawn.
CREATE TABLE receipt_pdf (
    number   TEXT    NOT NULL PRIMARY KEY REFERENCES receipt (number),
    sha256   TEXT    NOT NULL, -- hex
    content  BLOB    NOT NULL,
    drawn_at INTEGER NOT NULL
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER receipt_pdf_no_update BEFORE UPDATE ON receipt_pdf
BEGIN
    SELECT RAISE(ABORT, 'a receipt''s file is never changed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER receipt_pdf_no_delete BEFORE DELETE ON receipt_pdf
BEGIN
    SELECT RAISE(ABORT, 'a receipt''s file is never deleted');
END;
-- +goose StatementEnd

-- REPLACE deletes without firing delete triggers, so it is stopped beforehand.
-- +goose StatementBegin
CREATE TRIGGER receipt_pdf_no_replace BEFORE INSERT ON receipt_pdf
WHEN EXISTS (SELECT 1 FROM receipt_pdf WHERE number = NEW.number)
BEGIN
    SELECT RAISE(ABORT, 'a receipt''s file is never replaced in place');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE receipt_pdf;
DROP TABLE receipt_drawing;
