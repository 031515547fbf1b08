-- +goose Up

-- A gift is looked up by the id on its charge, which is what Stripe's own pages
-- and mails name.
CREATE INDEX donation_charge ON donation (charge_id) WHERE charge_id <> '';
