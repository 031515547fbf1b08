package stripesim

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// billingControls are the buttons that Stripe has in its Dashboard, or has not.
func (s *Server) billingControls(mux *http.ServeMux) {
	mux.HandleFunc("GET /_sim/settings", s.getSettings)
	mux.HandleFunc("POST /_sim/settings", s.control(s.postSettings))
	mux.HandleFunc("POST /_sim/subscriptions/{id}/renew", s.control(s.postRenew))
	mux.HandleFunc("POST /_sim/subscriptions/{id}/fail_next", s.control(s.postFailNext))
	mux.HandleFunc("POST /_sim/payment_methods/{id}/update_card", s.control(s.postUpdateCard))
}

func (s *Server) getSettings(w http.ResponseWriter, _ *http.Request) {
	s.mu.RLock()
	chosen := s.state.chosen()
	s.mu.RUnlock()
	sendJSON(w, http.StatusOK, chosen)
}

// postSettings changes what is named. Like an account's settings, and unlike
// knobs, they outlive a restart.
func (s *Server) postSettings(_ *http.Request, document []byte) (any, error) {
	s.mu.RLock()
	asked := s.state.chosen()
	s.mu.RUnlock()
	asked.RetryDays = slices.Clone(asked.RetryDays)
	err := strict(document, &asked)
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"cancel", planUnpaid, planPastDue}, asked.AfterLastRetry) {
		return nil, errors.New("after_last_retry is cancel, unpaid or past_due")
	}
	if !slices.Contains([]string{retriesUsual, retriesSandbox}, asked.WebhookRetries) {
		return nil, errors.New("webhook_retries is usual or sandbox")
	}
	if len(asked.RetryDays) > 8 || slices.ContainsFunc(asked.RetryDays, func(days int64) bool { return days < 1 || days > 60 }) {
		return nil, errors.New("retry_days are at most 8 pauses of 1 to 60 days")
	}
	if asked.RetryDays == nil {
		asked.RetryDays = []int64{}
	}
	err = s.transact(requestInfo{}, func(t *tx) error {
		t.rec.Puts = append(t.rec.Puts, put{billingPut: billingPut{Settings: &asked}})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return asked, nil
}

// livePlan finds a plan that still charges.
func (t *tx) livePlan(id string) (*Subscription, error) {
	plan := t.plan(id)
	if plan == nil {
		return nil, errors.New("there is no such subscription")
	}
	if plan.ended() || plan.Status == planIncomplete {
		return nil, fmt.Errorf("this subscription is %s: it does not renew", plan.Status)
	}
	return plan, nil
}

// postRenew ends the running period now and charges the next one at once, so
// that nobody waits a month to see it. The cycle is counted from now on.
func (s *Server) postRenew(r *http.Request, _ []byte) (any, error) {
	var plan *Subscription
	var invoice *Invoice
	err := s.transact(requestInfo{}, func(t *tx) error {
		old, err := t.livePlan(r.PathValue("id"))
		if err != nil {
			return err
		}
		now := t.at(old.TestClock)
		if now <= old.PeriodStart {
			return errors.New("this period began in this very second: nothing is used up yet")
		}
		next := *old
		next.Anchor, next.Cycle, next.PeriodStart = now, 0, now
		next.PeriodEnd = next.Recurring.boundary(now, 1)
		invoice = t.bill(old, next)
		if invoice.Status == invoiceDraft && invoice.AutoAdvance {
			invoice = t.advance(invoice)
		}
		plan = t.plan(old.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return map[string]any{"subscription": renderPlan(s.view(), plan), "invoice": renderInvoice(s.view(), invoice)}, nil
}

// postFailNext lets the next attempts to charge a plan fail, whatever its card.
func (s *Server) postFailNext(r *http.Request, document []byte) (any, error) {
	asked := struct {
		Attempts int64 `json:"attempts"`
	}{Attempts: 1}
	if len(document) > 0 {
		err := strict(document, &asked)
		if err != nil {
			return nil, err
		}
	}
	if asked.Attempts < 0 || asked.Attempts > 100 {
		return nil, errors.New("attempts is 0 to 100")
	}
	err := s.transact(requestInfo{}, func(t *tx) error {
		plan, err := t.livePlan(r.PathValue("id"))
		if err != nil {
			return err
		}
		next := *plan
		next.FailNext = asked.Attempts
		t.putPlan(next)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return map[string]int64{"attempts": asked.Attempts}, nil
}

// postUpdateCard does what card networks do: a saved card gets its new expiry
// without anybody asking.
func (s *Server) postUpdateCard(r *http.Request, document []byte) (any, error) {
	var asked struct {
		Month int `json:"exp_month"`
		Year  int `json:"exp_year"`
	}
	err := strict(document, &asked)
	if err != nil {
		return nil, err
	}
	if asked.Month < 1 || asked.Month > 12 || asked.Year < 2000 || asked.Year > 2999 {
		return nil, errors.New("give exp_month and exp_year")
	}
	var method *PaymentMethod
	err = s.transact(requestInfo{}, func(t *tx) error {
		old := t.method(r.PathValue("id"))
		if old == nil || old.Customer == "" {
			return errors.New("there is no such saved payment method")
		}
		next := *old
		next.ExpMonth, next.ExpYear = asked.Month, asked.Year
		method = t.putMethod(next)
		t.emit("payment_method.automatically_updated", map[string]any{
			"card": map[string]any{"exp_month": old.ExpMonth, "exp_year": old.ExpYear},
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return renderMethod(method), nil
}
