-- +goose Up

-- What waits for staff is counted several times a minute, among rows that are kept
-- for ever.
CREATE INDEX receipt_mail_parked ON receipt_mail (parked_at) WHERE parked_at > 0;
CREATE INDEX receipt_drawing_parked ON receipt_drawing (parked_at) WHERE parked_at > 0;

-- +goose Down
DROP INDEX receipt_drawing_parked;
DROP INDEX receipt_mail_parked;
