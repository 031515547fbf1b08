package domain

import "github.com/almoner/almoner/services/internal/money"

// SessionStatus is Stripe's status of a checkout session.
type SessionStatus string

// Stripe's words. A status that is none of them says nothing.
const (
	SessionOpen     SessionStatus = "open"
	SessionComplete SessionStatus = "complete"
	SessionExpired  SessionStatus = "expired"
)

// Session is what Stripe says about a checkout session.
type Session struct {
	ID        string
	Status    SessionStatus
	Paid      bool   // payment_status is paid; a complete session may still be unpaid
	PaymentID string // its payment intent, empty until the donor confirmed
	// Of a session that begins a monthly plan, once it is complete.
	SubscriptionID string
	InvoiceID      string
}

// Delayed reports whether the donor is done and the money is not there: it was paid
// by a method that takes days. Whether it still does, or has failed, its payment tells.
func (s Session) Delayed() bool {
	return s.Status == SessionComplete && !s.Paid && s.PaymentID != ""
}

// PaymentStatus is Stripe's status of a payment intent.
type PaymentStatus string

// Stripe's words, as far as they mean something for a gift.
const (
	PaymentSucceeded     PaymentStatus = "succeeded"
	PaymentProcessing    PaymentStatus = "processing"
	PaymentCanceled      PaymentStatus = "canceled"
	PaymentMethodMissing PaymentStatus = "requires_payment_method"
)

// Payment is what Stripe says about a payment intent.
type Payment struct {
	ID          string
	ChargeID    string
	InvoiceID   string // that it was for, if it is an instalment's
	Status      PaymentStatus
	Received    money.Amount // what really arrived; zero until it succeeded
	Livemode    bool
	PaidAt      int64
	Delayable   bool   // it could be made by a method that takes days
	DeclineCode string // of the newest decline, if any
	DeclinedAt  int64
}

// Snapshot is what is known from Stripe about one gift, from one webhook or one
// answer. Either part may be missing.
type Snapshot struct {
	Session *Session
	Payment *Payment
}

// Moneyless reports whether a snapshot tells of no payment that was made or can
// still be: a session that expired, or a card that was declined.
func (s Snapshot) Moneyless() bool {
	if s.Payment != nil && s.Payment.Status != PaymentCanceled && s.Payment.Status != PaymentMethodMissing {
		return false
	}
	return s.Session == nil || s.Session.Status == SessionExpired
}

// Reason says why something from Stripe could not be applied and waits for staff.
type Reason string

// The reasons. Nothing is dropped and nothing is guessed: what does not fit is
// kept under one of these.
const (
	UnknownDonation Reason = "our metadata, but no such donation"
	AmountDiffers   Reason = "the amount paid is not the amount of the gift"
	CurrencyDiffers Reason = "the currency paid is not the currency of the gift"
	SecondPayment   Reason = "the gift has been paid by another payment"
	LivemodeDiffers Reason = "test and live mode are mixed up"
	AccountDiffers  Reason = "it belongs to another Stripe account"
	NotDecodable    Reason = "it cannot be decoded"
	ObjectUnknown   Reason = "Stripe does not know the object"
	PaysAnother     Reason = "the payment has paid another gift"
	// UnknownPlan and the next two are about monthly plans.
	UnknownPlan        Reason = "our metadata, but no such monthly plan"
	SecondSubscription Reason = "the monthly plan has another subscription: its donor may be charged twice a month"
	PaidElsewhere      Reason = "an instalment that was not paid through Stripe"
	// ChargedAfterEnd is a gift all the same, and booked: nobody but its donor can say
	// whether it was meant.
	ChargedAfterEnd Reason = "it was charged after the end of the monthly gift had been asked for, and is booked: ask the donor, refund it if it was not meant, then try again to close this"
	BookedAsForeign Reason = "its money was booked before as belonging to no gift"
	RefundsExceed   Reason = "the refunds are more than was paid"
	EndedOtherwise  Reason = "the dispute had ended otherwise"
)

// Outcome is what a snapshot did to a donation.
type Outcome struct {
	Donation Donation
	// Paid is true for the one snapshot that made the donation succeed.
	Paid bool
	// Parked is why the snapshot could not be applied; empty when it could.
	Parked Reason
}

// Derive merges a snapshot into a donation. It is total, and order-free: the
// same snapshots in any order, however often each comes, lead to the same
// state. (Late alone tells about the order: it says that we had given up when
// the payment was heard of.) With two payments for one gift, the first one
// merged is the gift and the other is parked, whichever that is.
func Derive(d Donation, s Snapshot) Outcome {
	out := Outcome{Donation: d}
	switch {
	case s.Payment != nil:
		out = mergePayment(d, *s.Payment, s.Session)
	case s.Session != nil && s.Session.Delayed() && d.newest(*s.Session):
		out.Donation = d.raise(Processing)
	}
	if s.Session != nil && s.Session.Status == SessionExpired && s.Session.ID == d.SessionID {
		// Another attempt's session may have expired long ago; only that of the
		// newest one says that the donor did not pay.
		out.Donation = out.Donation.raise(Expired)
	}
	return out
}

func mergePayment(d Donation, p Payment, session *Session) Outcome {
	if p.Livemode != d.Livemode {
		return Outcome{Donation: d, Parked: LivemodeDiffers}
	}
	d = d.decline(p.DeclineCode, p.DeclinedAt)
	switch p.Status {
	case PaymentSucceeded:
		return succeed(d, p)
	case PaymentProcessing:
		return Outcome{Donation: d.raise(Processing)}
	case PaymentCanceled, PaymentMethodMissing:
		// On an open session the donor can still try another card. A complete
		// one has no way back: a delayed payment failed. What became of an earlier
		// attempt says nothing about the newest, which may be under way.
		if session != nil && session.Status == SessionComplete && !session.Paid && session.ID == d.SessionID {
			return Outcome{Donation: d.raise(Failed)}
		}
	default:
		// An American bank account may have to be proven first, by deposits that take
		// days. The donor is done, as the session says also without its payment.
		if session != nil && session.Delayed() && d.newest(*session) {
			return Outcome{Donation: d.raise(Processing)}
		}
	}
	return Outcome{Donation: d}
}

// newest reports whether a session is that of the newest attempt, as far as is known.
// Of an earlier one only its payment tells whether money is under way: it may have
// failed long ago, and nothing would ever end the waiting.
func (d Donation) newest(s Session) bool { return d.SessionID == "" || s.ID == d.SessionID }

func succeed(d Donation, p Payment) Outcome {
	if d.State == Succeeded {
		if d.PaymentIntentID != p.ID {
			return Outcome{Donation: d, Parked: SecondPayment}
		}
		return Outcome{Donation: d}
	}
	want, err := d.Total()
	switch {
	case err != nil || p.Received.Currency != want.Currency:
		return Outcome{Donation: d, Parked: CurrencyDiffers}
	case p.Received != want:
		return Outcome{Donation: d, Parked: AmountDiffers}
	}
	d.Late = d.State.GivenUp()
	d.State = Succeeded
	d.PaymentIntentID, d.ChargeID, d.InvoiceID, d.PaidAt = p.ID, p.ChargeID, p.InvoiceID, p.PaidAt
	d.Delayable = p.Delayable
	d.CheckAt = 0
	return Outcome{Donation: d, Paid: true}
}

// raise takes the heavier of two states, if the table has that way.
func (d Donation) raise(next State) Donation {
	if next.weight() > d.State.weight() && d.State.CanBecome(next) {
		d.State = next
	}
	return d
}

// decline keeps the newest decline; of two in the same second the one that
// sorts last, so that the order of hearing does not matter.
func (d Donation) decline(code string, at int64) Donation {
	newer := at > d.DeclinedAt || (at == d.DeclinedAt && code > d.DeclineCode)
	if code != "" && newer {
		d.DeclineCode, d.DeclinedAt = code, at
	}
	return d
}
