package donation_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/donation"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
)

// Another process froze in the middle of applying a payment, and the account is
// locked until the database gives up on it. Donors come back from Stripe
// meanwhile, more of them than there are connections: those who wait for the
// lock must not keep everybody else from the database.
func TestAnotherProcessFreezesWithTheAccount(t *testing.T) {
	t.Parallel()
	url := testkit.PostgreSQLRoles(t, "donation", donation.Migrations()...).App
	w := newWorldOn(t, url)
	w.knobs(`{"drop": 1.0}`)
	const donors = 24
	started := make([]*donationv1.StartCheckoutResponse, donors)
	for i := range started {
		started[i] = w.checkout(form())
	}
	frozen, err := database.Open(t.Context(), database.Config{URL: url, Service: "donation", Migrations: donation.Migrations()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = frozen.Close() }()
	held, melting := make(chan struct{}), make(chan struct{})
	thaw := sync.OnceFunc(func() { close(melting) })
	var running sync.WaitGroup
	defer running.Wait()
	defer thaw()
	running.Go(func() {
		err := frozen.InTx(context.Background(), func(ctx context.Context, tx *database.Tx) error {
			var id string
			err := tx.QueryRowContext(ctx, `SELECT id FROM stripe_account FOR UPDATE`).Scan(&id)
			close(held)
			<-melting
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-held

	returning, leave := context.WithCancel(t.Context())
	defer leave()
	for _, s := range started {
		running.Go(func() {
			_, _ = w.web.ConfirmDonation(returning, &donationv1.ConfirmDonationRequest{
				DonationId: s.GetDonationId(), SessionId: s.GetSessionId(),
			})
		})
	}
	w.eventually("all have been asked about", func() bool { return w.stripe.count("GET /v1/checkout/sessions/*") >= donors })
	soon, cancel := context.WithTimeout(t.Context(), 8*time.Second) // a lock is waited for longer
	defer cancel()
	for range 20 {
		_, err = w.web.GetDonation(soon, &donationv1.GetDonationRequest{DonationId: started[0].GetDonationId()})
		if err != nil {
			t.Fatalf("a page that needs no lock: %v", err)
		}
	}
	status := w.deliver(paidEvent("evt_meanwhile", "pi_meanwhile", started[0].GetDonationId(), nil), webhookSecret, w.clock.Now())
	if status != http.StatusOK {
		t.Errorf("a webhook was answered %d", status)
	}
	if rows := w.rows(`SELECT COUNT(*) FROM stripe_due`); rows != 1 {
		t.Errorf("%d webhooks wait for the account", rows)
	}
	leave()
	thaw()
	w.eventually("it is applied", func() bool {
		return w.donation(started[0].GetDonationId()).GetState() == donationv1.State_STATE_SUCCEEDED
	})
}
