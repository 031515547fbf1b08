package payments

import (
	"errors"
	"fmt"
	"strings"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
)

// object is what we read of a checkout session, a payment intent, a charge, or of
// anything else that a webhook or a balance transaction can be about. They share
// the names of fields, and a name means the same on each.
type object struct {
	ID       string
	Kind     string
	Status   string
	Created  int64
	Livemode bool
	Currency string
	// Ours says that our mark is among the metadata, Donation which gift they name.
	Ours     bool
	Donation string

	// Amount of a charge, Received what a payment intent really brought.
	Amount, Received int64
	URL              string // of a session that is open
	PaymentStatus    string // of a session
	Intent           ref    // of a session or a charge
	LatestCharge     ref    // of a payment intent
	// Failed says that a payment intent's newest try did, ErrorCode of what, and
	// DeclineCode the bank's word for it.
	Failed                 bool
	Delayable              bool // of a payment intent or a session: not by cards alone
	ErrorCode, DeclineCode string

	billing billing
	// Charge of a refund, a dispute or an invoice, and what else is only theirs.
	Charge         ref
	Reason         string
	FailureReason  string
	Request        string // of a refund that staff asked for
	EvidenceDue    int64
	Method         string // of a charge
	AmountRefunded int64
}

// ref is a reference: null, an id, or, when it was expanded, the object itself.
type ref struct {
	ID     string
	Object *object
}

func (r *reader) ref() ref {
	if r.next() != '{' {
		return ref{ID: r.string()}
	}
	o := &object{}
	r.object(o.read)
	return ref{ID: o.ID, Object: o}
}

func (r *reader) objects() []object {
	var list []object
	r.list(func(r *reader) {
		var o object
		r.object(o.read)
		list = append(list, o)
	})
	return list
}

// read is called for each member of the object.
func (o *object) read(r *reader, name []byte) {
	switch string(name) {
	case "id":
		o.ID = r.string()
	case "object":
		o.Kind = r.string()
	case "status":
		o.Status = r.string()
	case "created":
		o.Created = r.number()
	case "livemode":
		o.Livemode = r.flag()
	case "currency":
		o.Currency = r.string()
	case "metadata":
		r.object(o.readMetadata)
	case "amount":
		o.Amount = r.number()
	case "amount_received":
		o.Received = r.number()
	case "url":
		o.URL = r.string()
	case "payment_status":
		o.PaymentStatus = r.string()
	case "payment_intent":
		o.Intent = r.ref()
	case "latest_charge":
		o.LatestCharge = r.ref()
	case "charge":
		o.Charge = r.ref()
	case "reason":
		o.Reason = r.string()
	case "failure_reason":
		o.FailureReason = r.string()
	case "amount_refunded":
		o.AmountRefunded = r.number()
	case "evidence_details":
		r.object(func(r *reader, name []byte) {
			if string(name) != "due_by" {
				r.skip()
				return
			}
			o.EvidenceDue = r.number() * 1_000_000
		})
	case "payment_method_details":
		r.object(func(r *reader, name []byte) {
			if string(name) != "type" {
				r.skip()
				return
			}
			o.Method = r.string()
		})
	case "payment_method_types":
		r.list(func(r *reader) {
			if !domain.Card(r.string()) {
				o.Delayable = true
			}
		})
	case "last_payment_error":
		o.Failed = r.next() == '{'
		r.object(o.readError)
	default:
		if !o.readBilling(r, name) {
			r.skip()
		}
	}
}

func (o *object) readMetadata(r *reader, name []byte) {
	switch string(name) {
	case metaMark:
		o.Ours = r.string() != ""
	case metaDonation:
		o.Donation = r.string()
	case metaRefund:
		o.Request = r.string()
	default:
		if !o.billing.readPlanMetadata(r, name) {
			r.skip()
		}
	}
}

func (o *object) readError(r *reader, name []byte) {
	switch string(name) {
	case "code":
		o.ErrorCode = r.string()
	case "decline_code":
		o.DeclineCode = r.string()
	default:
		r.skip()
	}
}

// found reads what the object says about a gift. at is when it was true in unix
// seconds; 0 means that it was fetched just now. It answers false for a kind of
// object that says nothing about a gift.
func (o *object) found(at int64) (app.Found, bool) {
	f := o.plan()
	switch o.Kind {
	case "subscription", "invoice":
	case "checkout.session":
		f.Snapshot.Session = &domain.Session{
			ID: o.ID, Status: domain.SessionStatus(o.Status), Paid: o.PaymentStatus == "paid", PaymentID: o.Intent.ID,
			SubscriptionID: o.billing.Subscription.ID, InvoiceID: o.billing.Invoice.ID,
		}
		if o.Intent.Object != nil {
			f.Snapshot.Payment = o.Intent.Object.payment(at)
		}
	case "payment_intent":
		f.Snapshot.Payment = o.payment(at)
		// What an invoice charged is told by the invoice, and by nothing else: whatever
		// is written on its payment, it is no gift by itself.
		f.Ours = f.Ours && o.billing.Invoice.ID == ""
	case "refund", "dispute", "charge":
		return app.Found{Return: o.returned()}, o.ID != ""
	default:
		return app.Found{}, false
	}
	return f, o.ID != ""
}

// payment reads a payment intent. The time of the newest try is the charge's; a
// webhook has no charge but comes with it, so at serves as well.
func (o *object) payment(at int64) *domain.Payment {
	tried := o.Created
	switch {
	case o.LatestCharge.Object != nil:
		tried = o.LatestCharge.Object.Created
	case at > 0:
		tried = at
	}
	out := &domain.Payment{
		ID: o.ID, ChargeID: o.LatestCharge.ID, InvoiceID: o.billing.Invoice.ID, Status: domain.PaymentStatus(o.Status), Livemode: o.Livemode,
		Delayable: o.Delayable,
	}
	if out.Status == domain.PaymentSucceeded {
		out.PaidAt = tried * 1_000_000
		// A currency we don't know stays the zero value: it is no gift's currency.
		currency, _ := money.ParseCurrency(o.Currency)
		out.Received = money.Amount{Minor: o.Received, Currency: currency}
	}
	if o.Failed {
		out.DeclineCode, out.DeclinedAt = o.DeclineCode, tried*1_000_000
		if out.DeclineCode == "" {
			out.DeclineCode = o.ErrorCode
		}
	}
	return out
}

// ReadEvent reads a webhook's body once: which event it is, and what its object
// says about a gift, nil when that is nothing or cannot be read. It fails when the
// text is not what every event of Stripe's is.
func (*Client) ReadEvent(raw []byte) (app.StripeEvent, *app.Found, error) {
	var in event
	err := whole(raw, in.read)
	e, o := in.StripeEvent, &in.object
	e.ObjectID = o.ID
	if err == nil && (!identifier(e.EventID) || !identifier(e.Type) || !identifier(e.AccountID+e.APIVersion+e.ObjectID+"-")) {
		err = errors.New("it does not name itself")
	}
	if err != nil {
		return app.StripeEvent{}, nil, fmt.Errorf("read webhook: %w", err)
	}
	found, says := o.found(e.CreatedAt)
	if says && !in.odd {
		return e, &found, nil
	}
	return e, nil, nil
}

// event is one of Stripe's events and what it is about.
type event struct {
	app.StripeEvent
	object object
	odd    bool // something in the object is not what it should be
}

func (e *event) read(r *reader, name []byte) {
	switch string(name) {
	case "id":
		e.EventID = r.string()
	case "type":
		e.Type = r.string()
	case "account":
		e.AccountID = r.string()
	case "api_version":
		e.APIVersion = r.string()
	case "livemode":
		e.Livemode = r.flag()
	case "created":
		e.CreatedAt = r.number()
	case "data":
		r.object(func(r *reader, name []byte) {
			if string(name) != "object" {
				r.skip()
				return
			}
			// Something odd in the object is no reason not to know the event.
			before := r.odd
			r.odd = nil
			r.object(e.object.read)
			e.odd, r.odd = r.odd != nil, before
		})
	default:
		r.skip()
	}
}

// longestIdentifier is more than Stripe's ids have, and what an index bears.
const longestIdentifier = 500

// identifier tells whether text can be one of Stripe's ids or words: visible
// ASCII. PostgreSQL, for one, cannot hold a NUL, and a body that no database
// takes would be refused and sent again for days.
func identifier(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != "" && len(text) <= longestIdentifier
}

func code(stripeCode string) string { return strings.ToUpper(stripeCode) }
