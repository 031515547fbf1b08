package migrations

import "github.com/almoner/almoner/services/internal/platform/database"

// grants are all that the donation service's code needs. What a donor submitted
// and what Stripe booked is written once.
func grants() database.Grants {
	return database.Grants{
		"intent": "SELECT, INSERT, UPDATE (claim, claimed_until)",
		"donation": `SELECT, INSERT, UPDATE (state, account_id, attempt, session_id, payment_intent_id, charge_id, paid_at,
			succeeded_at, late, decline_code, declined_at, webhook_received_at, check_at, asked_at, balance_transaction_id,
			fee_minor, fee_currency, invoice_id,
			version, returned_minor, dispute, payment_method, delayable)`,
		"recurring_plan": `SELECT, INSERT, UPDATE (status, account_id, subscription_id, customer_id, gift_minor, cover_minor, next_at,
			ends_at, paused_until, failed, retry_at, started_at, looked_at, cancel_asked_at, cancel_by, check_at, version)`,
		"plan_change":         "SELECT, INSERT, UPDATE (state, attempt, done_at)",
		"plan_mail":           "SELECT, INSERT, UPDATE (url, attempts, next_attempt_at, settled_at, parked_at, parked_reason)",
		"donor":               "SELECT, INSERT",
		"attempt":             "SELECT, INSERT, UPDATE (state, session_id, url)",
		"stripe_event":        "SELECT, INSERT, UPDATE (object_id, state, reason, attempts, next_at, sealed)",
		"stripe_due":          "SELECT, INSERT, UPDATE (attempts, next_at), DELETE",
		"balance_transaction": "SELECT, INSERT, UPDATE (payout_id)",
		"payout": `SELECT, INSERT, UPDATE (status, arrival_at, failure, complete, listed_at, difference_minor, heard_at,
			check_at)`,
		"stripe_account": "SELECT, INSERT, UPDATE (confirmed_at)",
		"refund": `SELECT, INSERT, UPDATE (refund_id, account_id, charge_id, payment_intent_id, status, reason, failure, made_at,
			decided_by, attempt, check_at, settled_at)`,
		"dispute": `SELECT, INSERT, UPDATE (amount_minor, status, closed, reason, evidence_due_at, created_at, charge_id,
			payment_intent_id, check_at)`,
		"stripe_list": "SELECT, INSERT, UPDATE (seen_at)",
	}
}

// checked leaves out donors' names and addresses, addresses of checkouts and invoices,
// which show them, and what staff wrote about refunds and monthly plans.
func checked() database.Grants {
	return database.Grants{
		"donor":   "",
		"attempt": "SELECT (donation_id, number, intent_id, state, session_id, base_url, started_at, expires_at, payment_methods)",
		"refund": `SELECT (key, request_id, refund_id, account_id, donation_id, charge_id, payment_intent_id, amount_minor, currency, status,
			reason, failure, created_at, made_at, attempt, check_at, settled_at)`,
		"plan_change": `SELECT (request_id, plan_id, kind, gift_minor, cover_minor, resumes_at, input_hash, asked_at, state, attempt,
			done_at)`,
		"plan_mail": `SELECT (key, plan_id, donation_id, kind, gift_minor, cover_minor, at, language, made_at, attempts, next_attempt_at,
			settled_at, parked_at, parked_reason)`,
	}
}
