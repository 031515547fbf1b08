package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/money"
)

const (
	maxNote = 500
	// askAgain is when a refund that Stripe gave no answer about is asked for again
	// at first; the pauses double up to longestAskPause.
	askAgain        = 30 * time.Second
	longestAskPause = time.Hour
	// keyLife is how long Stripe surely knows an idempotency key. Afterwards the
	// payment's refunds are looked through before a new key is used.
	keyLife = 20 * time.Hour
	// refundTime bounds how long staff wait for Stripe's answer.
	refundTime = 20 * time.Second
)

// RefundOrder is staff giving money back.
type RefundOrder struct {
	RequestID  string
	DonationID string
	Amount     money.Amount
	Reason     string
	Note       string
	// By is who asks: a member of staff.
	By string
}

// RequestRefund gives money back, or keeps the request for a second person when this
// one may not give so much alone. The same request is one refund, however often and
// however concurrently it is sent. Errors are apperr.Errors: NotFound,
// InvalidArgument with fields named as in the request, AlreadyExists for a request id
// that was used for something else. When Stripe gives no answer, the refund is
// answered as asked for, and is asked for again until there is one.
func (a *App) RequestRefund(ctx context.Context, order RefundOrder) (domain.Refund, error) {
	err := order.check()
	if err != nil {
		return domain.Refund{}, err
	}
	var refund domain.Refund
	fresh := false
	err = a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		fresh = false
		after, err := readAftermaths(ctx, tx, []string{order.DonationID})
		if err != nil {
			return err
		}
		before, err := tx.RequestedRefund(ctx, order.RequestID)
		if err == nil {
			refund = before
			return order.same(before)
		}
		if !errors.Is(err, ErrNone) {
			return err
		}
		of := after.of(order.DonationID)
		if of == nil || of.Donation.State != domain.Succeeded {
			return noDonation()
		}
		err = a.mayRefund(of, order.Amount, of.Left())
		if err != nil {
			return err
		}
		fresh = true
		refund = a.requested(of, order)
		return tx.SaveRefunds(ctx, []domain.Refund{refund})
	})
	if err != nil {
		return domain.Refund{}, publicOr(err, "store the request for a refund")
	}
	return a.pursue(ctx, refund, fresh)
}

// pursue asks Stripe for a refund that was stored a moment ago, and says what became
// of one that was stored before.
func (a *App) pursue(ctx context.Context, refund domain.Refund, fresh bool) (domain.Refund, error) {
	if refund.Status == domain.RefundRefused {
		return domain.Refund{}, refusedRefund(refund.Failure)
	}
	if refund.Status != domain.RefundAsked {
		return refund, nil
	}
	// Of a double click one asks, and the other waits for what comes of it.
	done, err := a.refunds.take(ctx, refund.RequestID)
	if err != nil {
		return domain.Refund{}, fmt.Errorf("wait for the same request sent before: %w", err)
	}
	defer done()
	if !fresh {
		refund, err = a.requestedRefund(ctx, refund.RequestID)
		if err != nil || refund.Status != domain.RefundAsked {
			return refund, a.orRefused(refund, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, refundTime)
	defer cancel()
	err = a.askRefund(ctx, refund)
	if err != nil {
		a.Logger.WarnContext(ctx, "a refund is not answered yet; it is asked for again", "request", refund.RequestID, "error", err)
	}
	refund, err = a.requestedRefund(context.WithoutCancel(ctx), refund.RequestID)
	return refund, a.orRefused(refund, err)
}

func (*App) orRefused(refund domain.Refund, err error) error {
	if err == nil && refund.Status == domain.RefundRefused {
		return refusedRefund(refund.Failure)
	}
	return err
}

func (o *RefundOrder) check() error {
	var wrong []apperr.Field
	id, err := uuid.Parse(o.RequestID)
	if err != nil {
		wrong = append(wrong, apperr.Field{
			Name: "request_id", Reason: "REQUEST_INVALID", Message: "This form is damaged. Please open the page again.",
		})
	}
	o.RequestID = id.String()
	if uuid.Validate(o.DonationID) != nil {
		return noDonation()
	}
	switch {
	case o.Amount.Minor <= 0:
		wrong = append(wrong, amountField("AMOUNT_EMPTY", "Enter how much goes back."))
	case !o.Amount.Currency.IsZero() && o.Amount.Minor%o.Amount.Currency.Step() != 0:
		wrong = append(wrong, amountField("AMOUNT_STEP", "This amount has a smaller part than can be paid in this currency."))
	}
	if !slices.Contains(domain.Reasons(), o.Reason) {
		wrong = append(wrong, apperr.Field{Name: "reason", Reason: "REASON_UNKNOWN", Message: "Choose one of the reasons."})
	}
	o.Note = strings.TrimSpace(o.Note)
	switch {
	case utf8.RuneCountInString(o.Note) > maxNote:
		wrong = append(wrong, apperr.Field{Name: "note", Reason: "NOTE_LONG", Message: "Write at most 500 characters."})
	case !utf8.ValidString(o.Note) || strings.ContainsFunc(o.Note, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }):
		wrong = append(wrong, apperr.Field{Name: "note", Reason: "NOTE_INVALID", Message: "There are signs in this text that cannot be shown."})
	}
	if len(wrong) > 0 {
		return apperr.Invalid(wrong...)
	}
	return nil
}

// same refuses a request id that was used for something else.
func (o *RefundOrder) same(before domain.Refund) error {
	if before.Donation == o.DonationID && before.Amount == o.Amount && before.Reason == o.Reason && before.Request.Note == o.Note && before.Request.By == o.By {
		return nil
	}
	return apperr.New(apperr.AlreadyExists, "REQUEST_USED", "This form was sent before with something else in it. Please open the page again.")
}

func amountField(reason, message string) apperr.Field {
	return apperr.Field{Name: "amount", Reason: reason, Message: message}
}

// mayRefund puts what speaks against a refund beside the amount.
func (a *App) mayRefund(of *domain.Aftermath, amount money.Amount, left int64) error {
	d := of.Donation
	switch {
	case amount.Currency != d.Gift.Currency:
		return apperr.Invalid(amountField("CURRENCY_DIFFERS", "The gift was made in "+d.Gift.Currency.Code()+"."))
	case d.Dispute == domain.Disputed:
		return refusedRefund("charge_disputed")
	case left == 0:
		return refusedRefund("charge_already_refunded")
	case amount.Minor > left:
		return apperr.Invalid(amountField("AMOUNT_LEFT",
			"Of this gift "+money.Amount{Minor: left, Currency: d.Gift.Currency}.String()+" is left to give back."))
	}
	return nil
}

// requested is the row of a new request. Whether one person is enough is for all that
// goes back of the gift on one person's word: parts do not get below the limit.
func (a *App) requested(of *domain.Aftermath, order RefundOrder) domain.Refund {
	d, now := of.Donation, a.micros()
	refund := domain.Refund{
		RequestID: order.RequestID, AccountID: d.AccountID, Donation: d.ID, ChargeID: d.ChargeID, PaymentID: d.PaymentIntentID,
		Amount: order.Amount, Reason: order.Reason, CreatedAt: now, SettledAt: now,
		Request: domain.Request{By: order.By, Note: order.Note},
	}
	if order.Amount.Minor > a.alone(of) {
		refund.Status = domain.RefundWaiting
		return refund
	}
	return asked(refund, now)
}

// alone is how much more of a gift may go back on one person's word.
func (a *App) alone(of *domain.Aftermath) int64 {
	alone := a.cfg.RefundLimit.of(of.Donation.Gift.Currency)
	for _, r := range of.Refunds {
		if r.RequestID != "" && r.Request.DecidedBy == "" && r.Status.Holds() {
			alone -= r.Amount.Minor
		}
	}
	return max(alone, 0)
}

// Refundable is what is left to give back of a gift, and how much of that one member
// of staff may give back alone. Nothing is, of one that is not paid.
func (a *App) Refundable(v View) (left, alone money.Amount) {
	cur := v.Donation.Gift.Currency
	left, alone = money.Amount{Currency: cur}, money.Amount{Currency: cur}
	if v.Donation.State != domain.Succeeded {
		return left, alone
	}
	of := &domain.Aftermath{Donation: v.Donation, Refunds: v.Refunds, Disputes: v.Disputes}
	left.Minor = of.Left()
	alone.Minor = min(left.Minor, a.alone(of))
	return left, alone
}

func asked(r domain.Refund, now int64) domain.Refund {
	r.Status, r.SettledAt, r.Request.Attempt = domain.RefundAsked, now, 1
	r.CheckAt = now + askAgain.Microseconds()
	return r
}

// DecideRefund is the second person's word on a refund that waits for it. Errors are
// apperr.Errors: NotFound, PermissionDenied for who asked for it, FailedPrecondition
// when it was decided otherwise, InvalidArgument when it is too much by now.
func (a *App) DecideRefund(ctx context.Context, requestID, by string, approve bool) (domain.Refund, error) {
	id, err := uuid.Parse(requestID)
	if err != nil {
		return domain.Refund{}, noRefund()
	}
	seen, err := a.requestedRefund(ctx, id.String())
	if err != nil {
		return domain.Refund{}, err
	}
	refund, fresh := seen, false
	err = a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		fresh = false
		after, err := readAftermaths(ctx, tx, []string{seen.Donation})
		if err != nil {
			return err
		}
		refund, err = tx.RequestedRefund(ctx, seen.RequestID)
		if err != nil {
			return err
		}
		switch {
		case refund.Request.By == by:
			return apperr.New(apperr.PermissionDenied, "SAME_PERSON", "Somebody else has to agree to a refund that you asked for.")
		case refund.Status != domain.RefundWaiting:
			if refund.Request.DecidedBy == by && (refund.Status == domain.RefundDeclined) != approve {
				return nil // the second of two clicks
			}
			return apperr.New(apperr.FailedPrecondition, "DECIDED", "This refund has been decided already.")
		}
		refund.Request.DecidedBy = by
		if !approve {
			refund.Status, refund.SettledAt = domain.RefundDeclined, a.micros()
			return tx.SaveRefunds(ctx, []domain.Refund{refund})
		}
		of := after.of(refund.Donation)
		err = a.mayRefund(of, refund.Amount, of.Left()+refund.Amount.Minor)
		if err != nil {
			return err
		}
		fresh = true
		refund = asked(refund, a.micros())
		return tx.SaveRefunds(ctx, []domain.Refund{refund})
	})
	if err != nil {
		return domain.Refund{}, publicOr(err, "decide a refund")
	}
	return a.pursue(ctx, refund, fresh)
}

func noRefund() error {
	return apperr.New(apperr.NotFound, "REFUND_UNKNOWN", "There is no such refund.")
}

// publicOr keeps what may be shown as it is.
func publicOr(err error, doing string) error {
	var public *apperr.Error
	if errors.As(err, &public) {
		return err
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func (a *App) requestedRefund(ctx context.Context, requestID string) (domain.Refund, error) {
	var refund domain.Refund
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		refund, err = tx.RequestedRefund(ctx, requestID)
		return err
	})
	if errors.Is(err, ErrNone) {
		return domain.Refund{}, noRefund()
	}
	if err != nil {
		return domain.Refund{}, fmt.Errorf("read a refund: %w", err)
	}
	return refund, nil
}

// of answers nil for a gift that is not there.
func (after *aftermaths) of(donationID string) *domain.Aftermath {
	for _, of := range after.byPayment {
		if of.Donation.ID == donationID {
			return of
		}
	}
	return nil
}

// askRefund asks Stripe. No transaction is open meanwhile; that the request is stored,
// with its key, is what makes asking again right.
func (a *App) askRefund(ctx context.Context, refund domain.Refund) error {
	if a.micros()-refund.SettledAt > keyLife.Microseconds() {
		// The key may be forgotten, and with it that the refund was made.
		return a.lookForRefund(ctx, refund)
	}
	made, err := a.Stripe.CreateRefund(ctx, refund)
	var refused *RefusedError
	switch {
	case err == nil:
		return a.takeReturns(ctx, []Return{made})
	case errors.Is(err, ErrKeyUsedUp):
		return a.lookForRefund(ctx, refund)
	case errors.As(err, &refused):
		return a.settleRefund(ctx, refund, func(r *domain.Refund) {
			r.Status, r.Failure, r.CheckAt = domain.RefundRefused, refusalWord(refused), 0
		})
	case errors.Is(err, ErrStripeUnknown):
		return a.settleRefund(ctx, refund, func(r *domain.Refund) {
			r.Status, r.Failure, r.CheckAt = domain.RefundRefused, "resource_missing", 0
		})
	}
	return errors.Join(err, a.askLater(ctx, refund))
}

// lookForRefund finds a refund that was made under a key which does not tell, before
// another key is used.
func (a *App) lookForRefund(ctx context.Context, refund domain.Refund) error {
	list, err := a.Stripe.RefundsOf(ctx, refund.PaymentID)
	if err != nil {
		return errors.Join(err, a.askLater(ctx, refund))
	}
	if slices.ContainsFunc(list, func(r domain.Refund) bool { return r.RequestID == refund.RequestID }) {
		return a.takeReturns(ctx, []Return{{ObjectID: refund.RequestID, PaymentID: refund.PaymentID, Refunds: list, Whole: true}})
	}
	err = a.settleRefund(ctx, refund, func(r *domain.Refund) {
		r.Request.Attempt, r.CheckAt = refund.Request.Attempt+1, a.micros()+askAgain.Microseconds()
	})
	if err != nil {
		return err
	}
	refund, err = a.requestedRefund(ctx, refund.RequestID)
	if err != nil || refund.Request.Attempt > maxRefundKeys {
		return err
	}
	return a.askRefund(ctx, refund)
}

// maxRefundKeys bounds how many keys are used up in one go.
const maxRefundKeys = 5

func (a *App) askLater(ctx context.Context, refund domain.Refund) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	age := time.Duration(a.micros()-refund.SettledAt) * time.Microsecond
	wait := min(max(age, askAgain), longestAskPause)
	return a.changeRefund(ctx, refund, func(r *domain.Refund) { r.CheckAt = a.micros() + wait.Microseconds() })
}

// settleRefund changes a refund that is still asked for, and dates the change.
func (a *App) settleRefund(ctx context.Context, refund domain.Refund, change func(*domain.Refund)) error {
	return a.changeRefund(ctx, refund, func(r *domain.Refund) {
		change(r)
		r.SettledAt = a.micros()
	})
}

func (a *App) changeRefund(ctx context.Context, refund domain.Refund, change func(*domain.Refund)) error {
	err := a.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.LockDonations(ctx, []string{refund.Donation})
		if err != nil {
			return err
		}
		now, err := tx.RequestedRefund(ctx, refund.RequestID)
		if err != nil || now.Status != domain.RefundAsked {
			return err // a webhook was faster: what it said stands
		}
		change(&now)
		return tx.SaveRefunds(ctx, []domain.Refund{now})
	})
	if err != nil {
		return fmt.Errorf("note what became of a refund: %w", err)
	}
	return nil
}

// refusalWord is what a refusal is kept as: Stripe's code, or the parameter that it
// is about.
func refusalWord(r *RefusedError) string {
	if r.Code != "" {
		return r.Code
	}
	return r.Param
}

// refusedRefund puts Stripe's no into words, beside the amount that it is about.
func refusedRefund(word string) error {
	switch word {
	case "charge_already_refunded":
		return apperr.Invalid(amountField("ALREADY_REFUNDED", "All of this gift was given back already."))
	case "charge_disputed":
		return apperr.Invalid(amountField("DISPUTED", "The donor's bank disputes this gift. It cannot be given back until that is decided."))
	case "amount", "amount_too_large":
		return apperr.Invalid(amountField("AMOUNT_LEFT", "This is more than is left of the gift at Stripe."))
	case "insufficient_funds", "balance_insufficient":
		return apperr.Invalid(amountField("BALANCE_LOW", "There is not enough money in the Stripe account to give this back now."))
	}
	return apperr.Invalid(amountField("REFUSED", "Stripe does not give this back. Look at the payment in Stripe's Dashboard."))
}

// RefundLimits are how much of a gift one person may give back alone, in minor units
// by currency.
type RefundLimits map[string]int64

// of falls back on 500 units, and on 50,000 where a currency has no smaller ones.
func (l RefundLimits) of(c money.Currency) int64 {
	if limit, set := l[c.Code()]; set {
		return limit
	}
	if c.Exponent() == 0 {
		return 50_000
	}
	limit := int64(500)
	for range c.Exponent() {
		limit *= 10
	}
	return limit
}
