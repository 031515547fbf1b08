package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"

	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
)

// A database that was restored to an earlier time has forgotten gifts that were paid.
// Their money is at Stripe, and so is what they were: each payment carries a record,
// signed by this installation, and of a monthly plan its subscription does. Of gifts that were made before there were records,
// an operator's recovery keeps the events (salvaged_event). From either the gift's row
// is made again, and then its payment is applied like any other.

// Memory compares what the database knows with what it has told others.
type Memory interface {
	// Forked means that others were told what the database does not know.
	Forked() bool
	// Compared is false from the start until that has been looked at.
	Compared() bool
}

// doubtLife is how long nothing is decided about money of an unknown gift because the
// broker cannot be asked whether the database has forgotten it.
const doubtLife = 10 * time.Minute

// errDoubted says that a transaction is left where it is. What is booked as foreign
// stays so: the gift could not be put back any more.
var errDoubted = errors.New("it carries our mark and no gift is known for it, while the feed is forked or was not looked at yet")

// longestRecord is what one value of Stripe's metadata holds.
const longestRecord = 500

// record is what a gift was made from, as its payment carries it: no personal data,
// and short names, for there is little room.
type record struct {
	Intent         string `json:"i,omitempty"`
	Plan           string `json:"pl,omitempty"`
	Minor          int64  `json:"g"`
	Cover          int64  `json:"c,omitempty"`
	CoverFees      bool   `json:"cf,omitempty"`
	Currency       string `json:"cur"`
	Appeal         string `json:"a,omitempty"`
	Fund           string `json:"f,omitempty"`
	FundClass      string `json:"fc"`
	Fundraiser     string `json:"p,omitempty"`
	Team           string `json:"t,omitempty"`
	ShareCode      string `json:"s,omitempty"`
	Traceparent    string `json:"tr,omitempty"`
	AppealSlug     string `json:"as,omitempty"`
	FundraiserSlug string `json:"ps,omitempty"`
}

// upToDoubted is the page up to the first transaction of a gift that may only have
// been forgotten: an operator's recovery may bring it back.
func (a *App) upToDoubted(page []Transaction, gifts map[string]PaidGift, waits waiting) ([]Transaction, error) {
	unsure := a.Memory != nil && !a.Memory.Compared() && a.Now().Sub(a.began) < doubtLife
	if !unsure && (a.Memory == nil || !a.Memory.Forked()) {
		return page, nil
	}
	for i, t := range page {
		_, known := waits[t.PaymentIntentID]
		if t.Ours && !known && gifts[t.PaymentIntentID].ID == "" {
			return page[:i], fmt.Errorf("transaction %s waits: %w", t.ID, errDoubted)
		}
	}
	return page, nil
}

// recordOf is what a gift's payment is to carry, and the proof that it is ours:
// metadata can be edited, and another installation may use the same account. Both
// are empty when it would not fit.
func (a *App) recordOf(d domain.Donation) (text, proof string) {
	r := record{
		Intent: d.IntentID, Plan: d.PlanID, Minor: d.Gift.Minor, Cover: d.Cover.Minor, CoverFees: d.CoverFees, Currency: d.Gift.Currency.Code(),
		Appeal: d.Attribution.AppealID, Fund: d.Attribution.FundCode, FundClass: string(d.Attribution.FundClass),
		Fundraiser: d.Attribution.FundraiserID, Team: d.Attribution.TeamID, ShareCode: d.Attribution.ShareCode,
		Traceparent: d.Traceparent, AppealSlug: d.AppealSlug, FundraiserSlug: d.FundraiserSlug,
	}
	raw, err := json.Marshal(r)
	// The way back to the page is the least of it, and then the donor's click.
	for _, spare := range []func(){func() { r.AppealSlug, r.FundraiserSlug = "", "" }, func() { r.Traceparent = "" }} {
		if err == nil && len(raw) > longestRecord {
			spare()
			raw, err = json.Marshal(r)
		}
	}
	if err != nil || len(raw) > longestRecord {
		return "", ""
	}
	return string(raw), a.Seal.Sign(d.ID, d.Attribution.OrganizationID, string(raw))
}

// recall stores the gift of a payment again if it is one of ours that was forgotten,
// and answers whether it did. Whether the payment fits it, is for ingest to find.
func (a *App) recall(ctx context.Context, account string, found Found) (bool, error) {
	if aboutPlans(found) {
		return a.recallPlan(ctx, account, found)
	}
	payment := found.Snapshot.Payment
	named := uuid.Validate(found.DonationID) == nil
	if !found.Ours || payment == nil || !named || (payment.Status != domain.PaymentSucceeded && payment.Status != domain.PaymentProcessing) {
		return false, nil
	}
	known := false
	var salvaged *donationv1.DonationSucceeded
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.Donation(ctx, found.DonationID)
		known = err == nil
		if !errors.Is(err, ErrNone) {
			return err
		}
		salvaged, err = salvagedGift(ctx, tx, found.DonationID)
		return err
	})
	if err != nil || known {
		return false, err
	}
	kept, err := a.Stripe.Keepsake(ctx, payment.ID)
	if err != nil && !errors.Is(err, ErrStripeUnknown) {
		return false, fmt.Errorf("ask what stripe has of a forgotten gift: %w", err)
	}
	d, err := a.fromRecord(found.DonationID, kept)
	if err != nil && salvaged != nil {
		d, err = a.fromEvent(salvaged, payment.ID)
	}
	if err != nil {
		a.Logger.WarnContext(ctx, "a payment carries our mark, and its gift cannot be told", "payment", payment.ID, "cause", err)
		return false, nil
	}
	d.ProductName, d.SessionID, d.CreatedAt = kept.ProductName, kept.SessionID, kept.CreatedAt
	if d.CreatedAt == 0 {
		d.CreatedAt = payment.PaidAt
	}
	return a.putBack(ctx, account, d, domain.RecalledDonor(kept.Name, kept.Email), nil)
}

// salvagedGift is nil when there is none.
func salvagedGift(ctx context.Context, tx Tx, donationID string) (*donationv1.DonationSucceeded, error) {
	message := &donationv1.DonationSucceeded{}
	event, err := tx.SalvagedEvent(ctx, string(message.ProtoReflect().Descriptor().FullName()), donationID)
	if errors.Is(err, ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = proto.Unmarshal(event.Payload, message)
	if err != nil {
		return nil, fmt.Errorf("read salvaged event %s: %w", event.ID, err)
	}
	return message, nil
}

// fromRecord reads what a payment carries, if this installation wrote it.
func (a *App) fromRecord(donationID string, kept Keepsake) (domain.Donation, error) {
	if kept.Record == "" || !a.Seal.Signed(kept.Proof, donationID, kept.Organization, kept.Record) {
		return domain.Donation{}, errors.New("it carries no record of this installation")
	}
	var r record
	err := json.Unmarshal([]byte(kept.Record), &r)
	if err != nil {
		return domain.Donation{}, fmt.Errorf("read its record: %w", err)
	}
	currency, err := money.ParseCurrency(r.Currency)
	if err != nil {
		return domain.Donation{}, fmt.Errorf("read its record: %w", err)
	}
	return a.recalled(domain.Donation{
		ID: donationID, IntentID: r.Intent, PlanID: r.Plan,
		Gift: money.Amount{Minor: r.Minor, Currency: currency}, Cover: money.Amount{Minor: r.Cover, Currency: currency}, CoverFees: r.CoverFees,
		Attribution: domain.Attribution{
			OrganizationID: kept.Organization, AppealID: r.Appeal, FundCode: r.Fund, FundClass: domain.FundClass(r.FundClass),
			FundraiserID: r.Fundraiser, TeamID: r.Team, ShareCode: r.ShareCode,
		},
		AppealSlug: r.AppealSlug, FundraiserSlug: r.FundraiserSlug, Traceparent: r.Traceparent,
	}), nil
}

// fromEvent reads what had been told of a gift, if it was paid by that payment.
func (a *App) fromEvent(event *donationv1.DonationSucceeded, paymentID string) (domain.Donation, error) {
	if event.GetPaymentIntentId() != paymentID {
		return domain.Donation{}, errors.New("another payment was told of it")
	}
	currency, err := money.ParseCurrency(event.GetGift().GetCurrency())
	if err != nil {
		return domain.Donation{}, fmt.Errorf("read what was told of it: %w", err)
	}
	attribution, err := attributionOf(event.GetAttribution())
	if err != nil {
		return domain.Donation{}, err
	}
	cover := event.GetCover().GetMinor()
	return a.recalled(domain.Donation{
		ID:   event.GetDonationId(),
		Gift: money.Amount{Minor: event.GetGift().GetMinor(), Currency: currency}, Cover: money.Amount{Minor: cover, Currency: currency},
		CoverFees: cover > 0, Attribution: attribution,
	}), nil
}

// recalled completes a gift by what is the same for all that are put back. Nobody
// knows what its donor let the public see, so it is nothing.
func (a *App) recalled(d domain.Donation) domain.Donation {
	if d.IntentID == "" {
		d.IntentID = d.ID
	}
	d.InputHash = "put back: " + d.ID
	d.Visibility, d.Livemode, d.State = domain.Anonymous, a.cfg.Livemode, domain.Created
	return d
}

// putBack stores the gift with its session, which is over, and the plan that it began,
// if it did.
func (a *App) putBack(ctx context.Context, account string, d domain.Donation, donor domain.Donor, begun *domain.Plan) (stored bool, err error) {
	if d.SessionID != "" {
		d.Attempt = 1
	}
	d.AccountID = account
	err = a.decide(ctx, account, func(ctx context.Context, tx Tx) error {
		stored = false
		before, err := tx.LockDonations(ctx, []string{d.ID})
		if err != nil || len(before) > 0 {
			return err // another process was faster
		}
		_, err = tx.LockIntent(ctx, d.IntentID)
		if err != nil {
			return err
		}
		stored, err = tx.InsertDonation(ctx, d, donor)
		if err == nil && stored && begun != nil {
			err = tx.InsertPlan(ctx, *begun)
		}
		if err != nil || !stored || d.SessionID == "" {
			return err
		}
		return tx.InsertAttempt(ctx, Attempt{
			DonationID: d.ID, Number: d.Attempt, IntentID: d.IntentID, State: AttemptClosed, SessionID: d.SessionID,
			BaseURL: a.cfg.BaseURL, StartedAt: d.CreatedAt, ExpiresAt: d.CreatedAt,
		})
	})
	if err != nil {
		return false, fmt.Errorf("put donation %s back: %w", d.ID, err)
	}
	if stored {
		a.Logger.WarnContext(ctx, "a forgotten gift is put back", "donation", d.ID)
	}
	return stored, nil
}

// retryKnown tries again what was parked as being of an unknown gift or plan that is
// known now: putting it back and trying that again are two steps, and a process may
// die, or Stripe be away, between them.
func (a *App) retryKnown(ctx context.Context) error {
	var failed error
	for after := int64(0); ; {
		var page []StripeEvent
		err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
			var err error
			page, err = tx.ParkedThoughKnown(ctx, after, parkedPage)
			return err
		})
		if err != nil {
			return errors.Join(failed, fmt.Errorf("look for what is parked of what is known: %w", err))
		}
		if len(page) == 0 || ctx.Err() != nil {
			return failed
		}
		_, err = a.retry(ctx, page)
		failed = errors.Join(failed, err)
		after = page[len(page)-1].Seq
	}
}

// retryParkedOf tries again what was parked about objects before their gift was
// known again. What is parked for another reason waits for staff.
func (a *App) retryParkedOf(ctx context.Context, objects ...string) error {
	var parked []StripeEvent
	err := a.Store.InReadTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		parked, err = tx.ParkedOf(ctx, objects)
		return err
	})
	if err != nil {
		return fmt.Errorf("look for what is parked: %w", err)
	}
	parked = slices.DeleteFunc(parked, func(e StripeEvent) bool {
		return e.Reason != domain.UnknownDonation && e.Reason != domain.UnknownPlan
	})
	if len(parked) == 0 {
		return nil
	}
	_, err = a.retry(ctx, parked)
	return err
}
