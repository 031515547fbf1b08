package stripesim

// record is one transition: everything in it happened, or nothing. The log is a
// sequence of records without a gap.
type record struct {
	Seq uint64 `json:"n"`
	// At is the simulated time in unix microseconds.
	At int64 `json:"at"`
	// IDs is how many ids had been made after this record.
	IDs         uint64       `json:"ids"`
	Init        *initRecord  `json:"init,omitempty"`
	Boot        bool         `json:"boot,omitempty"`
	ClockOffset *int64       `json:"clock,omitempty"`
	Puts        []put        `json:"puts,omitempty"`
	Events      []*Event     `json:"events,omitempty"`
	Idempotency *idemEntry   `json:"idem,omitempty"`
	Resends     []resend     `json:"resends,omitempty"`
	Sent        []sentRecord `json:"sent,omitempty"`
}

// resend asks for one more delivery of an event.
type resend struct {
	Event    string `json:"evt"`
	Endpoint string `json:"we"`
}

func (r *record) empty() bool {
	return r.Init == nil && !r.Boot && r.ClockOffset == nil && len(r.Puts) == 0 &&
		r.Idempotency == nil && len(r.Resends) == 0 && len(r.Sent) == 0
}

// initRecord opens a store.
type initRecord struct {
	Format  int    `json:"format"`
	Seed    uint64 `json:"seed"`
	Account string `json:"account"`
	Created int64  `json:"created"`
}

// put is a new version of one object; exactly one field is set.
type put struct {
	Session       *Session            `json:"session,omitempty"`
	PaymentIntent *PaymentIntent      `json:"pi,omitempty"`
	PaymentMethod *PaymentMethod      `json:"pm,omitempty"`
	Charge        *Charge             `json:"charge,omitempty"`
	Transaction   *BalanceTransaction `json:"txn,omitempty"`
	Endpoint      *WebhookEndpoint    `json:"we,omitempty"`
	Account       *ConnectedAccount   `json:"acct,omitempty"`
	billingPut
	aftermathPut
}

func (p put) object() any {
	switch {
	case p.Session != nil:
		return p.Session
	case p.PaymentIntent != nil:
		return p.PaymentIntent
	case p.PaymentMethod != nil:
		return p.PaymentMethod
	case p.Charge != nil:
		return p.Charge
	case p.Transaction != nil:
		return p.Transaction
	case p.Endpoint != nil:
		return p.Endpoint
	}
	object := p.billingPut.object()
	if object == nil {
		object = p.aftermathPut.object()
	}
	return object
}

// sentRecord is the outcome of one delivery attempt. Losing it costs one more
// delivery, so nobody waits for it to reach disk.
type sentRecord struct {
	Event   string `json:"evt"`
	Index   int    `json:"i"`
	Attempt int    `json:"attempt"`
	Status  int    `json:"status"`
	Failure string `json:"failure,omitempty"`
	State   string `json:"state"`
	// NextAt is the simulated time of the next attempt in unix microseconds.
	NextAt int64 `json:"next,omitempty"`
}
