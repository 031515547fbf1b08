package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	"github.com/almoner/almoner/services/internal/apperr"
)

const thanks = "/donations/" + donationID + "/thanks?session_id=" + sessionID

func TestThanksSaysWhatIsTrue(t *testing.T) {
	t.Parallel()
	const form = "/donations/" + donationID + "/cancelled"
	tests := []struct {
		state   donationv1.State
		decline string
		says    []string
		not     string
		link    string
		refresh bool
	}{
		{
			donationv1.State_STATE_SUCCEEDED, "",
			[]string{"Thank you", "$103.30", "Your gift to Families fleeing the river floods has arrived. It is $100.00 and $3.30 for the payment fee.", "Tell others"},
			"confirming", "/receipts/REFUGE-2026-000123/dG9rZW4", false,
		},
		{donationv1.State_STATE_CHECKOUT_OPEN, "", []string{"We are confirming your payment", "looks again by itself"}, "Thank you", form, true},
		{donationv1.State_STATE_CREATED, "", []string{"We are confirming your payment"}, "Thank you", form, true},
		{donationv1.State_STATE_UNSPECIFIED, "", []string{"We are confirming your payment"}, "Thank you", form, true},
		{donationv1.State_STATE_CHECKOUT_OPEN, "insufficient_funds", []string{"Your payment has not come through yet", "The last card that was tried was declined"}, "insufficient", form, true},
		{donationv1.State_STATE_PROCESSING, "", []string{"Your gift is on its way", "a few days", "there is no receipt", "Please do not pay again."}, "See your receipt", "/appeals/river-floods", false},
		{donationv1.State_STATE_EXPIRED, "", []string{"The payment page has timed out", "Nothing was charged.", "Give $100.00 after all"}, "Thank you", form, false},
		{donationv1.State_STATE_FAILED, "card_declined", []string{"The payment did not go through", "The card was declined. Nothing was charged."}, "Thank you", form, false},
		{donationv1.State_STATE_ABANDONED, "", []string{"This gift was replaced by another"}, "Thank you", form, false},
	}
	for _, tt := range tests {
		c := newCharity()
		c.donation = donated(tt.state)
		c.donation.DeclineCode = tt.decline
		answer := get(t, open(t, c), thanks)
		p := parse(t, answer.Body.String())
		if answer.Code != http.StatusOK {
			t.Errorf("%s: %d", tt.state, answer.Code)
		}
		for _, words := range tt.says {
			if !p.says(words) {
				t.Errorf("%s: does not say %q: %s", tt.state, words, text(p.first("main")))
			}
		}
		if p.says(tt.not) || !slices.Contains(p.links(), tt.link) {
			t.Errorf("%s: says %q, or has no link to %s", tt.state, tt.not, tt.link)
		}
		if (answer.Header().Get("Refresh") != "") != tt.refresh {
			t.Errorf("%s: Refresh is %q", tt.state, answer.Header().Get("Refresh"))
		}
	}
}

// What a gift is besides paid or not changes what is said of it.
func TestThanksForEachKindOfGift(t *testing.T) {
	t.Parallel()
	const succeeded, processing, failed = donationv1.State_STATE_SUCCEEDED, donationv1.State_STATE_PROCESSING, donationv1.State_STATE_FAILED
	for name, tt := range map[string]struct {
		gift *donationv1.Donation
		says []string
		not  string
	}{
		"monthly": {
			&donationv1.Donation{State: succeeded, RecurringPlanId: intentID},
			[]string{
				"The first of your monthly gifts to Families fleeing the river floods has arrived.", "See your receipt",
				"From now on $103.30 is charged on this day of every month. A mail is on its way with the link",
			}, "Your gift to",
		},
		"monthly, by debit": {
			&donationv1.Donation{State: processing, RecurringPlanId: intentID, PaymentMethod: "sepa_debit"},
			[]string{"Your gift is on its way", "The link to your monthly gift comes by e-mail as well."}, "has arrived.",
		},
		"a debit that failed": {
			&donationv1.Donation{State: failed, PaymentMethod: "sepa_debit", DeclineCode: "insufficient_funds"},
			[]string{"The payment did not go through", "Your bank did not carry out the payment", "Try again"}, "card",
		},
		"a part went back": {
			&donationv1.Donation{State: succeeded, PaymentMethod: "card", Returned: usd(3_300)},
			[]string{"has arrived.", "Of it, $33.00 has gone back to you.", "See your receipt"}, "no longer in force",
		},
		"all went back": {
			&donationv1.Donation{State: succeeded, PaymentMethod: "card", Returned: usd(10_330)},
			[]string{"This gift has gone back to you", "no longer in force"}, "See your receipt",
		},
	} {
		c := newCharity()
		c.donation = tt.gift
		c.donation.DonationId, c.donation.AppealSlug, c.donation.Gift, c.donation.Cover = donationID, "river-floods", usd(10_000), usd(330)
		p := parse(t, get(t, open(t, c), thanks).Body.String())
		for _, words := range tt.says {
			if !p.says(words) {
				t.Errorf("%s: does not say %q: %s", name, words, text(p.first("main")))
			}
		}
		if strings.Contains(text(p.first("main")), tt.not) {
			t.Errorf("%s: says %q: %s", name, tt.not, text(p.first("main")))
		}
	}
}

// A page that is left open asks less and less often, and stops by itself.
func TestConfirmingEnds(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.donation = donated(donationv1.State_STATE_CHECKOUT_OPEN)
	site := open(t, c)
	path, waited, last, looks := thanks, 0, 0, 0
	for {
		answer := get(t, site, path)
		refresh := answer.Header().Get("Refresh")
		if refresh == "" {
			p := parse(t, answer.Body.String())
			if !p.says("It takes longer than usual. If you have paid, your gift is safe") || !slices.Contains(p.links(), thanks) {
				t.Error(text(p.first("main")))
			}
			break
		}
		var seconds int
		_, err := fmt.Sscanf(refresh, "%d; url=%s", &seconds, &path)
		if err != nil || !strings.HasPrefix(path, thanks+"&n=") || seconds < last {
			t.Fatalf("Refresh is %q after %d s: %v", refresh, last, err)
		}
		last, waited, looks = seconds, waited+seconds, looks+1
		if looks > 30 {
			t.Fatal("the page never stops asking")
		}
	}
	if waited < 60 || waited > 180 {
		t.Errorf("the page asks for %d s", waited)
	}
}

func TestThanksWaitsShortlyForTheReceipt(t *testing.T) {
	t.Parallel()
	for _, err := range []error{noSuch, unreachable} {
		c := newCharity()
		site := open(t, c)
		c.fail("GetReceiptLink", err)
		answer := get(t, site, thanks)
		p := parse(t, answer.Body.String())
		if !p.says("Thank you") || !p.says("Your receipt is on its way by e-mail.") || answer.Header().Get("Refresh") == "" {
			t.Errorf("%v: %q %s", err, answer.Header().Get("Refresh"), text(p.first("main")))
		}
		if refresh := get(t, site, thanks+"&n=3").Header().Get("Refresh"); refresh != "" {
			t.Errorf("%v: the page goes on asking: %q", err, refresh)
		}
		c.fail("GetReceiptLink", nil)
		if p := parse(t, get(t, site, thanks+"&n=3").Body.String()); !p.says("See your receipt") {
			t.Error("loaded again, the receipt that is there is not shown")
		}
	}
}

func TestThanksOpensOnlyWithItsOwnSession(t *testing.T) {
	t.Parallel()
	site := open(t, newCharity())
	for _, path := range []string{
		"/donations/" + donationID + "/thanks",
		"/donations/" + donationID + "/thanks?session_id=",
		"/donations/" + donationID + "/thanks?session_id=cs_test_another",
		"/donations/" + donationID + "/thanks?session_id=%ff",
		"/donations/" + donationID + "/thanks?session_id={CHECKOUT_SESSION_ID}",
		"/donations/" + intentID + "/thanks?session_id=" + sessionID,
		"/donations/7/thanks?session_id=" + sessionID,
	} {
		answer := get(t, site, path)
		if p := parse(t, answer.Body.String()); answer.Code != http.StatusNotFound || p.says("$") {
			t.Errorf("%s: %d", path, answer.Code)
		}
	}
	for _, n := range []string{"&n=-1", "&n=abc", "&n=99999999999999999999", "&n=1000000"} {
		if code := get(t, site, thanks+n).Code; code != http.StatusOK {
			t.Errorf("%s: %d", n, code)
		}
	}
}

func TestThanksReassuresWhileTheDonationServiceIsAway(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.fail("ConfirmDonation", unreachable)
	answer := get(t, open(t, c), thanks)
	p := parse(t, answer.Body.String())
	if answer.Code != http.StatusServiceUnavailable || !p.says("There is no need to pay again.") || answer.Header().Get("Refresh") == "" {
		t.Errorf("%d %q %s", answer.Code, answer.Header().Get("Refresh"), text(p.first("main")))
	}
}

func TestThanksNeedsOnlyTheDonation(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.fail("GetAppeal", unreachable)
	answer := get(t, open(t, c), thanks)
	p := parse(t, answer.Body.String())
	if answer.Code != http.StatusOK || !p.says("Your gift has arrived.") || !p.says("See your receipt") {
		t.Errorf("%d %s", answer.Code, text(p.first("main")))
	}
}

func TestBackFromStripeTheFormIsAsItWas(t *testing.T) {
	t.Parallel()
	for _, state := range []donationv1.State{
		donationv1.State_STATE_CREATED, donationv1.State_STATE_CHECKOUT_OPEN, donationv1.State_STATE_EXPIRED,
		donationv1.State_STATE_FAILED, donationv1.State_STATE_ABANDONED,
	} {
		c := newCharity()
		c.donation = donated(state)
		site := open(t, c)
		answer := get(t, site, "/donations/"+donationID+"/cancelled")
		p := parse(t, answer.Body.String())
		if answer.Code != http.StatusOK || !p.says("This gift is not paid yet") {
			t.Errorf("%s: %d", state, answer.Code)
		}
		p.expectKept(t, state.String(), filled(), "")

		// Another amount now is the same intent, so it can never be a second gift.
		again := p.values()
		again["amount"] = append(again["amount"], "33")
		if code := post(t, site, attr(p.first("form"), "action"), again).Code; code != http.StatusSeeOther {
			t.Fatalf("%s: sent again: %d", state, code)
		}
		if r := c.requests()[0]; r.GetIntentId() != intentID || r.GetGift().GetMinor() != 3_300 || r.GetShareCode() != "whatsapp" {
			t.Errorf("%s: sent again: %v", state, r)
		}
	}
}

func TestAMonthlyGiftThatIsNotPaidComesBackAsOne(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.donation, c.frequency = donated(donationv1.State_STATE_CHECKOUT_OPEN), donationv1.Frequency_FREQUENCY_MONTHLY
	p := parse(t, get(t, open(t, c), "/donations/"+donationID+"/cancelled").Body.String())
	p.expectKept(t, "monthly", filled("frequency", "monthly"), "")
}

func TestAGiftThroughAPageGoesBackToThatPage(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.donation = donated(donationv1.State_STATE_EXPIRED)
	c.donation.FundraiserSlug = "amina-runs"
	c.donation.Gift = usd(1_234)
	p := parse(t, get(t, open(t, c), "/donations/"+donationID+"/cancelled").Body.String())
	if attr(p.first("form"), "action") != "/f/amina-runs/donate?s=whatsapp" {
		t.Errorf("the form goes to %s", attr(p.first("form"), "action"))
	}
	if attr(p.ids["amount"], "value") != "12.34" {
		t.Errorf("the typed amount is %q", attr(p.ids["amount"], "value"))
	}
}

func TestPayingTwiceIsNeverOffered(t *testing.T) {
	t.Parallel()
	for state, says := range map[donationv1.State]string{
		donationv1.State_STATE_SUCCEEDED:  "This gift is paid",
		donationv1.State_STATE_PROCESSING: "Please do not pay again.",
	} {
		c := newCharity()
		c.donation = donated(state)
		answer := get(t, open(t, c), "/donations/"+donationID+"/cancelled")
		p := parse(t, answer.Body.String())
		if answer.Code != http.StatusOK || !p.says(says) || !p.says("$103.30") || p.first("form") != nil {
			t.Errorf("%s: %d %s", state, answer.Code, text(p.first("main")))
		}
		if strings.Contains(answer.Body.String(), "zoe@example.org") {
			t.Errorf("%s: the donor's address is shown without need", state)
		}
		if !slices.Contains(p.links(), "/appeals/river-floods") {
			t.Errorf("%s: no way back", state)
		}
	}
}

func TestCancelledKnowsOnlyRealDonations(t *testing.T) {
	t.Parallel()
	c := newCharity()
	c.donation = donated(donationv1.State_STATE_CHECKOUT_OPEN)
	site := open(t, c)
	for path, status := range map[string]int{
		"/donations/" + intentID + "/cancelled": 404,
		"/donations/../cancelled":               404,
		"/donations/%ff/cancelled":              404,
	} {
		answer := get(t, site, path)
		if answer.Code != status && answer.Code != http.StatusTemporaryRedirect && answer.Code != http.StatusMovedPermanently {
			t.Errorf("%s: %d", path, answer.Code)
		}
	}
	c.donation.AppealSlug = "last-year"
	if code := get(t, site, "/donations/"+donationID+"/cancelled").Code; code != http.StatusGone {
		t.Errorf("the appeal has closed: %d", code)
	}
	c.fail("GetCheckoutForm", apperr.New(apperr.Unavailable, "AWAY", ""))
	if code := get(t, site, "/donations/"+donationID+"/cancelled").Code; code != http.StatusServiceUnavailable {
		t.Errorf("the donation service is away: %d", code)
	}
}
