package donation_test

import (
	"context"
	"sync"
	"testing"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/donation"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
)

// The service dies between the form and the payment, and again between the
// payment and the webhook. Nothing is missing and nothing is there twice.
func TestKilledBetweenTheSteps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := form()
	started := w.checkout(r)
	w.kill()

	w.start()
	if again := w.checkout(r); again.GetSessionId() != started.GetSessionId() {
		t.Errorf("after a restart the form leads to %v", again)
	}
	w.kill()
	w.pay(started.GetSessionId(), visa) // the webhooks meet a 503 and come again

	w.start()
	w.clock.Advance(time.Minute)
	w.settled(started.GetDonationId())
	w.kill()

	w.start()
	sums := w.quiet()
	if len(sums.GetSums()) != 1 || sums.GetSums()[0].GetGifts() != 1 || sums.GetGiftsWithoutFee() != 0 {
		t.Errorf("sums %v", sums)
	}
	if got := w.kinds(); got["DonationSucceeded"] != 1 || got["BalanceTransactionRecorded"] != 1 {
		t.Errorf("events %v", got)
	}
}

// The service dies while Stripe is making the session: the request was carried
// out, and its answer is lost. The same form must not make a second one.
func TestKilledWhileStripeMakesTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"timeout_after_commit": {"count": 1, "only": "POST /v1/checkout"}}`)
	r := form()
	gone := make(chan error, 1)
	go func() {
		_, err := w.web.StartCheckout(t.Context(), r)
		gone <- err
	}()
	w.eventually("Stripe has made a session", func() bool { return len(w.openSessions()) == 1 })
	w.stripe.cut(true)
	_ = w.service.db.Close() // nothing can be tidied up any more
	w.kill()
	w.stripe.cut(false)
	if err := <-gone; err == nil {
		t.Fatal("the killed service answered")
	}

	w.start()
	w.clock.Advance(time.Minute) // the claim of the dead process is over
	started := w.checkout(r)
	if open := w.openSessions(); len(open) != 1 || open[0] != started.GetSessionId() {
		t.Errorf("open at Stripe: %v, the form leads to %s", open, started.GetSessionId())
	}
}

// While a site is brought up to date, a process of the version before the list of
// what is due stores a payment's webhook beside us and is stopped.
func TestAnEarlierVersionLeavesAWebhookBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	started := w.checkout(form())
	w.pay(started.GetSessionId(), visa)
	w.settled(started.GetDonationId())
	w.quiet()
	err := w.service.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE stripe_event SET state = 'pending' WHERE type = 'payment_intent.succeeded'`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w.eventually("it is worked on", func() bool {
		return w.rows(`SELECT COUNT(*) FROM stripe_event WHERE state = 'pending'`)+w.rows(`SELECT COUNT(*) FROM stripe_due`) == 0
	})
	if got := w.kinds(); got["DonationSucceeded"] != 1 {
		t.Errorf("events %v", got)
	}
}

// A second process takes the same form while the first one is at Stripe.
func TestTwoProcessesAndOneForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.web
	firstLife := w.service
	w.start() // beside the first, on the same database
	t.Cleanup(firstLife.stop)
	w.knobs(`{"latency": {"ms": 300, "only": "POST /v1/checkout"}}`)

	r := form()
	answers := make([]*donationv1.StartCheckoutResponse, 6)
	var posts sync.WaitGroup
	for i := range answers {
		client := []donationv1.DonationServiceClient{first, w.web}[i%2]
		posts.Go(func() { answers[i], _ = client.StartCheckout(t.Context(), r) })
	}
	posts.Wait()
	for i, a := range answers {
		if a == nil || a.GetSessionId() != answers[0].GetSessionId() {
			t.Fatalf("post %d was answered %v, the first one %v", i, a, answers[0])
		}
	}
	if calls := w.stripe.count("POST /v1/checkout/sessions"); calls != 1 {
		t.Errorf("Stripe was asked for %d sessions", calls)
	}
	w.pay(answers[0].GetSessionId(), visa)
	w.settled(answers[0].GetDonationId())
	if sums := w.quiet(); sums.GetSums()[0].GetGifts() != 1 {
		t.Errorf("sums %v", sums)
	}
	if got := w.kinds()["DonationSucceeded"]; got != 1 {
		t.Errorf("%d successes", got)
	}
}

// Nobody pays and no webhook comes: the gift does not stay open for ever.
func TestResolverEndsWhatNobodyPaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"drop": 1.0}`)
	unpaid := w.checkout(form())
	w.stripe.cut(true)
	_, err := w.web.StartCheckout(t.Context(), form())
	if apperr.CodeOf(err) != apperr.Unavailable {
		t.Fatal(err)
	}
	w.stripe.cut(false)
	w.kill()
	w.clock.Advance(3 * time.Hour)
	w.start() // looks at once
	w.eventually("the unpaid gift has expired", func() bool {
		return w.donation(unpaid.GetDonationId()).GetState() == donationv1.State_STATE_EXPIRED
	})
	w.eventually("the gift without a session has, too", func() bool {
		return w.rows(`SELECT COUNT(*) FROM donation WHERE state = 'expired'`) == 2
	})
}

// Everything goes wrong a little: webhooks are doubled, dropped, delayed in
// order, refused, and Stripe's API fails now and then. The books end right.
func TestManyGiftsInBadWeather(t *testing.T) {
	t.Parallel()
	badWeather(t, newWorld(t))
}

// The same on PostgreSQL, with two processes that share the work.
func TestManyGiftsInBadWeatherOnPostgreSQL(t *testing.T) {
	t.Parallel()
	w := newWorldOn(t, testkit.PostgreSQLRoles(t, "donation", donation.Migrations()...).App)
	first := w.service
	w.start()
	t.Cleanup(first.stop)
	badWeather(t, w)
}

func badWeather(t *testing.T, w *world) {
	t.Helper()
	w.knobs(`{"duplicate": 0.5, "twin": 0.2, "drop": 0.3, "corrupt_signature": 0.1, "order": {"mode": "shuffle", "window": 8},
		"503": 0.1, "500_after_commit": 0.05}`)
	const gifts = 24
	ids := make([]string, gifts)
	var donors sync.WaitGroup
	for i := range gifts {
		donors.Go(func() {
			r := form()
			for ids[i] == "" {
				started, err := w.web.StartCheckout(t.Context(), r)
				switch {
				case err == nil:
					w.pay(started.GetSessionId(), visa)
					ids[i] = started.GetDonationId()
				case apperr.CodeOf(err) != apperr.Unavailable:
					t.Errorf("donor %d: %v", i, err)
					return
				}
			}
		})
	}
	donors.Wait()
	w.knobs(`{"reset": true}`)
	w.eventually("everything is found", func() bool {
		w.clock.Advance(time.Second)
		_, err := w.web.GetStripeBalance(t.Context(), &donationv1.GetStripeBalanceRequest{})
		sums := w.sums()
		return err == nil && len(sums.GetSums()) == 1 && sums.GetSums()[0].GetGifts() == gifts && sums.GetGiftsWithoutFee() == 0
	})
	sums := w.quiet()
	if sums.GetSums()[0].GetGiftMinor() != gifts*100_00 || sums.GetStripeEventsParked() != 0 {
		t.Errorf("sums %v, parked %v", sums, w.parked())
	}
	if got := w.kinds(); got["DonationSucceeded"] != gifts || got["BalanceTransactionRecorded"] != gifts {
		t.Errorf("events %v", got)
	}
}
