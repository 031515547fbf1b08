-- +goose Up

-- Money that was booked as belonging to no gift must not become a gift: each
-- payment that would make one succeed is looked up here, by itself and its charge.
CREATE INDEX balance_transaction_foreign_payment ON balance_transaction (payment_intent_id) WHERE is_foreign = 1;
CREATE INDEX balance_transaction_foreign_source ON balance_transaction (source_id) WHERE is_foreign = 1;
