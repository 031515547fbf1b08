package stripesim

import (
	"errors"
	"net/http"
	"slices"
	"strings"
)

// simAftermath is the part of the control surface that does what people do in
// Stripe's Dashboard, and what banks and donors do.
func (s *Server) simAftermath(mux *http.ServeMux) {
	mux.HandleFunc("POST /_sim/refund", s.control(s.postRefund))
	mux.HandleFunc("POST /_sim/fraud_warning", s.control(s.postWarning))
	mux.HandleFunc("POST /_sim/transaction", s.control(s.postTransaction))
	mux.HandleFunc("POST /_sim/payout", s.control(s.postPayout))
	mux.HandleFunc("POST /_sim/payout/{id}", s.control(s.postPayoutStep))
	mux.HandleFunc("POST /_sim/dispute", s.control(s.postDispute))
	mux.HandleFunc("POST /_sim/dispute/{id}", s.control(s.postVerdict))
	mux.HandleFunc("POST /_sim/debit", s.control(s.postDebit))
}

// postRefund refunds as staff do in the Dashboard: without the application.
func (s *Server) postRefund(_ *http.Request, document []byte) (any, error) {
	var asked struct {
		Charge        string            `json:"charge"`
		PaymentIntent string            `json:"payment_intent"`
		Amount        int64             `json:"amount"`
		Reason        string            `json:"reason"`
		Metadata      map[string]string `json:"metadata"`
	}
	err := strict(document, &asked)
	if err != nil {
		return nil, err
	}
	// The form has one field for both.
	if strings.HasPrefix(asked.Charge, "pi_") && asked.PaymentIntent == "" {
		asked.Charge, asked.PaymentIntent = "", asked.Charge
	}
	if asked.Amount < 0 || (asked.Reason != "" && !slices.Contains(refundReasons(), asked.Reason)) {
		return nil, errors.New("amount is above 0, reason is " + strings.Join(refundReasons(), ", "))
	}
	var refund *Refund
	err = s.transact(requestInfo{}, func(t *tx) error {
		charge, failure := t.chargeToRefund(asked.Charge, asked.PaymentIntent)
		if failure != nil {
			return failure
		}
		refund, failure = t.makeRefund(charge, asked.Amount, asked.Reason, asked.Metadata)
		return orNil(failure)
	})
	if err != nil {
		return nil, err
	}
	return s.shown(refund), nil
}

// postDebit is a bank that answers a debit now, as it would days later.
func (s *Server) postDebit(_ *http.Request, document []byte) (any, error) {
	var asked struct {
		PaymentIntent string `json:"payment_intent"`
		Reverse       flag   `json:"reverse"`
	}
	err := strict(document, &asked)
	if err != nil {
		return nil, err
	}
	var intent *PaymentIntent
	err = s.transact(requestInfo{}, func(t *tx) error {
		intent = t.intent(asked.PaymentIntent)
		if intent != nil && bool(asked.Reverse) {
			return t.debitReversed(intent)
		}
		if intent == nil || intent.Status != intentProcessing {
			return errors.New("payment_intent is one of a bank debit that is processing")
		}
		t.debitDone(timer{id: intent.LatestCharge, at: t.charge(intent.LatestCharge).DebitDue})
		intent = t.intent(asked.PaymentIntent)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.shown(intent), nil
}

// postDispute is a donor who goes to the bank.
func (s *Server) postDispute(_ *http.Request, document []byte) (any, error) {
	asked := struct {
		Charge        string `json:"charge"`
		PaymentIntent string `json:"payment_intent"`
		Amount        int64  `json:"amount"`
		Reason        string `json:"reason"`
		Inquiry       flag   `json:"inquiry"`
	}{Reason: "fraudulent"}
	err := strict(document, &asked)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(asked.Charge, "pi_") && asked.PaymentIntent == "" {
		asked.Charge, asked.PaymentIntent = "", asked.Charge
	}
	if asked.Amount < 0 || !slices.Contains(disputeReasons(), asked.Reason) {
		return nil, errors.New("amount is above 0, reason is " + strings.Join(disputeReasons(), ", "))
	}
	var made *Dispute
	err = s.transact(requestInfo{}, func(t *tx) error {
		charge, failure := t.chargeToRefund(asked.Charge, asked.PaymentIntent)
		if failure != nil {
			return failure
		}
		made, failure = t.openDispute(charge, claim{asked.Amount, asked.Reason, bool(asked.Inquiry)})
		return orNil(failure)
	})
	if err != nil {
		return nil, err
	}
	return s.shown(made), nil
}

// postVerdict is the bank that decides.
func (s *Server) postVerdict(r *http.Request, document []byte) (any, error) {
	var asked struct {
		Outcome string `json:"outcome"`
	}
	err := strict(document, &asked)
	if err != nil {
		return nil, err
	}
	verdict, known := map[string]string{
		"won": disputeWon, "lost": disputeLost, "escalate": verdictEscalate, "closed": inquiryClosed,
	}[asked.Outcome]
	if !known {
		return nil, errors.New("outcome is won, lost, escalate or closed")
	}
	var ended *Dispute
	err = s.transact(requestInfo{}, func(t *tx) error {
		d := t.dispute(r.PathValue("id"))
		if d == nil {
			return errors.New("there is no such dispute")
		}
		var failure *apiError
		ended, failure = t.judge(d, verdict)
		return orNil(failure)
	})
	if err != nil {
		return nil, err
	}
	return s.shown(ended), nil
}

// postPayout makes the automatic payouts of now instead of tonight.
func (s *Server) postPayout(_ *http.Request, document []byte) (any, error) {
	var asked struct {
		Currency string `json:"currency"`
		// IncludePending makes pending money available first.
		IncludePending flag `json:"include_pending"`
	}
	if len(document) > 0 {
		err := strict(document, &asked)
		if err != nil {
			return nil, err
		}
	}
	asked.Currency = strings.ToLower(asked.Currency)
	var made []*Payout
	err := s.transact(requestInfo{}, func(t *tx) error {
		if asked.IncludePending {
			t.hasten(asked.Currency)
		}
		made = t.payOut(asked.Currency)
		if len(made) == 0 {
			return errors.New("no money is available to pay out")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, len(made))
	for _, p := range made {
		out = append(out, s.shown(p))
	}
	return map[string]any{"payouts": out}, nil
}

// postPayoutStep is the bank that answers at once.
func (s *Server) postPayoutStep(r *http.Request, document []byte) (any, error) {
	var asked struct {
		Status string `json:"status"`
	}
	err := strict(document, &asked)
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]string{payoutInTransit, payoutPaid, payoutFailed}, asked.Status) {
		return nil, errors.New("status is in_transit, paid or failed")
	}
	var stepped *Payout
	err = s.transact(requestInfo{}, func(t *tx) error {
		p := t.payout(r.PathValue("id"))
		if p == nil {
			return errors.New("there is no such payout")
		}
		var err error
		stepped, err = t.push(p, asked.Status)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.shown(stepped), nil
}

// postWarning is a card issuer that calls a payment fraud.
func (s *Server) postWarning(_ *http.Request, document []byte) (any, error) {
	asked := struct {
		Charge    string `json:"charge"`
		FraudType string `json:"fraud_type"`
	}{FraudType: "misc"}
	err := strict(document, &asked)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(fraudTypes(), asked.FraudType) {
		return nil, errors.New("fraud_type is " + strings.Join(fraudTypes(), ", "))
	}
	var made *FraudWarning
	err = s.transact(requestInfo{}, func(t *tx) error {
		charge, failure := t.chargeToRefund(asked.Charge, "")
		if failure != nil {
			return failure
		}
		made, failure = t.warn(charge, asked.FraudType)
		return orNil(failure)
	})
	if err != nil {
		return nil, err
	}
	return s.shown(made), nil
}

// postTransaction moves money for a reason of Stripe's own, so that every
// reporting category can be met.
func (s *Server) postTransaction(_ *http.Request, document []byte) (any, error) {
	asked := struct {
		Category    string `json:"category"`
		Amount      int64  `json:"amount"`
		Fee         int64  `json:"fee"`
		Currency    string `json:"currency"`
		Description string `json:"description"`
	}{Category: "fee", Currency: s.defaultCurrency()}
	err := strict(document, &asked)
	if err != nil {
		return nil, err
	}
	asked.Currency = strings.ToLower(asked.Currency)
	failure := checkCurrency(asked.Currency, "currency")
	if failure != nil {
		return nil, failure
	}
	const most = 1_000_000_000_000
	if asked.Amount == 0 || max(asked.Amount, -asked.Amount, asked.Fee, -asked.Fee) > most || asked.Category == "" || strings.Trim(asked.Category, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return nil, errors.New("amount is not 0 and at most 10^12, category is lower case letters and _")
	}
	var made *BalanceTransaction
	err = s.transact(requestInfo{}, func(t *tx) error {
		made, failure = t.bookOther(asked.Category, asked.Currency, asked.Description, asked.Amount, asked.Fee)
		return orNil(failure)
	})
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return renderTransaction(s.view(), made), nil
}

// flag is true or, from a form, "on".
type flag bool

// UnmarshalJSON takes what a checkbox sends as well as JSON's own words.
func (f *flag) UnmarshalJSON(raw []byte) error {
	on, err := parseSwitch(raw, false)
	*f = flag(on)
	return err
}

// orNil keeps a typed nil out of an error.
func orNil(failure *apiError) error {
	if failure == nil {
		return nil
	}
	return failure
}

// shown renders an object for the answer of a control.
func (s *Server) shown(object any) map[string]any {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return renderObject(s.view(), object)
}
