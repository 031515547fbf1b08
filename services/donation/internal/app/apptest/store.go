// Package apptest is the definition of an app.Store: what every store must do,
// on every engine, written as tests.
package apptest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"

	"github.com/almoner/almoner/services/donation/internal/app"
	"github.com/almoner/almoner/services/donation/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
)

// Conform runs the suite. open returns an empty store each time.
func Conform(t *testing.T, open func(t *testing.T) app.Store) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, app.Store){
		"a donation comes back as it was stored":       donationRoundTrip,
		"one row an intent and input":                  oneRowPerInput,
		"every field that may change is updated":       updateDonations,
		"what does not exist is said to be none":       none,
		"an intent's lock lets one decide at a time":   intentLock,
		"two transactions lock the same gifts":         lockOrder,
		"a gift is found by every id that it has":      byReference,
		"attempts and their sessions":                  attempts,
		"open gifts come due":                          due,
		"stripe is asked once in a while":              claimAsk,
		"webhooks are stored once":                     storeEvents,
		"webhooks are finished, postponed and parked":  finishEvents,
		"what is due changes, and its row does not":    dueEvents,
		"webhooks are marked as they are stored":       finishAtOnce,
		"what is parked is read page by page":          parkedPages,
		"what is parked is found by object":            parkedOf,
		"what was parked is known now":                 parkedThoughKnown,
		"an account's lock lets one decide at a time":  accountLock,
		"foreign money is found by payment or charge":  foreignSources,
		"old bodies are forgotten":                     forgetBodies,
		"transactions are stored once, and anchor":     transactions,
		"what is held against risk, by currency":       heldForRisk,
		"sums are per organization and currency":       sums,
		"only paid gifts are shown":                    publicGifts,
		"what is not finished is told":                 standing,
		"events go with the transaction":               events,
		"the account last confirmed is the one":        account,
		"a failed transaction leaves nothing":          rollback,
		"refunds are kept as they were asked for":      refunds,
		"one of Stripe's refunds is one row":           oneRowPerRefund,
		"refunds are read page by page":                refundPages,
		"disputes are kept and become due":             disputes,
		"disputes are read page by page":               disputePages,
		"what is not finished of returns is told":      returnStanding,
		"payouts are kept and become due":              payouts,
		"payouts are read page by page":                payoutPages,
		"what is in a payout is read page by page":     inPayout,
		"what staff should know of payouts is told":    payoutStanding,
		"sums are less what went back":                 sumsLessReturned,
		"how far a list was read is kept":              seenUntil,
		"a plan comes back as it was stored":           planRoundTrip,
		"plans are found by donor, day and reference":  planLookups,
		"instalments are counted and found":            planInstalments,
		"what was asked of a plan is kept once":        planChanges,
		"letters about plans are due, put off, parked": planMails,
		"what is not finished of plans is told":        planStanding,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

const start = 1_793_000_000_000_000

func write(t *testing.T, s app.Store, fn func(ctx context.Context, tx app.Tx) error) {
	t.Helper()
	err := s.InTx(t.Context(), fn)
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, s app.Store, fn func(ctx context.Context, tx app.Tx) error) {
	t.Helper()
	err := s.InReadTx(t.Context(), fn)
	if err != nil {
		t.Fatal(err)
	}
}

func currency(code string) money.Currency { return money.MustCurrency(code) }

func gift() domain.Donation {
	eur := currency("EUR")
	return domain.Donation{
		ID: uuid.NewString(), IntentID: uuid.NewString(), InputHash: "9f86d081",
		Gift: money.Amount{Minor: 100_00, Currency: eur}, Cover: money.Amount{Minor: 3_30, Currency: eur}, CoverFees: true,
		Attribution: domain.Attribution{
			OrganizationID: "org-harbour", AppealID: "appeal-winter", FundCode: "SYRIA", FundClass: domain.Restricted,
			FundraiserID: "page-amina", TeamID: "team-runners", ShareCode: "wa7",
		},
		AppealSlug: "winter-shelter", FundraiserSlug: "amina-runs", ProductName: "A warm room – Harbour Relief",
		Visibility: domain.FirstName, Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		CreatedAt: start, State: domain.Created, CheckAt: start + 1,
	}
}

func amina() domain.Donor {
	return domain.Donor{Name: "أمينة يوسف", Email: "amina@example.org", Message: "For a warm room. 🕊️\nGet well.", Language: "ar"}
}

func insert(t *testing.T, s app.Store, gifts ...domain.Donation) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		for _, d := range gifts {
			_, err := tx.LockIntent(ctx, d.IntentID)
			if err != nil {
				return err
			}
			inserted, err := tx.InsertDonation(ctx, d, amina())
			if err != nil || !inserted {
				return fmt.Errorf("insert %s: %v, %w", d.ID, inserted, err)
			}
		}
		return nil
	})
}

func paidGift(organization, code string, minor int64) domain.Donation {
	d := gift()
	d.Attribution.OrganizationID = organization
	d.Gift, d.Cover = money.Amount{Minor: minor, Currency: currency(code)}, money.Amount{Minor: 30, Currency: currency(code)}
	d.State, d.AccountID, d.PaymentIntentID, d.PaidAt, d.CheckAt = domain.Succeeded, "acct_1", "pi_"+d.ID, start+5, 0
	return d
}

func donationRoundTrip(t *testing.T, s app.Store) {
	d := gift()
	insert(t, s, d)
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		got, err := tx.Donation(ctx, d.ID)
		if err != nil || got != d {
			t.Errorf("got %+v, %v\nwant %+v", got, err, d)
		}
		donor, err := tx.Donor(ctx, d.ID)
		if err != nil || donor != amina() {
			t.Errorf("got %+v, %v", donor, err)
		}
		donors, err := tx.Donors(ctx, []string{uuid.NewString(), d.ID})
		if err != nil || len(donors) != 1 || donors[d.ID] != amina() {
			t.Errorf("donors %+v, %v, want the one that is known", donors, err)
		}
		return nil
	})
}

func oneRowPerInput(t *testing.T, s app.Store) {
	first := gift()
	insert(t, s, first)
	same, other := gift(), gift()
	same.IntentID, other.IntentID, other.InputHash = first.IntentID, first.IntentID, "other"
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		inserted, err := tx.InsertDonation(ctx, same, amina())
		if err != nil || inserted {
			t.Errorf("the same input was stored again: %v, %v", inserted, err)
		}
		inserted, err = tx.InsertDonation(ctx, other, amina())
		if err != nil || !inserted {
			t.Errorf("another input was not stored: %v, %v", inserted, err)
		}
		gifts, err := tx.DonationsOfIntent(ctx, first.IntentID)
		if err != nil || len(gifts) != 2 || gifts[0].ID >= gifts[1].ID {
			t.Errorf("the intent has %d gifts, %v", len(gifts), err)
		}
		return nil
	})
}

func updateDonations(t *testing.T, s app.Store) {
	a, b, untouched := gift(), gift(), gift()
	insert(t, s, a, b, untouched)
	a.State, a.AccountID, a.Attempt, a.SessionID = domain.Succeeded, "acct_1", 3, "cs_test_3"
	a.PaymentIntentID, a.ChargeID, a.PaidAt, a.SucceededAt, a.Late = "pi_1", "ch_1", start+5, start+6, true
	a.DeclineCode, a.DeclinedAt, a.WebhookReceivedAt, a.CheckAt = "lost_card", start+4, start+7, 0
	a.Version, a.ReturnedMinor, a.Dispute = 4, 40_00, domain.Disputed
	b.State = domain.Abandoned
	write(t, s, func(ctx context.Context, tx app.Tx) error { return tx.UpdateDonations(ctx, []domain.Donation{a, b}) })
	fee := app.Fee{DonationID: a.ID, TransactionID: "txn_1", Amount: money.Amount{Minor: 3_25, Currency: currency("USD")}, PaymentMethod: "card"}
	a.BalanceTransactionID, a.Fee, a.PaymentMethod = fee.TransactionID, fee.Amount, fee.PaymentMethod
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		// A gift that was read before its fee was known is written again.
		return errors.Join(tx.SaveFees(ctx, nil), tx.SaveFees(ctx, []app.Fee{fee}), tx.UpdateDonations(ctx, []domain.Donation{b}))
	})
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		for _, want := range []domain.Donation{a, b, untouched} {
			got, err := tx.Donation(ctx, want.ID)
			if err != nil || got != want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, want)
			}
		}
		list, err := tx.DonationsOfPayments(ctx, []string{"pi_1", "pi_2", ""})
		paid := app.PaidGift{ID: a.ID, PaymentIntentID: "pi_1", ChargeID: "ch_1", Traceparent: a.Traceparent, Attribution: a.Attribution}
		if err != nil || len(list) != 1 || list[0] != paid {
			t.Errorf("by payment: %v, %v", list, err)
		}
		return nil
	})
}

func none(t *testing.T, s app.Store) {
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		id := uuid.NewString()
		_, donation := tx.Donation(ctx, id)
		_, donor := tx.Donor(ctx, id)
		_, attempt := tx.Attempt(ctx, id, 1)
		_, session := tx.DonationOfSession(ctx, "cs_test_none")
		_, empty := tx.DonationOfSession(ctx, "")
		for what, err := range map[string]error{
			"donation": donation, "donor": donor, "attempt": attempt, "session": session, "empty session": empty,
		} {
			if !errors.Is(err, app.ErrNone) {
				t.Errorf("%s: %v", what, err)
			}
		}
		return nil
	})
}

// intentLock has ten requests count up one row; without the lock they would
// read the same number.
func byReference(t *testing.T, s app.Store) {
	paid, other := paidGift("org-harbour", "EUR", 50_00), paidGift("org-harbour", "EUR", 60_00)
	paid.ChargeID, other.ChargeID = "ch_paid", "ch_other"
	other.CreatedAt++
	insert(t, s, paid, other)
	fee := transaction("txn_paid", start)
	fee.PaymentIntentID, fee.SourceID, fee.DonationID, fee.Foreign = paid.PaymentIntentID, paid.ChargeID, paid.ID, false
	// The donor of the first gift has paid twice; the second payment is no gift.
	again := transaction("txn_again", start)
	again.PaymentIntentID, again.SourceID, again.DonationID, again.Foreign = "pi_again", "ch_again", paid.ID, true
	// So has that of the second, by a debit, whose money is under way.
	debit := transaction("txn_debit", start)
	debit.Type, debit.PaymentIntentID, debit.SourceID, debit.DonationID, debit.Foreign = "payment", "pi_debit", "py_debit", other.ID, false
	returned := transaction("txn_debit_back", start)
	returned.Type, returned.PaymentIntentID, returned.SourceID, returned.DonationID, returned.Foreign = "payment_refund", "pi_debit", "pyr_debit", other.ID, false
	disputed := transaction("txn_debit_disputed", start)
	disputed.Type, disputed.PaymentIntentID, disputed.SourceID, disputed.DonationID, disputed.Foreign = "adjustment", "pi_debit", "dp_debit", other.ID, false
	stranger := transaction("txn_stranger", start)
	stranger.PaymentIntentID, stranger.SourceID, stranger.DonationID, stranger.Foreign = "pi_stranger", "ch_stranger", "", true
	// One id that leads to two gifts, though Stripe would not give it twice.
	shared := transaction(paid.ID, start)
	shared.PaymentIntentID, shared.SourceID, shared.DonationID, shared.Foreign = "", "", other.ID, false
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		err := tx.InsertAttempt(ctx, app.Attempt{DonationID: paid.ID, Number: 1, IntentID: paid.IntentID, State: app.AttemptOpen, SessionID: "cs_paid", StartedAt: start})
		if err != nil {
			return err
		}
		_, err = tx.InsertTransactions(ctx, []app.Transaction{fee, again, debit, returned, disputed, stranger, shared})
		return err
	})
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		for reference, want := range map[string][]string{
			paid.ID:              {other.ID, paid.ID}, // the newest first
			other.ID:             {other.ID},
			"cs_paid":            {paid.ID},
			paid.PaymentIntentID: {paid.ID},
			"ch_paid":            {paid.ID},
			"txn_paid":           {paid.ID},
			"pi_again":           {paid.ID},
			"ch_again":           {paid.ID},
			"txn_again":          {paid.ID},
			"pi_debit":           {other.ID},
			"py_debit":           {other.ID},
			"pyr_debit":          {other.ID},
			"dp_debit":           {other.ID},
			"ch_other":           {other.ID},
			"ch_stranger":        nil,
			"CH_PAID":            nil,
			"ch_pai":             nil,
			"ch_%":               nil,
			"":                   nil,
		} {
			found, err := tx.DonationsByReference(ctx, reference, 20)
			if err != nil {
				return err
			}
			var ids []string
			for _, d := range found {
				ids = append(ids, d.ID)
			}
			if !slices.Equal(ids, want) {
				t.Errorf("%q leads to %v, want %v", reference, ids, want)
			}
		}
		found, err := tx.DonationsByReference(ctx, paid.ID, 1)
		if err != nil || len(found) != 1 || found[0] != other {
			t.Errorf("one of two is %+v (%v), want the newest", found, err)
		}
		return nil
	})
}

func intentLock(t *testing.T, s app.Store) {
	id := uuid.NewString()
	failed := make(chan error, 10)
	for range 10 {
		go func() {
			failed <- s.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
				intent, err := tx.LockIntent(ctx, id)
				if err != nil {
					return err
				}
				intent.Claim, intent.ClaimedUntil = intent.Claim+"x", intent.ClaimedUntil+1
				return tx.SaveIntent(ctx, intent)
			})
		}()
	}
	for range 10 {
		err := <-failed
		if err != nil {
			t.Fatal(err)
		}
	}
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		intent, err := tx.LockIntent(ctx, id)
		if err != nil || intent.ClaimedUntil != 10 || intent.Claim != "xxxxxxxxxx" {
			t.Errorf("after ten: %+v, %v", intent, err)
		}
		return nil
	})
}

func lockOrder(t *testing.T, s app.Store) {
	a, b := gift(), gift()
	insert(t, s, a, b)
	failed := make(chan error, 20)
	for i := range 20 {
		ids := []string{a.ID, b.ID}
		if i%2 == 1 {
			slices.Reverse(ids)
		}
		go func() {
			failed <- s.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
				locked, err := tx.LockDonations(ctx, append(ids, uuid.NewString()))
				if err != nil || len(locked) != 2 {
					return fmt.Errorf("locked %d: %w", len(locked), err)
				}
				for j := range locked {
					locked[j].DeclinedAt++
				}
				return tx.UpdateDonations(ctx, locked)
			})
		}()
	}
	for range 20 {
		err := <-failed
		if err != nil {
			t.Fatal(err)
		}
	}
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		got, err := tx.Donation(ctx, b.ID)
		if err != nil || got.DeclinedAt != 20 {
			t.Errorf("after 20: %d, %v", got.DeclinedAt, err)
		}
		return nil
	})
}

func attempts(t *testing.T, s app.Store) {
	d := gift()
	insert(t, s, d)
	a := app.Attempt{
		DonationID: d.ID, Number: 1, IntentID: d.IntentID, State: app.AttemptAsked, BaseURL: "https://give.example.org",
		StartedAt: start, ExpiresAt: start + time.Hour.Microseconds(), Methods: []string{"card", "sepa_debit"},
	}
	b := a
	b.Number = 2
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		return errors.Join(tx.InsertAttempt(ctx, a), tx.InsertAttempt(ctx, b))
	})
	a.State, a.SessionID, a.URL = app.AttemptOpen, "cs_test_1", "https://checkout.example/cs_test_1"
	write(t, s, func(ctx context.Context, tx app.Tx) error { return tx.UpdateAttempt(ctx, a) })
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		got, err := tx.Attempt(ctx, d.ID, 1)
		if err != nil || !reflect.DeepEqual(got, a) {
			t.Errorf("got %+v, %v", got, err)
		}
		owner, err := tx.DonationOfSession(ctx, "cs_test_1")
		if err != nil || owner.ID != d.ID {
			t.Errorf("owner %s, %v", owner.ID, err)
		}
		now, err := tx.OpenSessions(ctx, d.IntentID, start)
		later, laterErr := tx.OpenSessions(ctx, d.IntentID, a.ExpiresAt)
		if now != 1 || later != 0 || err != nil || laterErr != nil {
			t.Errorf("open now %d, later %d, %v, %v", now, later, err, laterErr)
		}
		return nil
	})
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		return errors.Join(tx.CloseSessions(ctx, nil), tx.CloseSessions(ctx, []string{"cs_test_none", "cs_test_1", ""}))
	})
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		closed, err := tx.Attempt(ctx, d.ID, 1)
		asked, askedErr := tx.Attempt(ctx, d.ID, 2)
		if closed.State != app.AttemptClosed || asked.State != app.AttemptAsked || err != nil || askedErr != nil {
			t.Errorf("closed %+v, asked %+v", closed, asked)
		}
		return nil
	})
}

func due(t *testing.T, s app.Store) {
	late, early, over, future := gift(), gift(), gift(), gift()
	late.CheckAt, early.CheckAt, over.CheckAt, future.CheckAt = start+20, start+10, start+5, start+99
	over.State = domain.Expired
	insert(t, s, late, early, over, future)
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		list, err := tx.DueDonations(ctx, start+20, 10)
		if err != nil || len(list) != 2 || list[0].ID != early.ID || list[1].ID != late.ID {
			t.Errorf("due: %v, %v", list, err)
		}
		list, err = tx.DueDonations(ctx, start+20, 1)
		if err != nil || len(list) != 1 {
			t.Errorf("one due: %v, %v", list, err)
		}
		return nil
	})
}

func claimAsk(t *testing.T, s app.Store) {
	d := gift()
	insert(t, s, d)
	for i, c := range []struct {
		now  int64
		want bool
	}{{start, true}, {start + 4, false}, {start + 5, true}, {start + 6, false}} {
		write(t, s, func(ctx context.Context, tx app.Tx) error {
			may, err := tx.ClaimAsk(ctx, d.ID, c.now, c.now-5)
			if err != nil || may != c.want {
				t.Errorf("question %d: %v, %v", i, may, err)
			}
			return nil
		})
	}
}

func publicGifts(t *testing.T, s app.Store) {
	paid, open := paidGift("org", "EUR", 5_00), gift()
	insert(t, s, paid, open)
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		rows, err := tx.PublicGifts(ctx, []string{open.ID, paid.ID, uuid.NewString()})
		want := app.PublicRow{DonationID: paid.ID, Visibility: domain.FirstName, Donor: domain.Donor{Name: amina().Name, Message: amina().Message}}
		if err != nil || len(rows) != 1 || rows[0] != want {
			t.Errorf("got %+v, %v", rows, err)
		}
		return nil
	})
}

func sums(t *testing.T, s app.Store) {
	withFee := paidGift("org-b", "EUR", 10_00)
	withFee.BalanceTransactionID = "txn_1"
	insert(t, s, withFee, paidGift("org-b", "EUR", 5_00), paidGift("org-b", "CHF", 7_00), paidGift("org-a", "JPY", 500), gift())
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		got, err := tx.GiftSums(ctx)
		sum := func(organization, currency string, minor, cover, gifts int64) app.GiftSum {
			return app.GiftSum{OrganizationID: organization, Currency: currency, GiftMinor: minor, CoverMinor: cover, Gifts: gifts}
		}
		want := []app.GiftSum{sum("org-a", "JPY", 500, 30, 1), sum("org-b", "CHF", 7_00, 30, 1), sum("org-b", "EUR", 15_00, 60, 2)}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
		without, err := tx.GiftsWithoutFee(ctx)
		if err != nil || without != 3 {
			t.Errorf("without fee: %d, %v", without, err)
		}
		return nil
	})
}

func standing(t *testing.T, s app.Store) {
	look := func() (told app.Standing) {
		read(t, s, func(ctx context.Context, tx app.Tx) (err error) {
			told, err = tx.Standing(ctx)
			return err
		})
		return told
	}
	if told := look(); told != (app.Standing{}) {
		t.Errorf("of nothing it tells %+v", told)
	}
	first, second := paidGift("org-b", "EUR", 5_00), paidGift("org-b", "CHF", 7_00)
	first.SucceededAt, second.SucceededAt = start+9, start+7
	done := paidGift("org-b", "EUR", 10_00)
	done.BalanceTransactionID, done.SucceededAt = "txn_1", start+1
	insert(t, s, first, second, done, gift())
	older, newer, parked := webhook("evt_1"), webhook("evt_2"), webhook("evt_3")
	newer.ReceivedAt, parked.ReceivedAt, parked.State = start+20, start+30, app.EventParked
	write(t, s, func(ctx context.Context, tx app.Tx) error {
		_, err := tx.StoreEvents(ctx, []app.StripeEvent{older, newer, parked})
		return err
	})
	want := app.Standing{LastWebhook: start + 30, Undone: 2, Parked: 1, OldestUndone: start, Feeless: 2, OldestFeeless: start + 7}
	if told := look(); told != want {
		t.Errorf("it tells %+v, want %+v", told, want)
	}
}

func events(t *testing.T, s app.Store) {
	event, err := envelope.New(envelope.NewID(time.UnixMicro(start)), uuid.NewString(), 1, time.UnixMicro(start), "",
		proto.Message(&donationv1.DonationSucceeded{DonationId: "d"}))
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, func(ctx context.Context, tx app.Tx) error { return tx.AppendEvents(ctx, event) })
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		_, err := tx.SalvagedEvent(ctx, event.Type, event.AggregateID)
		if !errors.Is(err, app.ErrNone) {
			t.Errorf("an event that was never forgotten is salvaged: %v", err)
		}
		head, unsequenced, err := tx.FeedStatus(ctx)
		if err != nil || head != 0 || unsequenced != 1 {
			t.Errorf("head %d, unsequenced %d, %v", head, unsequenced, err)
		}
		for _, id := range []string{event.ID, uuid.NewString()} {
			pos, err := tx.EventPosition(ctx, id)
			if err != nil || pos != 0 {
				t.Errorf("position %d, %v", pos, err)
			}
		}
		return nil
	})
}

func account(t *testing.T, s app.Store) {
	for i, step := range []struct{ save, want string }{{"", ""}, {"acct_1", "acct_1"}, {"acct_2", "acct_2"}, {"acct_1", "acct_1"}} {
		write(t, s, func(ctx context.Context, tx app.Tx) error {
			if step.save != "" {
				err := tx.SaveAccount(ctx, step.save, start+int64(i))
				if err != nil {
					return err
				}
			}
			got, err := tx.Account(ctx)
			if err != nil || got != step.want {
				t.Errorf("step %d: %q, %v", i, got, err)
			}
			return nil
		})
	}
}

func rollback(t *testing.T, s app.Store) {
	d := gift()
	stop := errors.New("stop")
	err := s.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
		_, err := tx.LockIntent(ctx, d.IntentID)
		if err != nil {
			return err
		}
		_, err = tx.InsertDonation(ctx, d, amina())
		return errors.Join(err, stop)
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	read(t, s, func(ctx context.Context, tx app.Tx) error {
		_, err := tx.Donation(ctx, d.ID)
		if !errors.Is(err, app.ErrNone) {
			t.Errorf("it is there: %v", err)
		}
		return nil
	})
}

func keysOf[K comparable](set map[K]bool) int { return len(slices.Collect(maps.Keys(set))) }
