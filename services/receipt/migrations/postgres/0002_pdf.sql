-- +goose Up

-- The drawing of a receipt's PDF: state that changes. What waits for a font is
-- due again by itself, and counts as tried: the mail goes out without it.
CREATE TABLE receipt_drawing (
    number          TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES receipt (number),
    drawn_at        BIGINT           NOT NULL DEFAULT 0, -- 0: not drawn
    waits_for       TEXT             NOT NULL DEFAULT '', -- scripts that no font covers, a line each
    attempts        BIGINT           NOT NULL DEFAULT 0,
    next_attempt_at BIGINT           NOT NULL DEFAULT 0,
    parked_at       BIGINT           NOT NULL DEFAULT 0, -- 0: not parked
    parked_reason   TEXT             NOT NULL DEFAULT ''
);
CREATE INDEX receipt_drawing_next ON receipt_drawing (next_attempt_at, number) WHERE drawn_at = 0 AND parked_at = 0;

-- Receipts that were issued without a PDF get theirs.
INSERT INTO receipt_drawing (number) SELECT number FROM receipt;

-- The files, for ever as they were drawn.
CREATE TABLE receipt_pdf (
    number   TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES receipt (number),
    sha256   TEXT             NOT NULL, -- hex
    content  BYTEA            NOT NULL,
    drawn_at BIGINT           NOT NULL
);

-- +goose StatementBegin
CREATE FUNCTION receipt_pdf_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a receipt''s file is never changed or deleted';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER receipt_pdf_no_change BEFORE UPDATE OR DELETE ON receipt_pdf
    FOR EACH ROW EXECUTE FUNCTION receipt_pdf_is_immutable();
CREATE TRIGGER receipt_pdf_no_truncate BEFORE TRUNCATE ON receipt_pdf
    FOR EACH STATEMENT EXECUTE FUNCTION receipt_pdf_is_immutable();

-- +goose Down
DROP TABLE receipt_pdf;
DROP FUNCTION receipt_pdf_is_immutable();
DROP TABLE receipt_drawing;
