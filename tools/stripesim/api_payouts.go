package stripesim

import (
	"maps"
	"strings"
)

func payoutParams() schema {
	return schema{
		"amount":               {kind: isInteger, required: true},
		"currency":             {kind: isString, required: true},
		"description":          {kind: isString, max: 5000},
		"destination":          {kind: isString},
		"metadata":             {kind: isMetadata},
		"method":               {kind: isEnum, enum: []string{"instant", "standard"}},
		"source_type":          {kind: isEnum, enum: []string{"bank_account", "card", "fpx"}},
		"statement_descriptor": {kind: isString, max: 22},
	}
}

func (s *Server) checkNewPayout(c *call) *apiError {
	p := c.params
	amount, _ := p.integer("amount")
	currency := strings.ToLower(p.str("currency"))
	failure := checkCurrency(currency, "currency")
	switch {
	case failure != nil:
		return failure
	case amount < 1:
		return badRequest("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
	case amount%payoutStep(currency) != 0:
		return badRequest("parameter_invalid_integer", "amount",
			"Invalid amount: payouts in %s must be divisible by %d.", strings.ToUpper(currency), payoutStep(currency))
	case p.str("method") == "instant":
		return notOffered("method=instant")
	case p.str("source_type") != "" && p.str("source_type") != "card":
		return notOffered("source_type=" + p.str("source_type"))
	case p.str("destination") != "" && p.str("destination") != s.bankAccountID():
		return badRequest("resource_missing", "destination", "No such external account: '%s'", shorten(p.str("destination")))
	}
	return nil
}

// payoutStep: some currencies are paid out in whole units only.
func payoutStep(currency string) int64 {
	if currency == "huf" || currency == "twd" {
		return 100
	}
	return step(currency)
}

func createPayout(c *call, t *tx) (map[string]any, *apiError) {
	p := c.params
	amount, _ := p.integer("amount")
	currency := strings.ToLower(p.str("currency"))
	if amount > t.available(currency) {
		return nil, executedError(badRequest("balance_insufficient", "amount",
			"You have insufficient funds in your Stripe account for this transfer. Your card balance is too low. "+
				"You can use the /v1/balance endpoint to view your Stripe balance."))
	}
	return renderPayout(t, t.makePayout(Payout{
		Amount: amount, Currency: currency, Description: p.str("description"),
		StatementDescriptor: p.str("statement_descriptor"), Metadata: metadataOf(p.pairs("metadata")),
	})), nil
}

func (s *Server) checkPayoutID(c *call) *apiError {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return payoutMissing(s.state.payouts.byID[c.r.PathValue("id")], c)
}

func payoutMissing(found *Payout, c *call) *apiError {
	if found == nil {
		return missing("payout", "payout", shorten(c.r.PathValue("id")))
	}
	return nil
}

func updatePayout(c *call, t *tx) (map[string]any, *apiError) {
	p := t.payout(c.r.PathValue("id"))
	next := *p
	next.Metadata = mergeMetadata(p.Metadata, c.params.get("metadata"))
	if !maps.Equal(next.Metadata, p.Metadata) {
		previous := map[string]any{"metadata": metadataOf(p.Metadata)}
		p = t.putPayout(next)
		t.emit("payout.updated", previous)
	}
	return renderPayout(t, p), nil
}

func cancelPayout(c *call, t *tx) (map[string]any, *apiError) {
	p := t.payout(c.r.PathValue("id"))
	switch {
	case p.Automatic:
		return nil, executedError(badRequest("", "", "You cannot cancel automatic payouts."))
	case p.Status != payoutPending:
		return nil, executedError(badRequest("", "", "Payouts can only be canceled while they are pending; %s is %s.", p.ID, p.Status))
	}
	next := *p
	next.Status, next.Due = payoutCanceled, 0
	next.FailureTransaction = t.returnPayout(p, "payout_cancel", "STRIPE PAYOUT CANCEL")
	canceled := t.putPayout(next)
	t.emit("payout.canceled", map[string]any{"status": p.Status, "failure_balance_transaction": nil})
	return renderPayout(t, canceled), nil
}

func getPayout(c *call, v reader) (map[string]any, *apiError) {
	p := v.payout(c.r.PathValue("id"))
	if p == nil {
		return nil, payoutMissing(p, c)
	}
	return renderPayout(v, p), nil
}

func payoutFilters() schema {
	return pageParams(schema{
		"arrival_date": {kind: isRange}, "created": {kind: isRange}, "destination": {kind: isString}, "status": {kind: isString},
	})
}

func (s *Server) listPayouts(c *call, v reader) (map[string]any, *apiError) {
	p := c.params
	arrives := createdFilter(p.get("arrival_date"))
	return listing[Payout]{
		url: "/v1/payouts", kind: "payout", table: &v.payouts,
		created: func(row *Payout) int64 { return row.Created },
		keep: func(row *Payout) bool {
			return arrives(row.ArrivalDate) && (p.str("status") == "" || row.Status == p.str("status")) &&
				(p.str("destination") == "" || p.str("destination") == bankAccountID(v.init.Seed))
		},
		render: func(row *Payout) map[string]any { return renderPayout(v, row) },
	}.page(c, v)
}

// inPayout are the transactions that a payout paid out, with its own among them.
func inPayout(v reader, id string) ([]string, *apiError) {
	p := v.payout(id)
	switch {
	case p == nil:
		return nil, badRequest("resource_missing", "payout", "No such payout: '%s'", shorten(id))
	case !p.Automatic:
		return nil, badRequest("", "payout", "Balance transaction history can only be filtered on automatic transfers, not manual.")
	}
	return v.contents[id], nil
}

func bankAccountID(seed uint64) string { return "ba_1" + token(seed, "bank_account", 0, 23) }

func (s *Server) bankAccountID() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return bankAccountID(s.state.init.Seed)
}

func renderPayout(v view, p *Payout) map[string]any {
	reconciliation := "not_applicable"
	if p.Automatic {
		reconciliation = "in_progress"
	}
	if p.Reconciled {
		reconciliation = "completed"
	}
	description := orNull(p.Description)
	if p.Automatic {
		description = "STRIPE PAYOUT"
	}
	return map[string]any{
		"id": p.ID, "object": "payout", "amount": p.Amount, "arrival_date": p.ArrivalDate, "automatic": p.Automatic,
		"balance_transaction": p.BalanceTransaction, "created": p.Created, "currency": p.Currency, "description": description,
		"destination": bankAccountID(v.seed()), "failure_balance_transaction": orNull(p.FailureTransaction),
		"failure_code": orNull(p.FailureCode), "failure_message": orNull(p.FailureMessage), "livemode": false,
		"metadata": metadataOf(p.Metadata), "method": "standard", "original_payout": nil,
		"reconciliation_status": reconciliation, "reversed_by": nil, "source_type": "card",
		"statement_descriptor": orNull(p.StatementDescriptor), "status": p.Status, "type": "bank_account",
	}
}

// renderBankAccount is where payouts go: one account for all currencies.
func renderBankAccount(v view, id string) map[string]any {
	return map[string]any{
		"id": id, "object": "bank_account", "account_holder_name": nil, "account_holder_type": nil, "account_type": nil,
		"bank_name": "STRIPE TEST BANK", "country": "US", "currency": "usd", "customer": nil,
		"fingerprint": token(v.seed(), "bank", 0, 16), "last4": "6789", "metadata": map[string]string{},
		"routing_number": "110000000", "status": "new",
	}
}
