package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
)

const (
	// sessionLife is how long a donor has on Stripe's page. Stripe wants 30
	// minutes or more from when it makes the session, which for a request that
	// is repeated may be up to repeatFor after the attempt began.
	sessionLife = time.Hour
	repeatFor   = 25 * time.Minute
	// checkoutTime bounds one submission; it must be shorter than claimTime, so
	// that a request never works on an intent that another one took over.
	checkoutTime = 25 * time.Second
	claimTime    = 40 * time.Second
	// claimPoll is how often another process's result is looked for.
	claimPoll = 100 * time.Millisecond
	// checkoutRounds bounds how often a submission starts over: each round ends
	// one session that is in the way, or uses up one key.
	checkoutRounds = 8
	firstCheck     = 20 * time.Minute
)

// Submission is one post of the donate form.
type Submission struct {
	IntentID string
	Form     domain.Form
	// ClientAddress is counted and not stored.
	ClientAddress string
}

// Checkout says where the donor goes.
type Checkout struct {
	DonationID string
	SessionID  string
	URL        string // empty when AlreadyPaid
	// AlreadyPaid means that the intent is paid, or being paid by a method that
	// takes days.
	AlreadyPaid bool
}

// job is a submission on its way.
type job struct {
	intentID string
	hash     string
	form     domain.Form
	donation domain.Donation // as it will be if the input is new
	claim    string
	limited  bool // the address has had its share of sessions
	spent    bool // a new session was asked for
}

// plan is what has to be done next for a job.
type plan struct {
	answer   *Checkout
	wait     bool     // another process has the intent in hand
	settle   []settle // sessions in the way
	donation domain.Donation
	attempt  Attempt
	fresh    bool // the attempt is a new one
}

// settle is a session that must be unpayable before another is made.
type settle struct {
	donation domain.Donation
	mine     bool // same input: its time is over
}

// StartCheckout turns a submitted form into a checkout session. The gift is
// stored before Stripe is asked. Errors are apperr.Errors: InvalidArgument with
// fields named as in the form, NotFound or Gone for the target,
// ResourceExhausted, and Unavailable when Stripe or the fundraiser service
// cannot be reached; then the same form can be sent again.
func (a *App) StartCheckout(ctx context.Context, s Submission) (Checkout, error) {
	// The trace that begins here, or at the donor's click, is the gift's own:
	// the row keeps it, and what is heard of the payment later continues it.
	ctx, span := a.Tracer.Start(ctx, "start checkout")
	defer span.End()
	answer, err := a.startCheckout(ctx, s)
	outcome := "session"
	switch {
	case err != nil:
		outcome = strings.ToLower(string(apperr.CodeOf(err)))
	case answer.AlreadyPaid:
		outcome = "already_paid"
	}
	a.Metrics.checkouts.WithLabelValues(outcome).Inc()
	if err == nil {
		// An increase is asked for, and what begins with 1 has had none.
		a.Metrics.gifts.WithLabelValues(s.Form.Gift.Currency.Code())
	}
	return answer, err
}

func (a *App) startCheckout(ctx context.Context, s Submission) (Checkout, error) {
	j, err := a.accept(ctx, s)
	if err != nil {
		return Checkout{}, err
	}
	done, err := a.intents.take(ctx, j.intentID)
	if err != nil {
		return Checkout{}, fmt.Errorf("wait for the same form sent before: %w", err)
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, checkoutTime)
	defer cancel()

	if !a.exempt(s.ClientAddress) {
		j.limited = !a.limiter.take(s.ClientAddress, a.Now())
		defer func() {
			if !j.spent && !j.limited {
				a.limiter.give(s.ClientAddress)
			}
		}()
	}
	answer, err := a.open(ctx, &j)
	if err != nil {
		a.release(context.WithoutCancel(ctx), j)
		return Checkout{}, err
	}
	return answer, nil
}

// accept checks the form and asks for the terms of what is given to.
func (a *App) accept(ctx context.Context, s Submission) (job, error) {
	form, wrong := s.Form.Checked()
	intent, err := uuid.Parse(s.IntentID)
	if err != nil {
		wrong = append(wrong, apperr.Field{
			Name: "intent", Reason: "INTENT_INVALID", Message: "This form is damaged. Please open the page again.",
		})
	}
	terms, err := a.resolve(ctx, form)
	var refused *apperr.Error
	if errors.As(err, &refused) && len(refused.Fields) > 0 {
		wrong = append(wrong, refused.Fields...) // an unknown fund: shown with the rest
	} else if err != nil {
		return job{}, err
	}
	if len(wrong) > 0 && terms == nil {
		return job{}, apperr.Invalid(wrong...)
	}
	d, more, err := a.draft(ctx, form, terms)
	if err != nil {
		return job{}, err
	}
	if form.Gift.Minor > 0 {
		wrong = append(wrong, more...)
	}
	if len(wrong) > 0 {
		return job{}, apperr.Invalid(wrong...)
	}
	d.IntentID, d.InputHash = intent.String(), inputHash(form, d)
	return job{intentID: d.IntentID, hash: d.InputHash, form: form, donation: d, claim: uuid.NewString()}, nil
}

func (a *App) resolve(ctx context.Context, form domain.Form) (*fundraiserv1.ResolveGiftResponse, error) {
	request := &fundraiserv1.ResolveGiftRequest{FundCode: form.FundCode, ShareCode: form.ShareCode}
	if form.FundraiserSlug != "" {
		request.Target = &fundraiserv1.ResolveGiftRequest_FundraiserSlug{FundraiserSlug: form.FundraiserSlug}
	} else {
		request.Target = &fundraiserv1.ResolveGiftRequest_AppealSlug{AppealSlug: form.AppealSlug}
	}
	terms, err := a.Fundraiser.ResolveGift(ctx, request)
	if err != nil {
		return nil, err // its public half says it: unknown, closed, or away
	}
	return terms, nil
}

// open goes round until there is a session, an earlier payment, or an error.
func (a *App) open(ctx context.Context, j *job) (Checkout, error) {
	for round := 0; round < checkoutRounds; {
		p, err := a.plan(ctx, j)
		if err != nil {
			return Checkout{}, err
		}
		if p.answer != nil {
			return *p.answer, nil
		}
		if p.wait {
			err = pause(ctx, claimPoll)
			if err != nil {
				return Checkout{}, fmt.Errorf("wait for the same form in another process: %w", err)
			}
			continue
		}
		round++
		if len(p.settle) > 0 {
			answer, err := a.settle(ctx, p.settle)
			if err != nil || answer != nil {
				return deref(answer), err
			}
			continue
		}
		answer, again, err := a.ask(ctx, j, p)
		if err != nil || !again {
			return answer, err
		}
	}
	return Checkout{}, unreachable(errors.New("every key was used up"))
}

func deref(c *Checkout) Checkout {
	if c == nil {
		return Checkout{}
	}
	return *c
}

// plan decides, under the intent's lock, what is next, and takes the claim if
// Stripe has to be asked.
func (a *App) plan(ctx context.Context, j *job) (plan, error) {
	var p plan
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		p = plan{}
		now := a.micros()
		intent, err := tx.LockIntent(ctx, j.intentID)
		if err != nil {
			return err
		}
		if intent.Claim != "" && intent.Claim != j.claim && intent.ClaimedUntil > now {
			p.wait = true
			return nil
		}
		gifts, err := tx.DonationsOfIntent(ctx, j.intentID)
		if err != nil {
			return err
		}
		mine, err := a.survey(ctx, tx, &p, gifts, j.hash, now)
		if err != nil {
			return err
		}
		if p.answer != nil {
			return releaseIn(ctx, tx, intent, j.claim)
		}
		if len(p.settle) == 0 {
			err = a.newAttempt(ctx, tx, j, &p, mine, now)
			if err != nil {
				return err
			}
		}
		intent.Claim, intent.ClaimedUntil = j.claim, now+claimTime.Microseconds()
		return tx.SaveIntent(ctx, intent)
	})
	if err != nil {
		var public *apperr.Error
		if errors.As(err, &public) {
			return plan{}, err
		}
		return plan{}, fmt.Errorf("plan the checkout: %w", err)
	}
	j.spent = j.spent || p.fresh
	return p, nil
}

// survey looks at what the intent has led to so far.
func (a *App) survey(ctx context.Context, tx Tx, p *plan, gifts []domain.Donation, hash string, now int64) (*domain.Donation, error) {
	var mine *domain.Donation
	var ready *Checkout
	for i := range gifts {
		d := gifts[i]
		if d.Instalment() {
			continue // no form made it
		}
		if d.State == domain.Succeeded || d.State == domain.Processing {
			p.answer = &Checkout{DonationID: d.ID, SessionID: d.SessionID, AlreadyPaid: true}
			return nil, nil
		}
		same := d.InputHash == hash
		if same {
			mine = &gifts[i]
		}
		switch {
		case d.State == domain.CheckoutOpen:
			attempt, err := tx.Attempt(ctx, d.ID, d.Attempt)
			if err != nil {
				return nil, fmt.Errorf("read attempt %d: %w", d.Attempt, err)
			}
			if same && attempt.ExpiresAt > now {
				ready = &Checkout{DonationID: d.ID, SessionID: d.SessionID, URL: attempt.URL}
				continue
			}
			p.settle = append(p.settle, settle{donation: d, mine: same})
		case d.State == domain.Created && !same:
			// A request that never got an answer for its donor. If Stripe made a
			// session after all, nobody has its address.
			err := a.drop(ctx, tx, d)
			if err != nil {
				return nil, err
			}
		}
	}
	if ready != nil && len(p.settle) == 0 {
		p.answer = ready
	}
	return mine, nil
}

func (a *App) drop(ctx context.Context, tx Tx, d domain.Donation) error {
	if d.Attempt > 0 {
		err := tx.UpdateAttempt(ctx, Attempt{DonationID: d.ID, Number: d.Attempt, State: AttemptDead})
		if err != nil {
			return err
		}
	}
	d, err := d.Abandon()
	if err != nil {
		return err
	}
	d.CheckAt = 0
	return tx.UpdateDonations(ctx, []domain.Donation{d})
}

// newAttempt stores the gift if it is new, and the attempt before it is made.
// An attempt that nobody finished is repeated: same key, same request.
func (a *App) newAttempt(ctx context.Context, tx Tx, j *job, p *plan, mine *domain.Donation, now int64) error {
	if mine != nil && mine.Attempt > 0 {
		last, err := tx.Attempt(ctx, mine.ID, mine.Attempt)
		if err != nil {
			return fmt.Errorf("read attempt %d: %w", mine.Attempt, err)
		}
		if last.State == AttemptAsked && last.StartedAt > now-repeatFor.Microseconds() {
			p.donation, p.attempt = *mine, last
			return nil
		}
	}
	opened, err := tx.OpenSessions(ctx, j.intentID, now)
	if err != nil {
		return err
	}
	if j.limited || opened >= sessionsPerIntent {
		return apperr.New(apperr.ResourceExhausted, "TOO_MANY_CHECKOUTS",
			"There were too many attempts from here. Please wait ten minutes and try again.")
	}
	if mine == nil {
		d := j.donation
		inserted, err := tx.InsertDonation(ctx, d, donorOf(j.form))
		if err != nil {
			return err
		}
		if !inserted {
			return errors.New("the intent's lock did not hold")
		}
		if d.PlanID != "" {
			err = tx.InsertPlan(ctx, a.planOf(d, j.form.Email))
			if err != nil {
				return err
			}
		}
		mine = &d
	}
	d := *mine
	d.Attempt++
	d.CheckAt = now + firstCheck.Microseconds()
	attempt := Attempt{
		DonationID: d.ID, Number: d.Attempt, IntentID: d.IntentID, State: AttemptAsked, BaseURL: a.cfg.BaseURL,
		StartedAt: now, ExpiresAt: now + sessionLife.Microseconds(), Methods: d.Methods(a.cfg.PaymentMethods),
	}
	err = tx.InsertAttempt(ctx, attempt)
	if err != nil {
		return err
	}
	err = tx.UpdateDonations(ctx, []domain.Donation{d})
	if err != nil {
		return err
	}
	p.donation, p.attempt, p.fresh = d, attempt, true
	return nil
}

func donorOf(f domain.Form) domain.Donor {
	return domain.Donor{Name: f.Name, Email: f.Email, Message: f.Message, Language: f.Language}
}

// exempt lets developers and their tests work without the limit.
func (a *App) exempt(address string) bool {
	if !a.cfg.Development {
		return false
	}
	ip, err := netip.ParseAddr(address)
	return err == nil && ip.Unmap().IsLoopback()
}

func (a *App) release(ctx context.Context, j job) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		intent, err := tx.LockIntent(ctx, j.intentID)
		if err != nil {
			return err
		}
		return releaseIn(ctx, tx, intent, j.claim)
	})
	if err != nil {
		// The claim ends by itself; until then the donor's next try waits.
		a.Logger.WarnContext(ctx, "a claim on an intent could not be given back", "error", err)
	}
}

func releaseIn(ctx context.Context, tx Tx, intent Intent, claim string) error {
	if intent.Claim != claim {
		return nil
	}
	intent.Claim, intent.ClaimedUntil = "", 0
	return tx.SaveIntent(ctx, intent)
}

// inputHash tells one input from another. What the donor left open (the fund)
// counts as what it came to mean, so that the form, shown again with the choice
// filled in, is the same input. The language of the page is not the donor's input.
func inputHash(f domain.Form, d domain.Donation) string {
	at := d.Attribution
	h := sha256.New()
	parts := []string{
		d.AppealSlug, d.FundraiserSlug, strconv.FormatInt(f.Gift.Minor, 10), f.Gift.Currency.Code(),
		strconv.FormatBool(f.CoverFees), at.FundCode, f.Name, f.Email, string(f.Visibility), f.Message, at.ShareCode,
	}
	if f.Monthly {
		parts = append(parts, "monthly") // a single gift's hash is as it always was
	}
	for _, part := range parts {
		// The length keeps ("ab","c") and ("a","bc") apart.
		fmt.Fprintf(h, "%d:%s,", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func unreachable(cause error) error {
	return apperr.Wrap(cause, apperr.Unavailable, "STRIPE_UNAVAILABLE",
		"The payment page cannot be reached just now. Nothing was charged. Please try again in a moment.")
}
