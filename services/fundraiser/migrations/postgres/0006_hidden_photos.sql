-- +goose Up
-- Whether a picture is that of a page that staff hid is asked with each picture.
CREATE INDEX fundraiser_hidden_photo ON fundraiser (photo_id) WHERE state = 'taken_down';

-- +goose Down
DROP INDEX fundraiser_hidden_photo;
