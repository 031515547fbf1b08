package donation_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/apperr"
)

// Accounts that the simulator takes, by what becomes of their debits.
const (
	debitArrives  = "AT611904300234573201"
	debitFails    = "AT861904300235473202"
	debitDisputed = "AT591904300235473203"
)

// banks is a world where euros may be paid from a bank account.
func banks(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.offer("card", "sepa_debit")
	return w
}

// offer starts the service again with other ways to pay.
func (w *world) offer(methods ...string) {
	w.kill()
	w.methods = methods
	w.start()
}

// debited is a gift whose donor has entered a bank account, and which is on its way.
func (w *world) debited(iban string) *donationv1.Donation {
	w.t.Helper()
	return w.debitedBy(form(), iban)
}

func (w *world) debitedBy(r *donationv1.StartCheckoutRequest, iban string) *donationv1.Donation {
	w.t.Helper()
	started := w.checkout(r)
	w.debit(started.GetSessionId(), iban)
	w.eventually("the debit is on its way", func() bool {
		return w.donation(started.GetDonationId()).GetState() == donationv1.State_STATE_PROCESSING
	})
	return w.donation(started.GetDonationId())
}

// debit enters a bank account on Stripe's page.
func (w *world) debit(session, iban string) {
	w.t.Helper()
	response, err := w.client().PostForm(w.simURL+"/c/pay/"+session, url.Values{
		"method": {"sepa_debit"}, "email": {"amina@example.org"}, "name": {"Amina Yusuf"}, "iban": {iban},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		w.t.Fatalf("the account was answered with %d", response.StatusCode)
	}
}

// days go by here and at Stripe.
func (w *world) days(count int) {
	w.t.Helper()
	w.clock.Advance(time.Duration(count) * 24 * time.Hour)
	w.control("/_sim/clock", `{"advance_seconds": 1}`)
}

func (w *world) toldInAll(d *donationv1.Donation, want ...string) {
	w.t.Helper()
	w.eventually("the feed tells all of the debit", func() bool { return len(w.story(d)) >= len(want) })
	if got := w.story(d); !slices.Equal(got, want) {
		w.t.Errorf("the feed tells\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestADebitIsAGiftOnlyOnceItArrives(t *testing.T) {
	t.Parallel()
	w := banks(t)
	d := w.debited(debitArrives)
	w.toldInAll(d, "DonationProcessing")
	if sums := w.quiet().GetSums(); len(sums) != 0 {
		t.Errorf("counted before it is money: %v", sums)
	}
	w.days(5)
	got := w.settled(d.GetDonationId())
	w.toldInAll(d, "DonationProcessing", "DonationSucceeded")
	if got.GetPaymentMethod() != "sepa_debit" {
		t.Errorf("it was paid by %q", got.GetPaymentMethod())
	}
	if sums := w.quiet().GetSums(); len(sums) != 1 || sums[0].GetGiftMinor() != 100_00 || sums[0].GetGifts() != 1 {
		t.Errorf("sums %v", sums)
	}
	checkPersonalData(t, w)
}

func TestADebitThatFailsWasNeverAGift(t *testing.T) {
	t.Parallel()
	w := banks(t)
	d := w.debited(debitFails)
	w.days(5)
	w.eventually("the debit has failed", func() bool { return w.donation(d.GetDonationId()).GetState() == donationv1.State_STATE_FAILED })
	w.toldInAll(d, "DonationProcessing", "DonationFailed")
	if sums := w.quiet().GetSums(); len(sums) != 0 {
		t.Errorf("sums %v", sums)
	}
}

// A bank takes a debit back without asking: no evidence helps.
func TestADebitThatTheBankTakesBack(t *testing.T) {
	t.Parallel()
	w := banks(t)
	d := w.debited(debitDisputed)
	w.days(5)
	w.toldInAll(d, "DonationProcessing", "DonationSucceeded", "DonationDisputed 10000 inquiry false", "DonationDisputeClosed LOST 10000+0+0")
	if sums := w.quiet().GetSums(); len(sums) != 1 || sums[0].GetGiftMinor() != 0 {
		t.Errorf("sums %v", sums)
	}
}

// Stripe is asked for the same to the byte under the same key: ways to pay that were
// added between two tries are for the next donor.
func TestAnAttemptKeepsTheWaysToPayItAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.offer("card", "sepa_debit")
	first := form()
	w.stripe.cut(true)
	_, err := w.web.StartCheckout(t.Context(), first)
	if apperr.CodeOf(err) != apperr.Unavailable {
		t.Fatalf("without Stripe: %v", err)
	}
	w.stripe.cut(false)
	w.offer("card")
	offers := func(r *donationv1.StartCheckoutRequest) bool {
		page, err := w.client().Get(w.simURL + "/c/pay/" + w.checkout(r).GetSessionId() + "?method=sepa_debit")
		if err != nil {
			t.Fatal(err)
		}
		defer page.Body.Close()
		body, err := io.ReadAll(page.Body)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(body), `name="iban"`)
	}
	if !offers(first) {
		t.Error("the second try asked for less than the first")
	}
	if offers(form()) {
		t.Error("a new gift may still be paid from a bank")
	}
}
