package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
)

const (
	// changeTime bounds what the donor waits for.
	changeTime = 25 * time.Second
	// changeTries bounds how many keys one request uses up at a time.
	changeTries = 4
	mostMonths  = 12
	longestNote = 500
)

// PlanRequest is what somebody asks of a plan. The same request id is done once.
type PlanRequest struct {
	PlanID    string
	RequestID string
	Kind      ChangeKind
	Gift      money.Amount // of ChangeAmount
	CoverFees bool
	Months    int // of ChangePause
	// Staff is the address of who does it for the donor; empty for the donor.
	Staff string
	Note  string
}

// ChangeByDonor does what the donor who holds the link asks for.
func (a *App) ChangeByDonor(ctx context.Context, token string, r PlanRequest) (PlanView, error) {
	p, err := a.openPlan(ctx, r.PlanID, token)
	if err != nil {
		return PlanView{}, err
	}
	return a.changePlan(ctx, p, r)
}

// CancelByStaff ends a plan for its donor.
func (a *App) CancelByStaff(ctx context.Context, r PlanRequest) (PlanView, error) {
	if utf8.RuneCountInString(r.Note) > longestNote {
		return PlanView{}, apperr.Invalid(apperr.Field{Name: "note", Reason: "NOTE_LONG", Message: "Write a note of at most 500 characters."})
	}
	p, err := a.plan1(ctx, r.PlanID)
	if err != nil {
		return PlanView{}, err
	}
	return a.changePlan(ctx, p, r)
}

// changePlan keeps the request, asks Stripe, and answers the plan as Stripe shows it
// then. After an error the same request may be sent again: what was done is found.
// An end that was asked for is kept whatever happens, and carried out by
// WatchPlans.
func (a *App) changePlan(ctx context.Context, p domain.Plan, r PlanRequest) (PlanView, error) {
	_, err := uuid.Parse(r.RequestID)
	if err != nil {
		return PlanView{}, apperr.Invalid(apperr.Field{Name: "request_id", Reason: "REQUEST_INVALID", Message: "This form is damaged. Please open the page again."})
	}
	done, err := a.intents.take(ctx, p.ID)
	if err != nil {
		return PlanView{}, fmt.Errorf("wait for another change of the plan: %w", err)
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, changeTime)
	defer cancel()
	c, err := a.changeOf(ctx, p, r)
	if err != nil {
		return PlanView{}, err
	}
	c, err = a.keepChange(ctx, c)
	if err != nil {
		return PlanView{}, err
	}
	if c.State == ChangeRefused {
		return PlanView{}, overtaken()
	}
	if c.State == ChangeAsked {
		err = a.carryOut(ctx, p, c)
		if err != nil {
			return PlanView{}, err
		}
	}
	return a.planView(ctx, p.ID)
}

// changeOf checks a request and says what Stripe is to be asked for.
func (a *App) changeOf(ctx context.Context, p domain.Plan, r PlanRequest) (PlanChange, error) {
	input := sha256.Sum256([]byte(strings.Join([]string{
		p.ID, string(r.Kind), strconv.FormatInt(r.Gift.Minor, 10), r.Gift.Currency.Code(), strconv.FormatBool(r.CoverFees), strconv.Itoa(r.Months),
	}, "\x00")))
	c := PlanChange{
		RequestID: r.RequestID, PlanID: p.ID, Kind: r.Kind, InputHash: hex.EncodeToString(input[:]), AskedBy: domain.ByDonor,
		Note: r.Note, AskedAt: a.micros(), State: ChangeAsked, Attempt: 1,
	}
	if r.Staff != "" {
		c.AskedBy = r.Staff
	}
	switch r.Kind {
	case ChangeAmount:
		terms, err := a.planTerms(ctx, p, r.CoverFees)
		if err != nil {
			return c, err
		}
		cover, wrong := domain.Form{Gift: r.Gift, CoverFees: r.CoverFees}.Price(terms)
		if len(wrong) > 0 {
			return c, apperr.Invalid(wrong...)
		}
		c.Parts = domain.Parts{Gift: r.Gift.Minor, Cover: cover.Minor}
	case ChangePause:
		if r.Months < 1 || r.Months > mostMonths {
			return c, apperr.Invalid(apperr.Field{Name: "pause_months", Reason: "MONTHS_RANGE", Message: "Choose from 1 to 12 months."})
		}
		c.ResumesAt = domain.PauseEnd(max(p.NextAt, a.micros()), r.Months)
	case ChangeResume, ChangeCancel:
	default:
		return c, apperr.Invalid(apperr.Field{Name: "change", Reason: "CHANGE_MISSING", Message: "Choose what to change."})
	}
	return c, nil
}

// planTerms are the terms of what a plan gives to. An appeal that takes no new gifts
// still gets those of its plans: then only Stripe's own least amount counts, and no
// cover can be estimated.
func (a *App) planTerms(ctx context.Context, p domain.Plan, coverFees bool) (domain.Terms, error) {
	currency := p.First.Gift.Currency
	terms := domain.Terms{Currency: currency, Minimum: money.Minimum(currency).Minor}
	known, err := a.resolve(ctx, domain.Form{
		AppealSlug: p.First.AppealSlug, FundraiserSlug: p.First.FundraiserSlug, FundCode: p.First.Attribution.FundCode,
	})
	switch {
	case err != nil && coverFees:
		return terms, err
	case err != nil:
		return terms, nil //nolint:nilerr // closed, or away: the plan goes on all the same
	}
	if known.GetCurrency() == currency.Code() {
		terms.Minimum = max(terms.Minimum, known.GetMinimumMinor())
		terms.Rate, terms.Fixed = money.Rate{PPM: known.GetCoverRatePpm()}, known.GetCoverFixedMinor()
	}
	return terms, nil
}

// keepChange stores a request before Stripe is asked, or answers the one that was
// sent under that id before.
func (a *App) keepChange(ctx context.Context, c PlanChange) (PlanChange, error) {
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		locked, err := tx.LockPlans(ctx, []string{c.PlanID}, nil)
		if err != nil {
			return err
		}
		p := locked[0]
		before, err := tx.Change(ctx, c.RequestID)
		if err == nil {
			if before.InputHash != c.InputHash {
				return apperr.New(apperr.Aborted, "REQUEST_REUSED", "This form was sent before with something else. Please open the page again.")
			}
			c = before
			return a.stillLast(ctx, tx, c)
		}
		if !errors.Is(err, ErrNone) {
			return err
		}
		switch {
		case p.Status.Over() && c.Kind == ChangeCancel:
			c.State, c.DoneAt = ChangeDone, c.AskedAt
		case p.Status.Over(), p.Ending() && c.Kind != ChangeCancel:
			return planOver()
		case p.SubscriptionID == "":
			return apperr.New(apperr.FailedPrecondition, "PLAN_NOT_BEGUN", "This monthly gift has not begun.")
		}
		_, err = tx.InsertChange(ctx, c)
		if err != nil || c.Kind != ChangeCancel || c.State == ChangeDone || p.CancelAskedAt > 0 {
			return err
		}
		lastPaid, err := tx.LastPaid(ctx, p.ID)
		if err != nil {
			return err
		}
		by := domain.ByDonor
		if c.AskedBy != domain.ByDonor {
			by = domain.ByStaff
		}
		p = p.EndAsked(c.AskedAt, lastPaid, by)
		p.CheckAt = c.AskedAt + endingLook.Microseconds()
		p.Version++
		return tx.UpdatePlans(ctx, []domain.Plan{p})
	})
	var public *apperr.Error
	if err != nil && !errors.As(err, &public) {
		return c, fmt.Errorf("keep what was asked of a plan: %w", err)
	}
	return c, err
}

// stillLast refuses a request that was sent again after another one like it.
func (a *App) stillLast(ctx context.Context, tx Tx, c PlanChange) error {
	if c.State != ChangeAsked || c.Kind == ChangeCancel {
		return nil
	}
	newer, err := tx.NewerChange(ctx, c)
	if err != nil {
		return err
	}
	if newer {
		return overtaken()
	}
	return nil
}

func overtaken() error {
	return apperr.New(apperr.Aborted, "CHANGE_OVERTAKEN", "Something else was asked for since. Please open the page again.")
}

func planOver() error {
	return apperr.New(apperr.FailedPrecondition, "PLAN_OVER", "This monthly gift has been ended.")
}

// met reports whether a subscription is as a request wants it.
func (c PlanChange) met(s domain.Subscription) bool {
	switch c.Kind {
	case ChangeAmount:
		return s.Agreed == c.Parts && s.Total == c.Parts.Gift+c.Parts.Cover
	case ChangePause:
		return s.Paused && s.ResumesAt == c.ResumesAt
	case ChangeResume:
		return !s.Paused
	case ChangeCancel:
		return s.Status.Over()
	}
	return false
}

// carryOut looks at the subscription, asks Stripe for what is missing, and looks
// again, until it is as it was wanted: whatever became of an earlier question that
// had no answer, its effect is seen. All that a look shows is kept.
func (a *App) carryOut(ctx context.Context, p domain.Plan, c PlanChange) error {
	for range changeTries {
		asked := a.micros()
		found, err := a.Stripe.Subscription(ctx, p.SubscriptionID)
		if err != nil {
			return notYet(c, err)
		}
		found.LookedAt = asked
		s := *found.Subscription
		if c.met(s) {
			return a.conclude(ctx, found, c)
		}
		if s.Status.Over() {
			_, err = a.ingest(ctx, found)
			return errors.Join(err, planOver())
		}
		err = a.askStripe(ctx, p, c, s)
		var refused *RefusedError
		switch {
		case errors.Is(err, ErrKeyUsedUp):
			c.Attempt++
			err = a.saveChange(ctx, c)
			if err != nil {
				return err
			}
		case errors.As(err, &refused):
			return a.changeRefused(ctx, c, refused)
		case err != nil:
			return notYet(c, err)
		}
	}
	return notYet(c, errors.New("every key was used up"))
}

func (a *App) askStripe(ctx context.Context, p domain.Plan, c PlanChange, s domain.Subscription) error {
	key := "pl:" + c.RequestID + ":" + strconv.FormatInt(c.Attempt, 10)
	switch c.Kind {
	case ChangeAmount:
		return a.Stripe.ChangeAmount(ctx, key, AmountChange{Subscription: s, Currency: p.First.Gift.Currency, Parts: c.Parts})
	case ChangePause, ChangeResume:
		return a.Stripe.PauseUntil(ctx, key, s.ID, c.ResumesAt)
	case ChangeCancel:
	}
	return a.Stripe.CancelSubscription(ctx, key, s.ID)
}

// conclude keeps what the look showed and that the request is done. An invoice that
// is still open after the end is made unpayable first: nothing more is charged.
func (a *App) conclude(ctx context.Context, found Found, c PlanChange) error {
	latest := found.Subscription.Latest
	if c.Kind == ChangeCancel && latest != nil && latest.Status == domain.InvoiceOpen {
		err := a.voidInvoice(ctx, &c, latest.ID)
		if err != nil {
			return notYet(c, err)
		}
	}
	_, err := a.ingest(ctx, found)
	if err != nil {
		return err
	}
	c.State, c.DoneAt = ChangeDone, a.micros()
	return a.saveChange(ctx, c)
}

// voidInvoice asks until Stripe says that it is done. A failure that the key repeats
// says nothing of what became of the invoice: it is asked again with another one.
func (a *App) voidInvoice(ctx context.Context, c *PlanChange, id string) error {
	var err error
	for range changeTries {
		err = a.Stripe.VoidInvoice(ctx, "void:"+id+":"+c.RequestID+":"+strconv.FormatInt(c.Attempt, 10), id)
		if !errors.Is(err, ErrKeyUsedUp) {
			break
		}
		c.Attempt++
		saved := a.saveChange(ctx, *c)
		if saved != nil {
			return saved
		}
	}
	if errors.Is(err, ErrStripeUnknown) {
		return nil
	}
	return err
}

func (a *App) saveChange(ctx context.Context, c PlanChange) error {
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.UpdateChange(ctx, c) })
	if err != nil {
		return fmt.Errorf("note what became of a change: %w", err)
	}
	return nil
}

// changeRefused puts Stripe's no beside the field that it is about.
func (a *App) changeRefused(ctx context.Context, c PlanChange, r *RefusedError) error {
	c.State, c.DoneAt = ChangeRefused, a.micros()
	err := a.saveChange(ctx, c)
	if err != nil {
		return err
	}
	if c.Kind == ChangeAmount {
		return a.refusal(ctx, r)
	}
	a.Logger.ErrorContext(ctx, "Stripe refused a change of a plan", "plan", c.PlanID, "kind", string(c.Kind), "code", r.Code, "param", r.Param)
	return notYet(c, r)
}

// notYet says that it is not known to be done. An end is kept and carried out.
func notYet(c PlanChange, cause error) error {
	if c.Kind == ChangeCancel {
		return apperr.Wrap(cause, apperr.Unavailable, "PLAN_END_KEPT",
			"The payment service cannot be reached just now. Your wish is kept: this monthly gift is ended as soon as it answers, and you get a mail then.")
	}
	return apperr.Wrap(cause, apperr.Unavailable, "STRIPE_UNAVAILABLE",
		"The payment service cannot be reached just now, and it is not certain that anything has changed. Please try again in a moment.")
}
