package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

const (
	// checkPending is how often Stripe is asked about a refund that is on its way,
	// checkDispute about a dispute that is open: losing one moves no money, so there
	// is nothing else that would tell.
	checkPending = 24 * time.Hour
	checkDispute = 6 * time.Hour
)

// aftermaths are gifts with what happened to their money, in a transaction that has
// locked them.
type aftermaths struct {
	byPayment map[string]*domain.Aftermath
	// as they were read, to write what changed and nothing else.
	gifts    map[string]domain.Donation
	refunds  map[string]domain.Refund
	disputes map[string]domain.Dispute
	events   []envelope.Event
}

// applyReturns merges what Stripe says about refunds and disputes into the gifts
// that they are about, and appends the events, in the caller's transaction, which has
// locked the account.
func (a *App) applyReturns(ctx context.Context, tx Tx, account string, list []evidence) ([]ruling, error) {
	rulings, err := a.paymentsFirst(ctx, tx, account, list)
	if err != nil {
		return nil, err
	}
	after, err := a.lockAftermaths(ctx, tx, list)
	if err != nil {
		return nil, err
	}
	foreign, err := foreignReturns(ctx, tx, list, after)
	if err != nil {
		return nil, err
	}
	for i, e := range list {
		if rulings[i].reason == domain.ChargedAfterEnd {
			// The instalment is staff's to settle whatever becomes of the refund, and it
			// is news only once.
			err = a.parkFound(ctx, tx, Found{Invoice: e.found.Invoice}, rulings[i].reason)
			if err != nil {
				return nil, err
			}
		}
		of := after.byPayment[e.found.Return.PaymentID]
		var became ruling
		switch {
		case of == nil:
			became = homeless(e.found, rulings[i], foreign[e.found.Return.PaymentID])
		case of.Donation.AccountID != account:
			became = ruling{state: EventParked, reason: domain.AccountDiffers}
		default:
			became, err = a.hear(ctx, after, of, e.found.Return)
			if err != nil {
				return nil, err
			}
		}
		became.paid, became.given, became.declined = rulings[i].paid, rulings[i].given, rulings[i].declined
		rulings[i] = became
	}
	return rulings, a.keepAftermaths(ctx, tx, after)
}

// paymentsFirst applies what was fetched about the payments, and about the invoices
// that they were for: a refund may be heard of before its gift.
func (a *App) paymentsFirst(ctx context.Context, tx Tx, account string, list []evidence) ([]ruling, error) {
	told := make([]evidence, len(list))
	for i, e := range list {
		told[i] = evidence{found: e.found, about: aboutGift}
		told[i].found.Return = nil
		if e.found.Snapshot.Payment == nil && e.found.Invoice == nil {
			told[i].about = aboutReturn // nothing was
		}
	}
	return a.applyOf(ctx, tx, account, told, aboutGift, aboutPlan)
}

// lockAftermaths finds and locks the gifts that were paid by the payments. More than
// one payment may be asked for, and of each only the gift that it made succeed counts.
func (a *App) lockAftermaths(ctx context.Context, tx Tx, list []evidence) (*aftermaths, error) {
	payments := map[string]bool{}
	for _, e := range list {
		if e.found.Return.PaymentID != "" {
			payments[e.found.Return.PaymentID] = true
		}
	}
	paid, err := tx.DonationsOfPayments(ctx, slices.Sorted(maps.Keys(payments)))
	if err != nil {
		return nil, fmt.Errorf("find the gifts of refunds and disputes: %w", err)
	}
	ids := make([]string, len(paid))
	for i := range paid {
		ids[i] = paid[i].ID
	}
	return readAftermaths(ctx, tx, ids)
}

// readAftermaths locks gifts and reads what happened to them.
func readAftermaths(ctx context.Context, tx Tx, ids []string) (*aftermaths, error) {
	after := &aftermaths{
		byPayment: map[string]*domain.Aftermath{}, gifts: map[string]domain.Donation{},
		refunds: map[string]domain.Refund{}, disputes: map[string]domain.Dispute{},
	}
	if len(ids) == 0 {
		return after, nil
	}
	gifts, err := tx.LockDonations(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("lock the gifts of refunds and disputes: %w", err)
	}
	byID := map[string]*domain.Aftermath{}
	for _, d := range gifts {
		after.gifts[d.ID] = d
		if d.Version == 0 && d.State == domain.Succeeded {
			// A process of an earlier version made it succeed beside us: it told of that
			// and did not count.
			d.Version = 1
		}
		of := &domain.Aftermath{Donation: d}
		byID[d.ID] = of
		after.byPayment[d.PaymentIntentID] = of
	}
	refunds, err := tx.RefundsOf(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read the refunds of gifts: %w", err)
	}
	for _, r := range refunds {
		after.refunds[r.Key()] = r
		byID[r.Donation].Refunds = append(byID[r.Donation].Refunds, r)
	}
	disputes, err := tx.DisputesOf(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read the disputes of gifts: %w", err)
	}
	for _, d := range disputes {
		after.disputes[d.ID] = d
		byID[d.Donation].Disputes = append(byID[d.Donation].Disputes, d)
	}
	return after, nil
}

// foreignReturns answers which payments without a gift are booked as belonging to none.
func foreignReturns(ctx context.Context, tx Tx, list []evidence, after *aftermaths) (map[string]bool, error) {
	var payments []string
	for _, e := range list {
		id := e.found.Return.PaymentID
		if id != "" && after.byPayment[id] == nil {
			payments = append(payments, id)
		}
	}
	if len(payments) == 0 {
		return nil, nil
	}
	foreign, err := tx.ForeignSources(ctx, payments)
	if err != nil {
		return nil, fmt.Errorf("look for the money of refunds and disputes: %w", err)
	}
	return foreign, nil
}

// homeless is what becomes of a refund or a dispute whose payment made no gift
// succeed. Nothing is guessed from its own metadata: whose it is, its payment tells.
func homeless(found Found, gift ruling, foreign bool) ruling {
	fetched := found.Snapshot.Payment != nil || found.Invoice != nil
	switch {
	case found.Return.PaymentID == "", foreign, fetched && gift.state == EventIgnored:
		return ruling{state: EventIgnored}
	case !fetched, found.Invoice != nil && found.Invoice.Pending():
		return ruling{state: EventPending} // its gift may be on its way
	case gift.reason == domain.SecondPayment, gift.reason == domain.PaysAnother, gift.reason == domain.BookedAsForeign:
		// That payment waits for staff; giving it back is what they are to do.
		return ruling{state: EventIgnored}
	case gift.reason != "":
		return ruling{state: EventParked, reason: gift.reason}
	case found.Snapshot.Payment != nil && found.Snapshot.Payment.Status == domain.PaymentProcessing:
		return ruling{state: EventPending} // a debit: there is something to give back once it succeeds
	case found.Snapshot.Payment != nil && found.Snapshot.Payment.Status != domain.PaymentSucceeded:
		return ruling{state: EventIgnored} // nothing came that could go back
	}
	return ruling{state: EventParked, reason: domain.UnknownDonation}
}

// hear merges what an object says into the gift that it is about.
func (a *App) hear(ctx context.Context, after *aftermaths, of *domain.Aftermath, r *Return) (ruling, error) {
	became := ruling{state: EventDone}
	if r.Sum != nil && !r.Whole {
		if counted(of, r.ChargeID) != r.Sum.Minor {
			became.state = EventPending // its refunds tell, or are asked for
		}
		return became, nil
	}
	var told []domain.Happening
	// What failed makes room for what was given instead.
	for _, fact := range slices.SortedStableFunc(slices.Values(r.Refunds), func(x, y domain.Refund) int {
		return cmp.Compare(flagOf(!x.Status.Failed()), flagOf(!y.Status.Failed()))
	}) {
		fact.AccountID, fact.Donation = of.Donation.AccountID, of.Donation.ID
		news, reason := of.HearRefund(fact)
		told = append(told, news...)
		switch {
		case reason == domain.RefundsExceed && !r.Whole:
			became.state = EventPending // another may have failed meanwhile
		case reason != "":
			became.state, became.reason = EventParked, reason
		}
	}
	if r.Dispute != nil {
		fact := *r.Dispute
		fact.AccountID, fact.Donation = of.Donation.AccountID, of.Donation.ID
		news, reason := of.HearDispute(fact)
		told = append(told, news...)
		if reason != "" {
			became.state, became.reason = EventParked, reason
		}
	}
	for _, h := range told {
		event, err := happened(of.Donation, h, a.Now(), a.traceparent(ctx, of.Donation, "donation returned"))
		if err != nil {
			return ruling{}, err
		}
		after.events = append(after.events, event)
	}
	became.happened = told
	return became, nil
}

func flagOf(set bool) int {
	if set {
		return 1
	}
	return 0
}

// counted is what is known to be given back of a charge.
func counted(of *domain.Aftermath, chargeID string) int64 {
	sum := int64(0)
	for _, r := range of.Refunds {
		if r.Status.Accepted() && r.ChargeID == chargeID {
			sum += r.Amount.Minor
		}
	}
	return sum
}

// keepAftermaths writes what changed and tells it.
func (a *App) keepAftermaths(ctx context.Context, tx Tx, after *aftermaths) error {
	var gifts []domain.Donation
	var refunds []domain.Refund
	var disputes []domain.Dispute
	for _, of := range after.byPayment {
		if of.Donation != after.gifts[of.Donation.ID] {
			gifts = append(gifts, of.Donation)
		}
		for _, r := range of.Refunds {
			before := after.refunds[r.Key()]
			if r != before {
				refunds = append(refunds, a.timed(r, before))
			}
		}
		for _, d := range of.Disputes {
			before := after.disputes[d.ID]
			if d != before {
				d.CheckAt = 0
				if !d.Status.Closed() {
					d.CheckAt = a.micros() + checkDispute.Microseconds()
				}
				disputes = append(disputes, d)
			}
		}
	}
	slices.SortFunc(gifts, func(x, y domain.Donation) int { return cmp.Compare(x.ID, y.ID) })
	err := errors.Join(tx.UpdateDonations(ctx, gifts), tx.SaveRefunds(ctx, refunds), tx.SaveDisputes(ctx, disputes))
	if err != nil || len(after.events) == 0 {
		return err
	}
	err = tx.AppendEvents(ctx, after.events...)
	if err != nil {
		return fmt.Errorf("append events: %w", err)
	}
	return nil
}

// timed notes when a refund came to where it is, and when to ask about it.
func (a *App) timed(r, before domain.Refund) domain.Refund {
	if r.Status == before.Status {
		return r
	}
	r.SettledAt, r.CheckAt = a.micros(), 0
	if r.Status == domain.RefundPending || r.Status == domain.RefundRequiresAction {
		r.CheckAt = r.SettledAt + checkPending.Microseconds()
	}
	return r
}

// fetchReturn asks for an object about money that goes back, all refunds of its
// payment, and the payment itself if no gift of ours is known for it.
func (a *App) fetchReturn(ctx context.Context, id string) (Found, error) {
	r, err := a.Stripe.Return(ctx, id)
	if err != nil {
		return Found{}, fmt.Errorf("fetch %s: %w", id, err)
	}
	return a.complete(ctx, r)
}

// complete fetches what a refund, a dispute or a charge does not say itself.
func (a *App) complete(ctx context.Context, r Return) (Found, error) {
	found := Found{Return: &r}
	if r.PaymentID == "" {
		return found, nil
	}
	known := false
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		gifts, err := tx.DonationsOfPayments(ctx, []string{r.PaymentID})
		known = len(gifts) > 0
		return err
	})
	if err != nil {
		return Found{}, fmt.Errorf("look for the gift of %s: %w", r.ObjectID, err)
	}
	if !known {
		found, err = a.payment(ctx, r.PaymentID)
		if err != nil {
			return Found{}, err
		}
		found.Return = &r
		if !found.Ours && found.Invoice == nil {
			return found, nil
		}
	}
	if r.Dispute == nil {
		r.Refunds, err = a.Stripe.RefundsOf(ctx, r.PaymentID)
		if err != nil {
			return Found{}, fmt.Errorf("list the refunds of %s: %w", r.PaymentID, err)
		}
		r.Whole = true
	}
	return found, nil
}

// payment fetches a payment, or the invoice that it was for, which alone knows whose
// instalment it is, and puts its gift back if the database forgot it.
func (a *App) payment(ctx context.Context, id string) (Found, error) {
	found, err := a.Stripe.PaymentIntent(ctx, id)
	if err == nil && found.Snapshot.Payment != nil && found.Snapshot.Payment.InvoiceID != "" {
		found, err = a.invoice(ctx, found.Snapshot.Payment.InvoiceID)
	}
	if err != nil {
		return Found{}, fmt.Errorf("fetch payment %s: %w", id, err)
	}
	account, err := a.account(ctx)
	if err != nil {
		return Found{}, err
	}
	_, err = a.recall(ctx, account, found)
	return found, err
}

// takeReturns applies what was found about refunds and disputes by another route
// than a webhook. What does not fit at first is looked at again with all that Stripe
// has about it, and then parked.
func (a *App) takeReturns(ctx context.Context, list []Return) error {
	if len(list) == 0 {
		return nil
	}
	found := make([]Found, len(list))
	for i := range list {
		found[i] = Found{Return: &list[i]}
	}
	rulings, err := a.ingestReturns(ctx, found)
	if err != nil {
		return err
	}
	for i := range list {
		if rulings[i].state != EventPending {
			continue
		}
		whole, err := a.complete(ctx, list[i])
		if errors.Is(err, ErrStripeUnknown) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = a.ingestReturns(ctx, []Found{whole})
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *App) ingestReturns(ctx context.Context, found []Found) ([]ruling, error) {
	account, err := a.account(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]evidence, len(found))
	for i := range found {
		list[i] = evidence{found: found[i], about: aboutReturn}
	}
	var rulings []ruling
	err = a.decide(ctx, account, func(ctx context.Context, tx Tx) error {
		rulings, err = a.apply(ctx, tx, account, list)
		if err != nil {
			return err
		}
		for i, r := range rulings {
			if r.state != EventParked {
				continue
			}
			err = a.parkFound(ctx, tx, found[i], r.reason)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("apply refunds and disputes: %w", err)
	}
	a.ruled(outcome{rulings: rulings})
	return rulings, nil
}

// unheard leaves out what says nothing that is not known.
func (a *App) unheard(ctx context.Context, list []Return) ([]Return, error) {
	if len(list) == 0 {
		return nil, nil
	}
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ObjectID
	}
	var refunds map[string]domain.RefundStatus
	var disputes map[string]domain.DisputeStatus
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		refunds, err = tx.HeardRefunds(ctx, ids)
		if err != nil {
			return err
		}
		disputes, err = tx.HeardDisputes(ctx, ids)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("compare with what is known: %w", err)
	}
	return slices.DeleteFunc(list, func(r Return) bool {
		if r.Dispute != nil {
			return disputes[r.ObjectID] == r.Dispute.Status
		}
		return len(r.Refunds) == 1 && refunds[r.ObjectID] == r.Refunds[0].Status
	}), nil
}
