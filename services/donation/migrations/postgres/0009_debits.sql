-- +goose Up

-- Whether a gift's payment could be made by a method that takes days: its money is
-- booked otherwise, whenever it is heard of.
ALTER TABLE donation ADD COLUMN delayable BIGINT NOT NULL DEFAULT 0 CHECK (delayable IN (0, 1));
