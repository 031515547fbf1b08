-- +goose Up

-- One payment is listed once for one reason: what is parked is looked up by object.
CREATE INDEX stripe_event_parked_object ON stripe_event (object_id) WHERE state = 'parked';
