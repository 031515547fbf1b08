package donation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/apperr"
)

// Every webhook is lost. The donor's return finds the payment.
func TestReturnPageFindsThePayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"drop": 1.0}`)
	started := w.checkout(form())
	ctx := t.Context()
	confirm := func(donation, session string) (*donationv1.Donation, error) {
		answer, err := w.web.ConfirmDonation(ctx, &donationv1.ConfirmDonationRequest{DonationId: donation, SessionId: session})
		return answer.GetDonation(), err
	}
	other := w.checkout(form())
	for _, pair := range [][2]string{
		{started.GetDonationId(), other.GetSessionId()}, {started.GetDonationId(), ""},
		{uuid.NewString(), started.GetSessionId()}, {"x", "y"},
	} {
		_, err := confirm(pair[0], pair[1])
		if apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("donation %s with session %s: %v", pair[0], pair[1], err)
		}
	}
	before := w.stripe.count("GET /v1/checkout/sessions/*")
	d, err := confirm(started.GetDonationId(), started.GetSessionId())
	if err != nil || d.GetState() != donationv1.State_STATE_CHECKOUT_OPEN {
		t.Fatalf("before paying: %v, %v", d, err)
	}
	w.pay(started.GetSessionId(), visa)
	for range 5 {
		_, err = confirm(started.GetDonationId(), started.GetSessionId())
		if err != nil {
			t.Fatal(err)
		}
	}
	if asked := w.stripe.count("GET /v1/checkout/sessions/*") - before; asked != 1 {
		t.Errorf("six looks in five seconds asked Stripe %d times", asked)
	}
	w.clock.Advance(6 * time.Second)
	d, err = confirm(started.GetDonationId(), started.GetSessionId())
	if err != nil || d.GetState() != donationv1.State_STATE_SUCCEEDED || d.GetWebhookReceivedAt() != 0 {
		t.Errorf("after five seconds: %v, %v", d, err)
	}
	w.settled(started.GetDonationId())
}

// The payment's own event named no charge; its money does.
func TestTheMoneyTellsTheChargeOfAGift(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"drop": 1.0}`)
	started := w.checkout(form())
	payment := w.chargeMarked(started.GetDonationId())
	w.deliver(paidEvent("evt_bare", payment, started.GetDonationId(), func(body map[string]any) {
		body["data"].(map[string]any)["object"].(map[string]any)["latest_charge"] = nil
	}), webhookSecret, w.clock.Now())
	d := w.settled(started.GetDonationId())
	if d.GetPaymentIntentId() != payment || !strings.HasPrefix(d.GetChargeId(), "ch_") || d.GetFee().GetMinor() == 0 {
		t.Errorf("settled %v", d)
	}
	w.quiet()
}

func TestMoneyOfOthersIsRecordedAsForeign(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.control("/_sim/foreign_charge", `{"amount": 4200, "currency": "eur", "description": "A book from the shop"}`)
	w.eventually("the foreign charge is recorded", func() bool { return w.kinds()["BalanceTransactionRecorded"] == 1 })
	var m donationv1.BalanceTransactionRecorded
	err := proto.Unmarshal(w.events()[0].GetPayload(), &m)
	if err != nil || !m.GetForeign() || m.GetDonationId() != "" || m.GetOrganizationId() != organization || m.GetAmount().GetMinor() != 42_00 {
		t.Errorf("recorded %v, %v", &m, err)
	}
	balance, err := w.web.GetStripeBalance(t.Context(), &donationv1.GetStripeBalanceRequest{})
	if err != nil || balance.GetTransactionsMissing() || len(balance.GetBalances()) != 1 ||
		balance.GetBalances()[0].GetBalanceMinor() != m.GetNet().GetMinor() {
		t.Errorf("balance %v, %v", balance, err)
	}
	if sums := w.quiet(); len(sums.GetSums()) != 0 || sums.GetStripeEventsParked() != 0 {
		t.Errorf("sums %v", sums)
	}
}

// All webhooks are lost and the donor closed the window: the account's balance
// tells of the gift.
func TestBalanceTransactionFindsThePayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.knobs(`{"drop": 1.0}`)
	started := w.checkout(form())
	w.pay(started.GetSessionId(), visa)
	// Asking for the balance notices that something is missing, and fetches it.
	w.clock.Advance(5 * time.Second) // the webhook has had its time
	w.eventually("nothing is missing", func() bool {
		balance, err := w.web.GetStripeBalance(t.Context(), &donationv1.GetStripeBalanceRequest{})
		return err == nil && !balance.GetTransactionsMissing() && len(balance.GetBalances()) == 1
	})
	w.settled(started.GetDonationId())
	w.eventually("both events have a place", func() bool {
		got := w.kinds()
		return got["DonationSucceeded"] == 1 && got["BalanceTransactionRecorded"] == 1
	})
}

// imported lets the webhooks have had their time and waits until as many
// transactions as that are recorded.
func (w *world) imported(count int) {
	w.t.Helper()
	w.eventually(fmt.Sprintf("%d transactions are recorded", count), func() bool {
		w.clock.Advance(5 * time.Second)
		_, err := w.web.GetStripeBalance(w.t.Context(), &donationv1.GetStripeBalanceRequest{})
		return err == nil && w.kinds()["BalanceTransactionRecorded"] == count
	})
}

// The home organization was changed; a minute later what belongs to no gift is
// booked there, without a restart.
func TestHomeOrganizationIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const newHome = "0b7c1a52-6f7e-5e0f-8d1a-2f3e4d5c6b7a"
	charge := func() { w.control("/_sim/foreign_charge", `{"amount": 4200, "currency": "eur"}`) }
	charge()
	w.imported(1)
	w.home.set(newHome, nil)
	w.clock.Advance(time.Minute)
	charge()
	w.imported(2)
	for home, want := range map[string]int{organization: 1, newHome: 1} {
		if count := w.rows(`SELECT COUNT(*) FROM balance_transaction WHERE organization_id = $1`, home); count != want {
			t.Errorf("%d are booked with %s, want %d", count, home, want)
		}
	}
}
