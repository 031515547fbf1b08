package app

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
)

const (
	checkOpen       = 20 * time.Minute
	checkProcessing = time.Hour
)

// evidence is something that Stripe said, by whichever route it was heard.
type evidence struct {
	found Found
	about subject
	// receivedAt is when our endpoint took the webhook; 0 for other routes.
	receivedAt int64
	// glance is set for a session that names its payment without telling about
	// it: the payment's own event tells, and is in this batch or on its way.
	glance bool
}

// subject is what evidence is about. A checkout session can begin a plan, which only
// its content tells.
func (e *evidence) subject() subject {
	if e.found.Return == nil && aboutPlans(e.found) {
		return aboutPlan
	}
	return e.about
}

// ruling is what became of one piece of evidence.
type ruling struct {
	state  EventState
	reason domain.Reason
	paid   bool
	// given is what a paid gift came to, declined the code of a decline that was
	// not known before. They are counted.
	given    money.Amount
	declined string
	// happened is what others were told of a refund or a dispute.
	happened []domain.Happening
}

// decide runs a transaction that has locked the account: before any webhook, and
// those before any gift, so that no two transactions wait for each other. Of this
// process one at a time waits for that lock: should its holder have frozen, the
// others would hold every connection there is, and no page could be shown and no
// webhook stored.
func (a *App) decide(ctx context.Context, account string, fn func(ctx context.Context, tx Tx) error) error {
	done, err := a.accounts.take(ctx, account)
	if err != nil {
		return fmt.Errorf("wait for the account: %w", err)
	}
	defer done()
	return a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		// Another process may hear of the same payment by another route.
		err := tx.LockAccount(ctx, account)
		if err != nil {
			return err
		}
		return fn(ctx, tx)
	})
}

// apply hands evidence to what applies its subject, gifts first, all in the caller's
// transaction, which has locked the account.
func (a *App) apply(ctx context.Context, tx Tx, account string, list []evidence) ([]ruling, error) {
	return a.applyOf(ctx, tx, account, list, aboutGift, aboutPlan, aboutReturn, aboutPayout)
}

// applyOf applies what of the evidence is about the subjects, in their order. The
// rest has the zero ruling.
func (a *App) applyOf(ctx context.Context, tx Tx, account string, list []evidence, subjects ...subject) ([]ruling, error) {
	by := map[subject]func(ctx context.Context, tx Tx, account string, list []evidence) ([]ruling, error){
		aboutGift: a.applyToGifts, aboutPlan: a.applyToPlans, aboutReturn: a.applyReturns, aboutPayout: a.applyPayouts,
	}
	rulings := make([]ruling, len(list))
	for _, about := range subjects {
		var part []evidence
		var at []int
		for i := range list {
			if list[i].subject() == about {
				part, at = append(part, list[i]), append(at, i)
			}
		}
		if len(part) == 0 {
			continue
		}
		became, err := by[about](ctx, tx, account, part)
		if err != nil {
			return nil, err
		}
		for i := range became {
			rulings[at[i]] = became[i]
		}
	}
	return rulings, nil
}

// applyToGifts merges evidence into donations and appends the events. It is the one
// place where a gift becomes money, so all four routes (webhook, return page,
// resolver, import) end here.
func (a *App) applyToGifts(ctx context.Context, tx Tx, account string, list []evidence) ([]ruling, error) {
	gifts, err := a.lockGifts(ctx, tx, list)
	if err != nil {
		return nil, err
	}
	foreign, owners, err := a.spokenFor(ctx, tx, list)
	if err != nil {
		return nil, err
	}
	rulings := make([]ruling, len(list))
	changed := map[string]bool{}
	var events []envelope.Event
	var mails []PlanMail
	var closed []string
	for _, i := range glancesLast(list) {
		e := list[i]
		if !e.found.Ours {
			rulings[i] = ruling{state: EventIgnored}
			continue
		}
		d, known := gifts[e.found.DonationID]
		switch {
		case known:
		case e.found.Snapshot.Moneyless():
			// Forgotten by a database that was restored, and never paid: nothing hangs on it.
			rulings[i] = ruling{state: EventIgnored}
			continue
		default:
			rulings[i] = ruling{state: EventParked, reason: domain.UnknownDonation}
			continue
		}
		if d.AccountID == "" {
			d.AccountID = account
		}
		if d.AccountID != account {
			rulings[i] = ruling{state: EventParked, reason: domain.AccountDiffers}
			continue
		}
		out := domain.Derive(d, e.found.Snapshot)
		payment := out.Donation.PaymentIntentID
		switch {
		case !out.Paid:
		case owners[payment] != "":
			// Metadata can be edited so that it names another gift afterwards.
			out = domain.Outcome{Donation: d, Parked: domain.PaysAnother}
		case foreign[payment] || foreign[out.Donation.ChargeID]:
			// The ledger has this money already; as a gift it would have it twice.
			out = domain.Outcome{Donation: d, Parked: domain.BookedAsForeign}
		default:
			owners[payment] = d.ID
		}
		rulings[i] = ruling{state: EventDone, reason: out.Parked, paid: out.Paid}
		if out.Donation.DeclinedAt != d.DeclinedAt || out.Donation.DeclineCode != d.DeclineCode {
			rulings[i].declined = out.Donation.DeclineCode
		}
		switch {
		case out.Parked != "":
			rulings[i].state = EventParked
		case e.glance && !tells(out.Donation, e.found.Snapshot.Session):
			rulings[i].state = EventPending
		}
		next := a.annotate(out, e)
		event, told, err := a.tellGift(ctx, d, &next, paymentOf(e.found))
		if err != nil {
			return nil, err
		}
		if told {
			events = append(events, event)
		}
		if out.Paid {
			rulings[i].given, err = next.Total()
			if err != nil {
				return nil, err
			}
		}
		if next != gifts[d.ID] {
			gifts[d.ID], changed[d.ID] = next, true
		}
		if next.State == domain.Failed && d.State != domain.Failed {
			mails = append(mails, a.debitFailedLetter(next, paymentOf(e.found)))
		}
		if over(e.found.Snapshot.Session) {
			closed = append(closed, e.found.Snapshot.Session.ID)
		}
	}
	err = tx.CloseSessions(ctx, closed)
	if err != nil {
		return nil, err
	}
	err = a.keep(ctx, tx, gifts, changed)
	if err != nil {
		return nil, err
	}
	err = tx.AddPlanMails(ctx, mails)
	if err != nil {
		return nil, err
	}
	if len(events) > 0 {
		err = tx.AppendEvents(ctx, events...)
		if err != nil {
			return nil, fmt.Errorf("append events: %w", err)
		}
	}
	return rulings, nil
}

// glancesLast is the order in which evidence is merged. Merging does not depend
// on it; that a glance finds the payment of its own batch does.
func glancesLast(list []evidence) []int {
	order := make([]int, 0, len(list))
	for _, glances := range []bool{false, true} {
		for i, e := range list {
			if e.glance == glances {
				order = append(order, i)
			}
		}
	}
	return order
}

// tells reports whether a gift already says all that a complete session can.
func tells(d domain.Donation, s *domain.Session) bool {
	if s != nil && s.SubscriptionID != "" {
		return d.State == domain.Succeeded && d.InvoiceID == s.InvoiceID
	}
	return s == nil || (d.State == domain.Succeeded && d.PaymentIntentID == s.PaymentID) || (d.State == domain.Processing && s.Delayed())
}

func (a *App) lockGifts(ctx context.Context, tx Tx, list []evidence) (map[string]domain.Donation, error) {
	var ids []string
	seen := map[string]bool{}
	for _, e := range list {
		id := e.found.DonationID
		// Metadata can be edited by hand in Stripe's dashboard: what is no id of
		// ours is looked for nowhere.
		if !e.found.Ours || seen[id] || uuid.Validate(id) != nil {
			continue
		}
		seen[id] = true
		ids = append(ids, id)
	}
	gifts := map[string]domain.Donation{}
	if len(ids) == 0 {
		return gifts, nil
	}
	locked, err := tx.LockDonations(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("lock donations: %w", err)
	}
	for _, d := range locked {
		gifts[d.ID] = d
	}
	return gifts, nil
}

// spokenFor answers what the payments that may make a gift succeed are already:
// foreign names payments and charges that were imported as belonging to no gift,
// owners the gifts that payments have made succeed.
func (a *App) spokenFor(ctx context.Context, tx Tx, list []evidence) (foreign map[string]bool, owners map[string]string, err error) {
	var payments, sources []string
	for _, e := range list {
		p := e.found.Snapshot.Payment
		if !e.found.Ours || p == nil || p.Status != domain.PaymentSucceeded {
			continue
		}
		payments = append(payments, p.ID)
		if p.ChargeID != "" {
			sources = append(sources, p.ChargeID)
		}
	}
	owners = map[string]string{}
	if len(payments) == 0 {
		return nil, owners, nil
	}
	foreign, err = tx.ForeignSources(ctx, append(sources, payments...))
	if err != nil {
		return nil, nil, fmt.Errorf("look for the money of payments: %w", err)
	}
	paid, err := tx.DonationsOfPayments(ctx, payments)
	if err != nil {
		return nil, nil, fmt.Errorf("look for the gifts of payments: %w", err)
	}
	for _, d := range paid {
		owners[d.PaymentIntentID] = d.ID
	}
	return foreign, owners, nil
}

// annotate adds when we learned it and when to ask again; neither is part of
// the state that facts merge into.
func (a *App) annotate(out domain.Outcome, e evidence) domain.Donation {
	d, now := out.Donation, a.micros()
	if out.Paid {
		d.SucceededAt, d.WebhookReceivedAt = now, e.receivedAt
	}
	// A payment by itself does not tell that a debit has failed, only its session does:
	// if that is due to be asked about, it stays so.
	due := d.CheckAt > 0 && d.CheckAt <= now && e.found.Snapshot.Session == nil
	switch {
	case d.State.Live():
		if d.CheckAt <= now && !due {
			d.CheckAt = now + checkOpen.Microseconds()
		}
	case d.State == domain.Processing:
		if d.CheckAt <= now && !due {
			d.CheckAt = now + checkProcessing.Microseconds()
		}
	default:
		d.CheckAt = 0
	}
	return d
}

// tellGift builds the event of a gift's change, if there is one to tell, and numbers
// it in the gift.
func (a *App) tellGift(ctx context.Context, before domain.Donation, next *domain.Donation, paymentID string) (event envelope.Event, told bool, err error) {
	given := next.State == domain.Succeeded || next.State == domain.Processing
	if next.State == before.State || !given && (next.State != domain.Failed || before.State != domain.Processing) {
		return envelope.Event{}, false, nil
	}
	next.Version++
	traceparent := a.traceparent(ctx, *next, "donation "+string(next.State))
	switch next.State {
	case domain.Succeeded:
		event, err = donationSucceeded(*next, traceparent)
	case domain.Processing:
		event, err = donationProcessing(*next, paymentID, a.Now(), traceparent)
	default:
		event, err = donationFailed(*next, paymentID, a.Now(), traceparent)
	}
	return event, true, err
}

// traceparent makes a span in the trace that the donor's click began.
func (a *App) traceparent(ctx context.Context, d domain.Donation, what string) string {
	ctx = telemetry.ContextWithTraceparent(ctx, d.Traceparent)
	ctx, span := a.Tracer.Start(ctx, what, trace.WithSpanKind(trace.SpanKindInternal))
	defer span.End()
	if traceparent := telemetry.Traceparent(ctx); traceparent != "" {
		return traceparent
	}
	return d.Traceparent
}

// over reports whether a session cannot be paid any more.
func over(s *domain.Session) bool {
	return s != nil && (s.Status == domain.SessionComplete || s.Status == domain.SessionExpired)
}

func (a *App) keep(ctx context.Context, tx Tx, gifts map[string]domain.Donation, changed map[string]bool) error {
	if len(changed) == 0 {
		return nil
	}
	list := make([]domain.Donation, 0, len(changed))
	for id := range changed {
		list = append(list, gifts[id])
	}
	err := tx.UpdateDonations(ctx, list)
	if err != nil {
		return fmt.Errorf("update donations: %w", err)
	}
	return nil
}

// ingest applies one object that was fetched. What does not fit is parked like
// a webhook's would be. It answers what became of it.
func (a *App) ingest(ctx context.Context, found Found) (ruling, error) {
	account, err := a.account(ctx)
	if err != nil {
		return ruling{}, err
	}
	var result ruling
	err = a.decide(ctx, account, func(ctx context.Context, tx Tx) error {
		rulings, err := a.apply(ctx, tx, account, []evidence{{found: found}})
		if err != nil {
			return err
		}
		result = rulings[0]
		if result.state != EventParked {
			return nil
		}
		return a.parkFound(ctx, tx, found, result.reason)
	})
	if err != nil {
		return ruling{}, fmt.Errorf("apply what stripe answered: %w", err)
	}
	a.Metrics.ruled([]ruling{result})
	a.heard(result.paid)
	return result, nil
}

func (a *App) parkFound(ctx context.Context, tx Tx, found Found, reason domain.Reason) error {
	list, err := parkOnce(ctx, tx, []StripeEvent{a.parkedObject(found, reason)})
	if err != nil {
		return err
	}
	if list[0].State == EventParked {
		_, err = tx.StoreEvents(ctx, list[:1])
		if err != nil {
			return err
		}
	}
	return tx.FinishEvents(ctx, list[1:])
}

// parkedObject keeps what no webhook told of. It has no body: trying it again
// fetches the object.
func (a *App) parkedObject(found Found, reason domain.Reason) StripeEvent {
	object, kind := paymentOf(found), "payment_intent"
	switch r := found.Return; {
	case r != nil && r.Dispute != nil:
		object, kind = r.ObjectID, "charge.dispute.updated" // it is fetched as that event's would be
	case r != nil:
		object, kind = r.ObjectID, "refund.updated"
	case found.Payout != nil:
		object, kind = found.Payout.Payout.ID, "payout.reconciliation_completed"
	case object != "":
	case found.Snapshot.Session != nil:
		object, kind = found.Snapshot.Session.ID, "checkout.session"
	case found.Invoice != nil:
		object, kind = found.Invoice.ID, "invoice"
	case found.Subscription != nil:
		object, kind = found.Subscription.ID, "customer.subscription"
	}
	return StripeEvent{
		EventID: "found:" + object, Type: kind, ObjectID: object, Livemode: a.cfg.Livemode,
		ReceivedAt: a.micros(), State: EventParked, Reason: reason,
	}
}

// heard wakes who waits for news: a payment has a fee to look for.
func (a *App) heard(paid bool) {
	if paid {
		a.toImport.ring()
	}
}
