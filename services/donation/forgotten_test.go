package donation_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
	"github.com/almoner/almoner/services/donation"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/testkit"
)

// backUp keeps the database as it is now, and answers what brings it back. The
// service is stopped, so that the one file is all of it.
func (w *world) backUp() (restore func()) {
	w.t.Helper()
	path := strings.TrimPrefix(w.dbURL, "sqlite:")
	w.kill()
	kept, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	w.start()
	return func() {
		w.t.Helper()
		w.kill()
		for _, beside := range []string{"-wal", "-shm"} {
			err := os.Remove(path + beside)
			if err != nil && !os.IsNotExist(err) {
				w.t.Fatal(err)
			}
		}
		err := os.WriteFile(path, kept, 0o600)
		if err != nil {
			w.t.Fatal(err)
		}
		w.start()
	}
}

// generous is a gift with all that a form can say.
func generous() *donationv1.StartCheckoutRequest {
	r := form()
	r.Target = &donationv1.StartCheckoutRequest_FundraiserSlug{FundraiserSlug: "amina-runs"}
	r.FundCode, r.ShareCode, r.CoverFees = "SYRIA", "k7m2", true
	r.Gift = &moneyv1.Money{Minor: 250_00, Currency: "EUR"}
	r.Visibility = donationv1.Visibility_VISIBILITY_PUBLIC
	return r
}

// The database is restored to the evening before. What was given since is at
// Stripe, and with it what it was for: the gift is back under its number, with the
// same events, and the donor by the name on the card. What only the form said, is
// not shown to anybody.
func TestAForgottenGiftIsPutBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	restore := w.backUp()
	request := generous()
	started := w.checkout(request)
	w.pay(started.GetSessionId(), visa)
	before := w.settled(started.GetDonationId())
	told := w.events()

	restore()
	w.clock.Advance(time.Minute)
	w.eventually("the gift is known again", func() bool { return w.sums().GetSums() != nil })
	after := w.settled(started.GetDonationId())
	want := proto.CloneOf(before)
	want.EventPos, want.CreatedAt = after.GetEventPos(), after.GetCreatedAt()
	want.SucceededAt, want.WebhookReceivedAt = after.GetSucceededAt(), after.GetWebhookReceivedAt()
	if !proto.Equal(after, want) {
		t.Errorf("it was\n%v\nand came back as\n%v", before, after)
	}
	again := w.events()
	if len(again) != len(told) {
		t.Fatalf("%d events were told, then %d", len(told), len(again))
	}
	for i := range told {
		if told[i].GetId() != again[i].GetId() || told[i].GetAggregateId() != again[i].GetAggregateId() {
			t.Errorf("told was %v, then %v", told[i], again[i])
		}
	}
	if w.rows(`SELECT COUNT(*) FROM donor JOIN donation ON id = donation_id WHERE id = $1 AND name = 'Amina Yusuf'
		AND email = 'amina@example.org' AND message = '' AND visibility = 'anonymous'`, started.GetDonationId()) != 1 {
		t.Error("its donor is not the one on the card, or more is shown of her than Stripe was told")
	}
	if items := w.parked(); len(items) != 0 {
		t.Errorf("parked are %v", items)
	}
	if foreign := w.rows(`SELECT COUNT(*) FROM balance_transaction WHERE is_foreign = 1`); foreign != 0 {
		t.Errorf("%d transactions are booked as foreign", foreign)
	}
	// The donor, who sees an old page, sends the form again.
	if answer := w.checkout(request); !answer.GetAlreadyPaid() {
		t.Errorf("the form sent again leads to %v", answer)
	}
}

// The donor was on Stripe's page when the database went back, and pays then. The
// webhooks come first, are of an unknown gift, and are applied when it is known. One
// who does not pay any more leaves nothing that somebody has to look into.
func TestAGiftIsPaidAfterItWasForgotten(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(t *testing.T) (app, owner string){
		"SQLite": func(t *testing.T) (string, string) {
			file := "sqlite:" + t.TempDir() + "/donation.db"
			return file, file
		},
		"PostgreSQL": func(t *testing.T) (string, string) {
			roles := testkit.PostgreSQLRoles(t, "donation", donation.Migrations()...)
			return roles.App, roles.Migrator
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, owner := url(t)
			w := newWorldOn(t, app)
			started, declined, left := w.checkout(generous()), w.checkout(form()), w.checkout(form())
			w.forget(owner)
			w.pay(declined.GetSessionId(), noFunds)
			w.pay(started.GetSessionId(), visa)
			w.quiet()
			w.clock.Advance(time.Minute) // its own webhook has had its time
			w.eventually("the gift is known again", func() bool { return w.sums().GetSums() != nil })
			w.settled(started.GetDonationId())
			w.expire(left.GetSessionId())
			w.quiet()
			w.eventually("nothing is parked", func() bool { return len(w.parked()) == 0 })
			if got := w.kinds(); got["DonationSucceeded"] != 1 || got["BalanceTransactionRecorded"] != 1 {
				t.Errorf("events %v", got)
			}
			if known := w.rows(`SELECT COUNT(*) FROM donation`); known != 1 {
				t.Errorf("%d gifts are known, one was paid", known)
			}
		})
	}
}

// forget takes all gifts out of the database, as its owner.
func (w *world) forget(owner string) {
	w.t.Helper()
	db, err := database.Open(w.t.Context(), database.Config{URL: owner, Service: "donation", Migrations: donation.Migrations()})
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	err = db.InTx(w.t.Context(), func(ctx context.Context, tx *database.Tx) error {
		for _, table := range []string{"attempt", "donor", "donation", "intent"} {
			_, err := tx.ExecContext(ctx, `DELETE FROM `+table)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// expire ends a session as its time would.
func (w *world) expire(session string) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.simURL+"/v1/checkout/sessions/"+session+"/expire", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	request.SetBasicAuth("sk_test_donation", "")
	response, err := w.client().Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		w.t.Fatalf("expiring answered %d", response.StatusCode)
	}
}

// Somebody with access to Stripe's dashboard writes a gift by hand: it carries a
// record, and no proof of ours.
func TestARecordOfSomebodyElseIsNoGift(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	restore := w.backUp()
	started := w.checkout(form())
	w.pay(started.GetSessionId(), visa)
	w.settled(started.GetDonationId())
	w.stripe.change(func(g *gate) { g.forge = true })
	restore()
	w.clock.Advance(time.Minute)
	w.eventually("its money is booked", func() bool {
		return w.rows(`SELECT COUNT(*) FROM balance_transaction WHERE is_foreign = 1`) == 1
	})
	truth := w.sim.Truth().Sessions
	w.one(truth[len(truth)-1].PaymentIntent, unknownGift)
}

// A gift of before payments carried records. Until an operator has decided about the
// fork, its money is not booked at all: booked as foreign, it would never be a gift
// again. Afterwards the gift comes back from what the stream had been told.
func TestAForgottenGiftWithoutARecordWaitsForTheOperator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.nats, w.importEvery = testkit.NATS(t), 100*time.Millisecond
	w.stripe.change(func(g *gate) { g.forge = true })
	restore := w.backUp()
	first := w.checkout(form())
	w.pay(first.GetSessionId(), visa)
	w.settled(first.GetDonationId())
	w.eventually("the stream has been told", func() bool { return w.told() == 2 })
	before := w.events()

	restore()
	w.clock.Advance(time.Minute)
	w.eventually("it is said why nothing is imported", func() bool {
		return strings.Contains(w.logs.String(), "while the feed is forked")
	})
	if booked := w.rows(`SELECT COUNT(*) FROM balance_transaction`); booked != 0 {
		t.Fatalf("%d transactions are booked", booked)
	}
	recovery, err := feed.NewRecovery(feed.ProducerConfig{
		Feed: "donation", Log: feed.NewLog(w.service.db, "donation"), DB: w.service.db, NATS: w.nats,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	fork, err := recovery.Look(t.Context())
	if err != nil || fork == nil {
		t.Fatalf("the fork is %+v (%v)", fork, err)
	}
	err = recovery.Do(t.Context(), fork)
	if err != nil {
		t.Fatal(err)
	}
	w.eventually("the gift is known again", func() bool { return w.sums().GetSums() != nil })
	w.settled(first.GetDonationId())
	after := w.events()
	if len(after) != 2 || after[0].GetId() != before[0].GetId() || after[1].GetId() != before[1].GetId() {
		t.Errorf("told was\n%v\nthen\n%v", before, after)
	}
	w.eventually("nothing is parked", func() bool { return len(w.parked()) == 0 })
	if foreign := w.rows(`SELECT COUNT(*) FROM balance_transaction WHERE is_foreign = 1`); foreign != 0 {
		t.Errorf("%d transactions are booked as foreign", foreign)
	}
}

// told is how many events the stream has.
func (w *world) told() uint64 {
	w.t.Helper()
	js, err := jetstream.New(w.nats)
	if err != nil {
		w.t.Fatal(err)
	}
	stream, err := js.Stream(w.t.Context(), "ALMONER_DONATION")
	if err != nil {
		return 0 // not made yet
	}
	return stream.CachedInfo().State.LastSeq
}

// The same of a monthly gift: begun and renewed since the backup, it is back
// with what it gives to, its donor, her link and all its instalments, and nobody gets
// a letter a second time.
func TestAForgottenMonthlyGiftIsPutBack(t *testing.T) {
	t.Parallel()
	for _, renewed := range []bool{true, false} {
		t.Run(fmt.Sprintf("renewed afterwards %t", renewed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			restore := w.backUp()
			p, token := w.begun(visa)
			w.renew(p)
			w.instalments(p.GetPlanId(), 2)
			for _, d := range w.page(p, token).GetInstalments() {
				w.settled(d.GetDonationId())
			}
			before, events := w.plan(p.GetPlanId()), w.events()

			restore()
			count := int32(2)
			if renewed { // its webhooks are about a plan that is not known
				w.renew(p)
				count++
			}
			w.clock.Advance(time.Minute)
			w.eventually("the instalments are known again", func() bool {
				w.clock.Advance(5 * time.Second)
				answer, err := w.web.ListPlans(t.Context(), &donationv1.ListPlansRequest{Reference: p.GetPlanId()})
				return err == nil && len(answer.GetPlans()) == 1 && answer.GetPlans()[0].GetInstalments() == count
			})
			w.quiet()
			w.eventually("every fee is known", func() bool { return w.sums().GetGiftsWithoutFee() == 0 })
			after, want := w.plan(p.GetPlanId()), proto.CloneOf(before)
			want.StartedAt, want.Instalments, want.NextAt = after.GetStartedAt(), count, after.GetNextAt()
			if !proto.Equal(after, want) {
				t.Errorf("it was\n%v\nand came back as\n%v", before, after)
			}
			again := map[string]bool{}
			for _, e := range w.events() {
				again[e.GetId()] = true
			}
			for _, e := range events {
				if !again[e.GetId()] {
					t.Errorf("not told again: %v", e)
				}
			}
			if page := w.page(p, token); len(page.GetInstalments()) != int(count) {
				t.Errorf("by her link the donor sees %v", page)
			}
			if letters := w.rows(`SELECT COUNT(*) FROM plan_mail`); letters != 0 {
				t.Errorf("%d letters are written again", letters)
			}
			if w.rows(`SELECT COUNT(*) FROM donor WHERE name = 'Amina Yusuf' AND email = 'amina@example.org' AND message = ''`) != int(count) {
				t.Error("its donor is not the one on the card")
			}
			if foreign := w.rows(`SELECT COUNT(*) FROM balance_transaction WHERE is_foreign = 1`); foreign != 0 || len(w.parked()) != 0 {
				t.Errorf("%d transactions are foreign, parked %v", foreign, w.parked())
			}
		})
	}
}
