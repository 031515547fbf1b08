-- +goose Up
-- Operators are told how many ends Stripe has not given yet, several times a minute:
-- that may not read every plan.
CREATE INDEX recurring_plan_ending ON recurring_plan (cancel_asked_at)
	WHERE cancel_asked_at > 0 AND status NOT IN ('canceled', 'incomplete_expired');

-- +goose Down
DROP INDEX recurring_plan_ending;
