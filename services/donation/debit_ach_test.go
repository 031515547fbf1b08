package donation_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	moneyv1 "github.com/almoner/almoner/proto/gen/almoner/money/v1"
)

// inDollars is a gift to an appeal that is held in dollars.
func inDollars() *donationv1.StartCheckoutRequest {
	r := form()
	r.Target = &donationv1.StartCheckoutRequest_AppealSlug{AppealSlug: "flood-relief"}
	r.Gift = &moneyv1.Money{Minor: 250_00, Currency: "USD"}
	return r
}

// debitedInDollars is a gift from an American bank account, which is on its way.
func (w *world) debitedInDollars(number string) *donationv1.Donation {
	w.t.Helper()
	started := w.checkout(inDollars())
	response, err := w.client().PostForm(w.simURL+"/c/pay/"+started.GetSessionId(), url.Values{
		"method": {"us_bank_account"}, "email": {"amina@example.org"}, "name": {"Amina Yusuf"},
		"routing_number": {"110000000"}, "account_number": {number},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		w.t.Fatalf("the account was answered with %d", response.StatusCode)
	}
	w.eventually("the debit is on its way", func() bool {
		return w.donation(started.GetDonationId()).GetState() == donationv1.State_STATE_PROCESSING
	})
	return w.donation(started.GetDonationId())
}

// Dollars from a bank are as euros from a bank: no gift before they arrive, none if
// they do not, and none any more when the bank takes them back.
func TestDollarsFromABankAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.offer("card", "sepa_debit", "bacs_debit", "us_bank_account")
	arrives, fails := w.debitedInDollars("000123456789"), w.debitedInDollars("000222222227")
	back := w.debitedInDollars("000555555559")
	if sums := w.quiet().GetSums(); len(sums) != 0 {
		t.Errorf("counted before it is money: %v", sums)
	}
	w.days(4)
	got := w.settled(arrives.GetDonationId())
	if got.GetPaymentMethod() != "us_bank_account" || got.GetFee().GetMinor() != 2_00 || got.GetFee().GetCurrency() != "USD" {
		t.Errorf("paid by %q, at a fee of %v", got.GetPaymentMethod(), got.GetFee())
	}
	w.toldInAll(arrives, "DonationProcessing", "DonationSucceeded")
	w.toldInAll(fails, "DonationProcessing", "DonationFailed")
	w.toldInAll(back, "DonationProcessing", "DonationSucceeded", "DonationDisputed 25000 inquiry false", "DonationDisputeClosed LOST 25000+0+0")
	if sums := w.quiet().GetSums(); len(sums) != 1 || sums[0].GetGiftMinor() != 250_00 {
		t.Errorf("sums %v", sums)
	}
}

func TestAnAmericanAccountIsForDollarsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.offer("card", "us_bank_account")
	for _, c := range []struct {
		gift *donationv1.StartCheckoutRequest
		want bool
	}{{inDollars(), true}, {form(), false}} {
		page, err := w.client().Get(w.simURL + "/c/pay/" + w.checkout(c.gift).GetSessionId() + "?method=us_bank_account")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(page.Body)
		_ = page.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(body), `name="routing_number"`); got != c.want {
			t.Errorf("%s from an American account: %v, want %v", c.gift.GetGift().GetCurrency(), got, c.want)
		}
	}
}
