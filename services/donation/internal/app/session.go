package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
)

// ask makes the planned session. again means that the plan has to be made anew.
func (a *App) ask(ctx context.Context, j *job, p plan) (answer Checkout, again bool, err error) {
	account, err := a.account(ctx)
	if err != nil {
		return Checkout{}, false, unreachable(err)
	}
	record, proof := a.recordOf(p.donation)
	id, url, err := a.Stripe.CreateSession(ctx, SessionRequest{
		Donation: p.donation, Email: j.form.Email, Attempt: p.attempt.Number,
		BaseURL: p.attempt.BaseURL, ExpiresAt: p.attempt.ExpiresAt / 1_000_000, Methods: p.attempt.Methods,
		Record: record, Proof: proof,
	})
	var refused *RefusedError
	switch {
	case errors.Is(err, ErrKeyUsedUp):
		// A session made under that key is one whose address nobody has.
		err = a.kill(ctx, p, false)
		return Checkout{}, true, err
	case errors.As(err, &refused):
		killErr := a.kill(ctx, p, true)
		if killErr != nil {
			return Checkout{}, false, killErr
		}
		return Checkout{}, false, a.refusal(ctx, refused)
	case err != nil:
		return Checkout{}, false, unreachable(err)
	}
	answer, err = a.opened(ctx, j, p, account, id, url)
	return answer, false, err
}

// opened stores the session; from here on the same form leads to it.
func (a *App) opened(ctx context.Context, j *job, p plan, account, id, url string) (Checkout, error) {
	answer := Checkout{DonationID: p.donation.ID, SessionID: id, URL: url}
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		intent, err := tx.LockIntent(ctx, j.intentID)
		if err != nil {
			return err
		}
		attempt, err := tx.Attempt(ctx, p.donation.ID, p.attempt.Number)
		if err != nil {
			return err
		}
		if attempt.State != AttemptAsked && attempt.SessionID != id {
			return apperr.New(apperr.Aborted, "SENT_AGAIN", "The form was sent again with other details.")
		}
		locked, err := tx.LockDonations(ctx, []string{p.donation.ID})
		if err != nil {
			return err
		}
		d := locked[0]
		d.AccountID = account
		if d.State == domain.Succeeded || d.State == domain.Processing {
			// The webhook was faster than the answer, as far as it can be.
			d.SessionID = id
			answer.AlreadyPaid, answer.URL = true, ""
		} else {
			d, err = d.Open(attempt.Number, id)
			if err != nil {
				return err
			}
		}
		attempt.State, attempt.SessionID, attempt.URL = AttemptOpen, id, url
		err = tx.UpdateAttempt(ctx, attempt)
		if err != nil {
			return err
		}
		err = tx.UpdateDonations(ctx, []domain.Donation{d})
		if err != nil {
			return err
		}
		return releaseIn(ctx, tx, intent, j.claim)
	})
	if err != nil {
		return Checkout{}, fmt.Errorf("store the checkout session: %w", err)
	}
	return answer, nil
}

// kill notes that no session will come of an attempt.
func (a *App) kill(ctx context.Context, p plan, failed bool) error {
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		// Gifts are locked before their attempts, here as everywhere.
		locked, err := tx.LockDonations(ctx, []string{p.donation.ID})
		if err != nil {
			return err
		}
		attempt := p.attempt
		attempt.State = AttemptDead
		err = tx.UpdateAttempt(ctx, attempt)
		if err != nil || !failed {
			return err
		}
		d, err := locked[0].Refuse()
		if err != nil {
			return nil //nolint:nilerr // it was refused before, or even paid: then that stands
		}
		d.CheckAt = 0
		return tx.UpdateDonations(ctx, []domain.Donation{d})
	})
	if err != nil {
		return fmt.Errorf("note that stripe made no session: %w", err)
	}
	return nil
}

// refusal puts Stripe's no beside the field that it is about. Minimums move
// with exchange rates, so Stripe may know better than we do.
func (a *App) refusal(ctx context.Context, r *RefusedError) error {
	field := func(name, reason, message string) error {
		return apperr.Invalid(apperr.Field{Name: name, Reason: reason, Message: message})
	}
	switch {
	case r.Code == "amount_too_small":
		return field("amount", "AMOUNT_REFUSED_SMALL", "This amount is too small to be charged. Please enter a larger one.")
	case r.Code == "amount_too_large" || strings.Contains(r.Param, "unit_amount"):
		return field("amount", "AMOUNT_REFUSED_LARGE", "This amount cannot be charged. Please enter a smaller one.")
	case r.Code == "email_invalid" || r.Param == "customer_email":
		return field("email", "EMAIL_INVALID", "Enter an e-mail address like name@example.org.")
	}
	a.Logger.ErrorContext(ctx, "Stripe refused a checkout session", "code", r.Code, "param", r.Param)
	return unreachable(r)
}

// settle makes sessions unpayable that are in the way of a new one. If one of
// them turns out to be paid, that is the answer.
func (a *App) settle(ctx context.Context, list []settle) (*Checkout, error) {
	for _, s := range list {
		answer, err := a.settleOne(ctx, s)
		if err != nil || answer != nil {
			return answer, err
		}
	}
	return nil, nil
}

func (a *App) settleOne(ctx context.Context, s settle) (*Checkout, error) {
	err := a.Stripe.ExpireSession(ctx, s.donation.SessionID)
	switch {
	case errors.Is(err, ErrNotOpen):
		found, err := a.Stripe.Session(ctx, s.donation.SessionID)
		if err != nil {
			return nil, unreachable(err)
		}
		_, err = a.ingest(ctx, found)
		if err != nil {
			return nil, err
		}
		session := found.Snapshot.Session
		if session != nil && session.Status == domain.SessionComplete {
			// Paid, or on its way: another session would charge the donor twice.
			return &Checkout{DonationID: s.donation.ID, SessionID: s.donation.SessionID, AlreadyPaid: true}, nil
		}
	case err != nil && !errors.Is(err, ErrStripeUnknown):
		return nil, unreachable(err)
	}
	return nil, a.giveUp(ctx, s)
}

// giveUp marks a gift whose session is gone: expired, or abandoned for another.
func (a *App) giveUp(ctx context.Context, s settle) error {
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		locked, err := tx.LockDonations(ctx, []string{s.donation.ID})
		if err != nil {
			return err
		}
		err = tx.CloseSessions(ctx, []string{s.donation.SessionID})
		if err != nil {
			return err
		}
		move := locked[0].Abandon
		if s.mine {
			move = locked[0].Expire
		}
		d, err := move()
		if err != nil {
			return nil //nolint:nilerr // a webhook was faster: what it said stands
		}
		d.CheckAt = 0
		return tx.UpdateDonations(ctx, []domain.Donation{d})
	})
	if err != nil {
		return fmt.Errorf("give up the session before: %w", err)
	}
	return nil
}
