package payments

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/stripe/stripe-go/v76"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
)

// session is what we read of a checkout session.
type session struct {
	stripe.APIResource
	ID            string            `json:"id"`
	URL           string            `json:"url"`
	Status        string            `json:"status"`
	PaymentStatus string            `json:"payment_status"`
	Metadata      map[string]string `json:"metadata"`
	Intent        intentRef         `json:"payment_intent"`
}

// intent is what we read of a payment intent.
type intent struct {
	stripe.APIResource
	ID             string            `json:"id"`
	Status         string            `json:"status"`
	AmountReceived int64             `json:"amount_received"`
	Currency       string            `json:"currency"`
	Livemode       bool              `json:"livemode"`
	Created        int64             `json:"created"`
	Metadata       map[string]string `json:"metadata"`
	LatestCharge   chargeRef         `json:"latest_charge"`
	LastError      *struct {
		Code        string `json:"code"`
		DeclineCode string `json:"decline_code"`
	} `json:"last_payment_error"`
}

// charge is what we read of a charge, and of anything else that a balance
// transaction can come from.
type charge struct {
	ID       string            `json:"id"`
	Object   string            `json:"object"`
	Created  int64             `json:"created"`
	Amount   int64             `json:"amount"`
	Currency string            `json:"currency"`
	Metadata map[string]string `json:"metadata"`
	Intent   intentRef         `json:"payment_intent"`
}

// A reference is null, an id, or, when it was expanded, the object itself.
type (
	intentRef struct {
		ID     string
		Object *intent
	}
	chargeRef struct {
		ID     string
		Object *charge
	}
)

func (r *intentRef) UnmarshalJSON(raw []byte) error {
	object, err := reference(raw, &r.ID, func(raw []byte) (string, error) {
		r.Object = &intent{}
		err := json.Unmarshal(raw, r.Object)
		return r.Object.ID, err
	})
	if !object {
		r.Object = nil
	}
	return err
}

func (r *chargeRef) UnmarshalJSON(raw []byte) error {
	object, err := reference(raw, &r.ID, func(raw []byte) (string, error) {
		r.Object = &charge{}
		err := json.Unmarshal(raw, r.Object)
		return r.Object.ID, err
	})
	if !object {
		r.Object = nil
	}
	return err
}

func reference(raw []byte, id *string, expanded func([]byte) (string, error)) (object bool, err error) {
	*id = ""
	switch raw = bytes.TrimSpace(raw); {
	case bytes.Equal(raw, []byte("null")):
		return false, nil
	case len(raw) > 0 && raw[0] == '{':
		*id, err = expanded(raw)
		return true, err
	}
	return false, json.Unmarshal(raw, id)
}

// found reads a session. at is when it was true in unix seconds; 0 means that it was fetched just now.
func (s *session) found(at int64) app.Found {
	f := app.Found{
		Ours: s.Metadata[metaMark] != "", DonationID: s.Metadata[metaDonation],
		Snapshot: domain.Snapshot{Session: &domain.Session{
			ID: s.ID, Status: domain.SessionStatus(s.Status), Paid: s.PaymentStatus == "paid",
			PaymentID: s.Intent.ID,
		}},
	}
	if s.Intent.Object != nil {
		f.Snapshot.Payment = s.Intent.Object.payment(at)
	}
	return f
}

func (p *intent) found(at int64) app.Found {
	return app.Found{
		Ours: p.Metadata[metaMark] != "", DonationID: p.Metadata[metaDonation],
		Snapshot: domain.Snapshot{Payment: p.payment(at)},
	}
}

// payment reads a payment intent. The time of the newest try is the charge's; a
// webhook has no charge but comes with it, so at serves as well.
func (p *intent) payment(at int64) *domain.Payment {
	tried := p.Created
	switch {
	case p.LatestCharge.Object != nil:
		tried = p.LatestCharge.Object.Created
	case at > 0:
		tried = at
	}
	out := &domain.Payment{
		ID: p.ID, ChargeID: p.LatestCharge.ID, Status: domain.PaymentStatus(p.Status), Livemode: p.Livemode,
	}
	if out.Status == domain.PaymentSucceeded {
		out.PaidAt = tried * 1_000_000
		// A currency we don't know stays the zero value: it is no gift's currency.
		currency, _ := money.ParseCurrency(p.Currency)
		out.Received = money.Amount{Minor: p.AmountReceived, Currency: currency}
	}
	if p.LastError != nil {
		out.DeclineCode, out.DeclinedAt = p.LastError.DeclineCode, tried*1_000_000
		if out.DeclineCode == "" {
			out.DeclineCode = p.LastError.Code
		}
	}
	return out
}

// Decode reads the object of a webhook's body. at is the event's time in unix
// seconds.
func (c *Client) Decode(raw []byte, at int64) (app.Found, error) {
	var body struct {
		Data struct {
			Object json.RawMessage `json:"object"`
		} `json:"data"`
	}
	err := json.Unmarshal(raw, &body)
	if err != nil {
		return app.Found{}, fmt.Errorf("decode webhook: %w", err)
	}
	var kind struct {
		Object string `json:"object"`
	}
	err = json.Unmarshal(body.Data.Object, &kind)
	if err != nil {
		return app.Found{}, fmt.Errorf("decode webhook: %w", err)
	}
	switch kind.Object {
	case "checkout.session":
		var s session
		err = json.Unmarshal(body.Data.Object, &s)
		if err == nil && s.ID != "" {
			return s.found(at), nil
		}
	case "payment_intent":
		var p intent
		err = json.Unmarshal(body.Data.Object, &p)
		if err == nil && p.ID != "" {
			return p.found(at), nil
		}
	default:
		return app.Found{}, fmt.Errorf("decode webhook: it is about a %.40q", kind.Object)
	}
	if err == nil {
		err = errors.New("the object has no id")
	}
	return app.Found{}, fmt.Errorf("decode webhook: %w", err)
}

func code(stripeCode string) string { return strings.ToUpper(stripeCode) }
