-- +goose Up

-- How an attempt let the donor pay, separated by commas: asking again is asking for
-- the same, also after the methods were changed.
ALTER TABLE attempt ADD COLUMN payment_methods TEXT NOT NULL DEFAULT 'card';
