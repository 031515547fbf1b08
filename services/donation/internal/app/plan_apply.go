package app

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

const (
	// planLook is how often a plan is compared with Stripe's subscription when nothing
	// is heard of it, and instalmentLook how long after one is due.
	planLook       = 24 * time.Hour
	instalmentLook = 2 * time.Hour
	// endingLook is how soon Stripe is asked again for an end that it has not given.
	endingLook = time.Minute
	// keepLooking is for how long after an end that was asked for here Stripe is still
	// asked whether it is one: longer than a month, so that a charge would be noticed.
	keepLooking = 40 * 24 * time.Hour
)

// planBook is what is known of the plans that evidence is about.
type planBook struct {
	byID  map[string]*domain.Plan
	bySub map[string]string
}

// find answers the plan of what was found: by its subscription, or by our metadata
// while no subscription is known.
func (b planBook) find(f Found) *domain.Plan {
	if id, known := b.bySub[subscriptionOf(f)]; known {
		return b.byID[id]
	}
	if !f.Ours {
		return nil
	}
	return b.byID[f.PlanID]
}

func subscriptionOf(f Found) string {
	switch {
	case f.Subscription != nil:
		return f.Subscription.ID
	case f.Invoice != nil:
		return f.Invoice.SubscriptionID
	}
	return ""
}

// aboutPlans reports whether something tells of a monthly plan.
func aboutPlans(f Found) bool { return f.Subscription != nil || f.Invoice != nil }

// applyToPlans merges what Stripe says about subscriptions into plans, writes the
// letters that a change calls for, and hands the payments of invoices on to
// applyToGifts: a paid invoice is a gift of its own. The account is locked, and plans
// are locked before gifts.
func (a *App) applyToPlans(ctx context.Context, tx Tx, account string, list []evidence) ([]ruling, error) {
	book, err := lockPlans(ctx, tx, list)
	if err != nil {
		return nil, err
	}
	rulings := make([]ruling, len(list))
	changed := map[string]bool{}
	var mails []PlanMail
	var gifts []evidence
	var at []int
	for i, e := range list {
		p := book.find(e.found)
		rulings[i] = ruling{state: EventDone}
		switch {
		case p != nil && p.AccountID != "" && p.AccountID != account:
			rulings[i] = ruling{state: EventParked, reason: domain.AccountDiffers}
			continue
		case p != nil:
		case e.glance:
			// Only the subscription can say whose the invoice is: it is fetched.
			rulings[i] = ruling{state: EventPending}
			continue
		case !e.found.Ours:
			rulings[i] = ruling{state: EventIgnored}
			continue
		default:
			rulings[i] = ruling{state: EventParked, reason: domain.UnknownPlan}
			continue
		}
		next, reason := a.follow(*p, account, e.found)
		gift := false
		if reason == "" && e.found.Invoice != nil {
			gift, reason = e.found.Invoice.Brings(next)
		}
		if reason != "" {
			rulings[i] = ruling{state: EventParked, reason: reason}
			continue
		}
		mails = append(mails, a.lettersOf(*p, next, e.found.Invoice)...)
		if next != *p {
			next.Version++
			changed[p.ID] = true
			*p = next
			book.bySub[next.SubscriptionID] = next.ID
		}
		told, err := a.giftOf(ctx, tx, account, next, e, gift)
		if err != nil {
			return nil, err
		}
		if told != nil {
			gifts, at = append(gifts, *told), append(at, i)
		}
	}
	err = keepPlans(ctx, tx, book, changed, mails)
	if err != nil || len(gifts) == 0 {
		return rulings, err
	}
	became, err := a.applyToGifts(ctx, tx, account, gifts)
	if err != nil {
		return nil, err
	}
	for i := range became {
		e := list[at[i]]
		if became[i].paid && became[i].state == EventDone && book.find(e.found).ChargedAfterEnd(e.found.Invoice.PaidAt) {
			// The money is the charity's until somebody gives it back, which is staff's
			// to do. Tried again it is paid already, and so no news any more.
			became[i].state, became[i].reason = EventParked, domain.ChargedAfterEnd
		}
		rulings[at[i]] = became[i]
	}
	return rulings, nil
}

func lockPlans(ctx context.Context, tx Tx, list []evidence) (planBook, error) {
	var ids, subscriptions []string
	for _, e := range list {
		// Metadata can be edited by hand: what is no id of ours is looked for nowhere.
		if e.found.Ours && uuid.Validate(e.found.PlanID) == nil {
			ids = append(ids, e.found.PlanID)
		}
		if id := subscriptionOf(e.found); id != "" {
			subscriptions = append(subscriptions, id)
		}
	}
	book := planBook{byID: map[string]*domain.Plan{}, bySub: map[string]string{}}
	slices.Sort(subscriptions)
	locked, err := tx.LockPlans(ctx, ids, slices.Compact(subscriptions))
	if err != nil {
		return book, fmt.Errorf("lock plans: %w", err)
	}
	for i := range locked {
		p := &locked[i]
		book.byID[p.ID] = p
		if p.SubscriptionID != "" {
			book.bySub[p.SubscriptionID] = p.ID
		}
	}
	return book, nil
}

// follow is the plan after what was found. An invoice that comes before its
// subscription was looked at links the two, and makes a look due at once.
func (a *App) follow(p domain.Plan, account string, f Found) (domain.Plan, domain.Reason) {
	now := a.micros()
	next := p
	if f.Subscription != nil {
		var reason domain.Reason
		next, reason = p.Follow(*f.Subscription, f.LookedAt)
		if reason != "" {
			return p, reason
		}
	}
	next.AccountID = account
	if next.SubscriptionID == "" && f.Invoice != nil {
		next.SubscriptionID = f.Invoice.SubscriptionID
	}
	next = next.Started(now)
	switch {
	case f.Subscription == nil && (!next.Status.Begun() || next.Failed):
		next.CheckAt = now
	case f.Subscription != nil:
		next.CheckAt = nextLook(next, now)
	}
	return next, ""
}

// nextLook is when a plan is compared with Stripe if nothing is heard before.
func nextLook(p domain.Plan, now int64) int64 {
	daily := now + planLook.Microseconds()
	switch {
	case p.Ending():
		return now + endingLook.Microseconds()
	case p.Status.Over() && now < p.CancelAskedAt+keepLooking.Microseconds():
		return daily
	case p.Status.Over():
		return 0
	case p.NextAt > now:
		return min(daily, p.NextAt+instalmentLook.Microseconds())
	}
	return daily
}

// giftOf is what an invoice or a session says about the gift that it pays; nil when
// that is nothing. The gift of an instalment after the first is made here.
func (a *App) giftOf(ctx context.Context, tx Tx, account string, p domain.Plan, e evidence, brings bool) (*evidence, error) {
	told := e
	told.found = Found{Ours: true, DonationID: p.First.ID, Snapshot: domain.Snapshot{Session: e.found.Snapshot.Session}}
	invoice := e.found.Invoice
	if !brings {
		if told.found.Snapshot.Session == nil {
			return nil, nil
		}
		return &told, nil
	}
	told.found.Snapshot.Payment = invoice.Settled()
	if invoice.First() {
		return &told, nil
	}
	told.found.Snapshot.Session = nil
	told.found.DonationID = instalmentID(account, invoice.ID)
	donor, err := tx.Donor(ctx, p.First.ID)
	if err != nil {
		return nil, fmt.Errorf("read the donor of plan %s: %w", p.ID, err)
	}
	donor.Message = "" // it was said once
	_, err = tx.InsertDonation(ctx, invoice.Becomes(p, told.found.DonationID, account), donor)
	if err != nil {
		return nil, fmt.Errorf("make the gift of an invoice: %w", err)
	}
	return &told, nil
}

// instalmentID is the gift that an invoice pays: by whichever route the invoice is
// heard of, it is the same.
func instalmentID(account, invoiceID string) string {
	return envelope.OnceID(account, invoiceID, "invoice", "donation")
}

func keepPlans(ctx context.Context, tx Tx, book planBook, changed map[string]bool, mails []PlanMail) error {
	var list []domain.Plan
	for id := range changed {
		list = append(list, *book.byID[id])
	}
	err := tx.UpdatePlans(ctx, list)
	if err != nil {
		return fmt.Errorf("update plans: %w", err)
	}
	err = tx.AddPlanMails(ctx, mails)
	if err != nil {
		return fmt.Errorf("add letters about plans: %w", err)
	}
	return nil
}

// lettersOf are the letters that a change calls for. Of what was never begun nobody
// is written to: its donor stands before the checkout page.
func (a *App) lettersOf(before, after domain.Plan, invoice *domain.Invoice) []PlanMail {
	if after.StartedAt == 0 {
		return nil
	}
	now := a.micros()
	var mails []PlanMail
	letter := func(kind MailKind, occasion string, at int64, url string) {
		mails = append(mails, PlanMail{
			Key: string(kind) + ":" + after.ID + ":" + occasion, PlanID: after.ID, Kind: kind,
			Parts: domain.Parts{Gift: after.Gift.Minor, Cover: after.Cover.Minor}, At: at, URL: url, By: after.CancelBy, MadeAt: now,
		})
	}
	version := strconv.FormatInt(after.Version+1, 10)
	switch {
	case before.StartedAt == 0:
		letter(MailStarted, "", after.NextAt, "")
	case !before.Status.Over() && after.Status.Over():
		letter(MailEnded, "", after.EndsAt, "")
	case after.Status.Over(), after.Ending():
		return nil
	default:
		if before.Gift != after.Gift || before.Cover != after.Cover {
			letter(MailChanged, version, after.NextAt, "")
		}
		if before.PausedUntil != after.PausedUntil && after.PausedUntil != 0 {
			letter(MailPaused, version, after.PausedUntil, "")
		}
		if before.PausedUntil != 0 && after.PausedUntil == 0 {
			letter(MailResumed, version, after.NextAt, "")
		}
	}
	if invoice == nil || !invoice.Asks() || after.Status.Over() {
		return mails
	}
	occasion := invoice.ID + ":" + strconv.FormatInt(invoice.Attempts, 10)
	if invoice.Confirm {
		letter(MailConfirm, occasion, 0, invoice.HostedURL)
	} else {
		letter(MailFailed, occasion, invoice.NextAttemptAt, "")
	}
	return mails
}
