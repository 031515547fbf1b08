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
