package payments

import (
	"strconv"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
)

// billing is what we read of a subscription or an invoice, and of what belongs to
// one, beside what every object has.
type billing struct {
	Customer     ref
	Subscription ref // of a session or an invoice
	Invoice      ref // of a session, a payment intent or a charge

	PlanID string // that the metadata name
	Agreed domain.Parts

	// Of a subscription.
	Items             []domain.Item
	Total             int64
	PeriodEnd         int64
	CancelAt, EndedAt int64
	CancelAtPeriodEnd bool
	Paused            bool
	ResumesAt         int64
	Latest            ref

	// Of an invoice.
	Reason        string
	Paid          int64
	OutOfBand     bool
	PaidAt        int64
	Attempts      int64
	NextAttemptAt int64
	HostedURL     string
	Lines         []int64
}

// readBilling reads a member that plans need, and answers false for any other.
func (o *object) readBilling(r *reader, name []byte) bool {
	b := &o.billing
	switch string(name) {
	case "customer":
		b.Customer = r.ref()
	case "subscription":
		b.Subscription = r.ref()
	case "invoice":
		b.Invoice = r.ref()
	case "subscription_details":
		r.object(func(r *reader, name []byte) {
			if string(name) == "metadata" {
				r.object(o.readMetadata)
			} else {
				r.skip()
			}
		})
	case "items":
		b.Items, b.Total = nil, 0
		r.data(func(r *reader) { b.addItem(r) })
	case "lines":
		b.Lines = nil
		r.data(func(r *reader) {
			r.object(func(r *reader, name []byte) {
				if string(name) == "amount" {
					b.Lines = append(b.Lines, r.number())
				} else {
					r.skip()
				}
			})
		})
	case "current_period_end":
		b.PeriodEnd = r.number() * 1_000_000
	case "cancel_at":
		b.CancelAt = r.number() * 1_000_000
	case "ended_at":
		b.EndedAt = r.number() * 1_000_000
	case "cancel_at_period_end":
		b.CancelAtPeriodEnd = r.flag()
	case "pause_collection":
		b.Paused = r.next() == '{'
		r.object(func(r *reader, name []byte) {
			if string(name) == "resumes_at" {
				b.ResumesAt = r.number() * 1_000_000
			} else {
				r.skip()
			}
		})
	case "latest_invoice":
		b.Latest = r.ref()
	case "billing_reason":
		b.Reason = r.string()
	case "amount_paid":
		b.Paid = r.number()
	case "paid_out_of_band":
		b.OutOfBand = r.flag()
	case "status_transitions":
		r.object(func(r *reader, name []byte) {
			if string(name) == "paid_at" {
				b.PaidAt = r.number() * 1_000_000
			} else {
				r.skip()
			}
		})
	case "attempt_count":
		b.Attempts = r.number()
	case "next_payment_attempt":
		b.NextAttemptAt = r.number() * 1_000_000
	case "hosted_invoice_url":
		b.HostedURL = r.string()
	default:
		return false
	}
	return true
}

// data reads the elements of one of Stripe's lists.
func (r *reader) data(element func(r *reader)) {
	r.object(func(r *reader, name []byte) {
		if string(name) == "data" {
			r.list(element)
		} else {
			r.skip()
		}
	})
}

func (b *billing) addItem(r *reader) {
	item, quantity := domain.Item{}, int64(1)
	r.object(func(r *reader, name []byte) {
		switch string(name) {
		case "id":
			item.ID = r.string()
		case "quantity":
			quantity = r.number()
		case "price":
			r.object(func(r *reader, name []byte) {
				switch string(name) {
				case "unit_amount":
					item.Minor = r.number()
				case "product":
					item.ProductID = r.ref().ID
				default:
					r.skip()
				}
			})
		default:
			r.skip()
		}
	})
	item.Minor *= quantity
	b.Items = append(b.Items, item)
	b.Total += item.Minor
}

// readPlanMetadata reads a member of metadata that plans need, and answers false for
// any other. Metadata can be edited by hand: what is no number is none.
func (b *billing) readPlanMetadata(r *reader, name []byte) bool {
	switch string(name) {
	case metaPlan:
		b.PlanID = r.string()
	case metaGift:
		b.Agreed.Gift, _ = strconv.ParseInt(r.string(), 10, 64)
	case metaCover:
		b.Agreed.Cover, _ = strconv.ParseInt(r.string(), 10, 64)
	default:
		return false
	}
	return true
}

// found is what a subscription, an invoice, or a session with a subscription says.
func (o *object) plan() app.Found {
	f := app.Found{Ours: o.Ours, DonationID: o.Donation, PlanID: o.billing.PlanID}
	switch o.Kind {
	case "subscription":
		f.Subscription = o.subscription()
		f.Invoice = f.Subscription.Latest
	case "invoice":
		f.Invoice = o.invoice()
		if s := o.billing.Subscription.Object; s != nil {
			// The invoice has a copy of the metadata since a certain version only.
			f.Subscription, f.Ours, f.PlanID, f.DonationID = s.subscription(), f.Ours || s.Ours, s.billing.PlanID, s.Donation
		}
	case "checkout.session":
		if s := o.billing.Subscription.Object; s != nil {
			f.Subscription = s.subscription()
			f.Invoice = f.Subscription.Latest
		}
	}
	return f
}

func (o *object) subscription() *domain.Subscription {
	b := &o.billing
	// A currency we don't know stays the zero value: it is no gift's currency.
	currency, _ := money.ParseCurrency(o.Currency)
	s := &domain.Subscription{
		ID: o.ID, CustomerID: b.Customer.ID, Status: domain.PlanStatus(o.Status), Livemode: o.Livemode, Currency: currency,
		Total: b.Total, Agreed: b.Agreed, Items: b.Items, PeriodEnd: b.PeriodEnd, EndsAt: b.CancelAt,
		Paused: b.Paused, ResumesAt: b.ResumesAt,
	}
	switch {
	case b.EndedAt > 0:
		s.EndsAt = b.EndedAt
	case b.CancelAtPeriodEnd:
		s.EndsAt = b.PeriodEnd
	}
	if latest := b.Latest.Object; latest != nil {
		s.Latest = latest.invoice()
		if s.Latest.SubscriptionID == "" {
			s.Latest.SubscriptionID = s.ID
		}
	}
	return s
}

func (o *object) invoice() *domain.Invoice {
	b := &o.billing
	currency, _ := money.ParseCurrency(o.Currency)
	i := &domain.Invoice{
		ID: o.ID, SubscriptionID: b.Subscription.ID, Status: domain.InvoiceStatus(o.Status), BillingReason: b.Reason, Livemode: o.Livemode,
		CreatedAt: o.Created * 1_000_000, Paid: money.Amount{Minor: b.Paid, Currency: currency}, PaidAt: b.PaidAt, OutOfBand: b.OutOfBand,
		PaymentID: o.Intent.ID, ChargeID: o.Charge.ID, Agreed: b.Agreed, Lines: b.Lines,
		Attempts: b.Attempts, NextAttemptAt: b.NextAttemptAt, HostedURL: b.HostedURL,
	}
	if payment := o.Intent.Object; payment != nil {
		i.Payment = domain.PaymentStatus(payment.Status)
		i.Confirm = i.Status == domain.InvoiceOpen && payment.Status == "requires_action"
	}
	return i
}
