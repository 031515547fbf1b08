package stripesim

import "strings"

// intentParams allows what Stripe's own browser code adds to the request.
func intentParams() schema {
	return schema{"client_secret": {kind: isString, max: 5000}}
}

func getIntent(c *call, v reader) (map[string]any, *apiError) {
	id := c.r.PathValue("id")
	intent := v.intent(id)
	secret := c.params.str("client_secret")
	if intent == nil || (secret != "" && secret != intent.ClientSecret) {
		return nil, missing("payment_intent", "intent", shorten(id))
	}
	return renderIntent(v, intent), nil
}

func intentFilters() schema {
	return pageParams(schema{"created": {kind: isRange}, "customer": {kind: isString}})
}

func (s *Server) listIntents(c *call, v reader) (map[string]any, *apiError) {
	return listing[PaymentIntent]{
		url: "/v1/payment_intents", kind: "payment_intent", table: &v.intents,
		created: func(row *PaymentIntent) int64 { return row.Created },
		keep: func(row *PaymentIntent) bool {
			return c.params.str("customer") == "" || row.Customer == c.params.str("customer")
		},
		render: func(row *PaymentIntent) map[string]any { return renderIntent(v, row) },
	}.page(c, v)
}

func getCharge(c *call, v reader) (map[string]any, *apiError) {
	id := c.r.PathValue("id")
	charge := v.charge(id)
	if charge == nil {
		return nil, missing("charge", "charge", shorten(id))
	}
	return renderCharge(v, charge), nil
}

func chargeFilters() schema {
	return pageParams(schema{
		"created": {kind: isRange}, "customer": {kind: isString}, "payment_intent": {kind: isString},
		"transfer_group": {kind: isString},
	})
}

func (s *Server) listCharges(c *call, v reader) (map[string]any, *apiError) {
	l := listing[Charge]{
		url: "/v1/charges", kind: "charge", table: &v.charges,
		created: func(row *Charge) int64 { return row.Created },
		keep: func(row *Charge) bool {
			return (c.params.str("customer") == "" || row.Customer == c.params.str("customer")) && c.params.str("transfer_group") == ""
		},
		render: func(row *Charge) map[string]any { return renderCharge(v, row) },
	}
	if id := c.params.str("payment_intent"); id != "" {
		l.restricted, l.among = true, v.chargesOfIntent[id]
	}
	return l.page(c, v)
}

func getTransaction(c *call, v reader) (map[string]any, *apiError) {
	id := c.r.PathValue("id")
	transaction := v.transaction(id)
	if transaction == nil {
		return nil, missing("balance transaction", "id", shorten(id))
	}
	return renderTransaction(v, transaction), nil
}

func transactionFilters() schema {
	return pageParams(schema{
		"created": {kind: isRange}, "currency": {kind: isString}, "payout": {kind: isString},
		"source": {kind: isString}, "type": {kind: isString},
	})
}

func (s *Server) listTransactions(c *call, v reader) (map[string]any, *apiError) {
	p := c.params
	currency := strings.ToLower(p.str("currency"))
	l := listing[BalanceTransaction]{
		url: "/v1/balance_transactions", kind: "balance transaction", table: &v.txns,
		created: func(row *BalanceTransaction) int64 { return row.Created },
		keep: func(row *BalanceTransaction) bool {
			return (currency == "" || row.Currency == currency) && (p.str("type") == "" || row.Type == p.str("type")) &&
				(p.str("source") == "" || row.Source == p.str("source"))
		},
		render: func(row *BalanceTransaction) map[string]any { return renderTransaction(v, row) },
	}
	if id := p.str("source"); id != "" {
		l.restricted, l.among = true, v.txnsOf[id]
	}
	if id := p.str("payout"); id != "" {
		paid, failure := inPayout(v, id)
		if failure != nil {
			return nil, failure
		}
		l.restricted, l.among = true, paid
	}
	return l.page(c, v)
}

func (s *Server) getBalance(_ *call, v reader) (map[string]any, *apiError) {
	return renderBalance(v.balances(v.at.Unix()), s.defaultCurrency()), nil
}

// defaultCurrency is that of the account's country, unless it has chosen another.
func (s *Server) defaultCurrency() string {
	if s.as != nil {
		return s.as.DefaultCurrency
	}
	return currencyOf(s.cfg.Country)
}

func currencyOf(country string) string {
	switch {
	case country == "GB":
		return "gbp"
	case country == "CH":
		return "chf"
	case country == "JP":
		return "jpy"
	case listed(eea, country):
		return "eur"
	}
	return "usd"
}
