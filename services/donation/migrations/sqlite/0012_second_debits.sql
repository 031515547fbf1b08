-- +goose Up

-- A debit that came beside the payment of its gift is found by its own ids, and by those
-- of what the bank took back of it. Only such money is listed: all other is found by its
-- gift's payment.
CREATE INDEX balance_transaction_debit_payment ON balance_transaction (payment_intent_id)
	WHERE type IN ('payment', 'payment_refund', 'payment_failure_refund', 'adjustment');
CREATE INDEX balance_transaction_debit_source ON balance_transaction (source_id)
	WHERE type IN ('payment', 'payment_refund', 'payment_failure_refund', 'adjustment');
