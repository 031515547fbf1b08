package systemtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	donationv1 "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
)

// control tells the simulator what happens at Stripe, and reads its answer.
func control(t *testing.T, s system, address, document string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.stripe()+address, strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s answered %d: %s (%v)", address, document, resp.StatusCode, body, err)
	}
	if into == nil {
		return
	}
	err = json.Unmarshal(body, into)
	if err != nil {
		t.Fatal(err)
	}
}

// leaveAfterPaying gives as a donor who closes the browser on Stripe's page.
func leaveAfterPaying(t *testing.T, s system, frequency string) {
	t.Helper()
	address, fields := donateForm(t, s.site())
	fields.Set("frequency", frequency)
	status, location := submit(t, address, fields)
	if status != http.StatusSeeOther {
		t.Fatalf("the form was answered with %d", status)
	}
	page, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	status, _ = submit(t, s.stripe()+"/c/pay/"+path.Base(page.Path), url.Values{
		"email": {"amina@example.org"}, "card_number": {"4242424242424242"}, "exp": {"12/34"}, "cvc": {"123"},
		"name": {"Amina Yusuf"}, "country": {"DE"}, "postal_code": {"20457"},
	})
	if status != http.StatusSeeOther {
		t.Fatalf("paying was answered with %d", status)
	}
}

// moved is Stripe's side of what happens to money.
type moved struct {
	Transactions []struct {
		ID       string `json:"id"`
		Category string `json:"reporting_category"`
		Currency string `json:"currency"`
		Net      int64  `json:"net"`
	} `json:"balance_transactions"`
	Charges []struct {
		ID            string `json:"id"`
		PaymentIntent string `json:"payment_intent"`
	} `json:"charges"`
	Subscriptions []struct {
		ID string `json:"id"`
	} `json:"subscriptions"`
	Payouts []struct {
		ID string `json:"id"`
	} `json:"payouts"`
}

func moves(t *testing.T, s system) moved {
	t.Helper()
	_, body := fetch(t, s.stripe()+"/_sim/truth")
	var told moved
	err := json.Unmarshal(body, &told)
	if err != nil {
		t.Fatal(err)
	}
	return told
}

// understood are the categories that say by themselves what they are for; money of
// any other waits in suspense until somebody says.
var understood = []string{"fee", "tax", "topup", "topup_reversal", "risk_reserved_funds", "connect_reserved_funds", "network_cost"}

// notUnderstood is every other category that Stripe's specification has and that no
// charge, refund, dispute or payout makes, and one that it has not.
var notUnderstood = []string{
	"other_adjustment", "unreconciled_customer_funds", "transfer", "transfer_reversal", "platform_earning", "platform_earning_refund",
	"connect_collection_transfer", "advance", "advance_funding", "anticipation_repayment", "climate_order_purchase", "climate_order_refund",
	"contribution", "issuing_authorization_hold", "issuing_authorization_release", "issuing_dispute", "issuing_transaction",
	"financing_payout", "financing_payout_reversal", "financing_paydown", "financing_paydown_reversal", "stablecoin_payout",
}

// Not one webhook comes, and no donor returns from Stripe's page. Gifts, two months
// of a monthly one, a refund, a dispute that is won, all kinds of money that Stripe
// moves and payouts are found all the same; gifts are settled in another currency,
// and the books hold in each what Stripe does.
func TestEveryWebhookIsDroppedAndTheBooksAgree(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), &lockedBuffer{})
	o := operator(t, s.config())
	_, fields := donateForm(t, s.site())
	given := strings.ToLower(fields.Get("currency"))
	settled := map[bool]string{true: "usd", false: "chf"}[given != "usd"]
	control(t, s, "/_sim/knobs", fmt.Sprintf(`{"drop": 1.0, "settlement": {%q: {"to": %q, "rate_micros": 1085000}}}`, given, settled), nil)

	for range 3 {
		leaveAfterPaying(t, s, "once")
	}
	leaveAfterPaying(t, s, "monthly")
	eventually(t, "four gifts are found", func() bool { return gifts(t, o) == 4 })
	before := moves(t, s)
	for month := range 2 {
		control(t, s, "/_sim/subscriptions/"+before.Subscriptions[0].ID+"/renew", `{}`, nil)
		eventually(t, "the next month is found", func() bool { return gifts(t, o) == 5+month })
	}
	control(t, s, "/_sim/refund", fmt.Sprintf(`{"payment_intent": %q, "amount": 500}`, before.Charges[0].PaymentIntent), nil)
	var dispute struct {
		ID string `json:"id"`
	}
	control(t, s, "/_sim/dispute", fmt.Sprintf(`{"payment_intent": %q}`, before.Charges[1].PaymentIntent), &dispute)
	control(t, s, "/_sim/dispute/"+dispute.ID, `{"outcome": "won"}`, nil)
	control(t, s, "/_sim/foreign_charge", fmt.Sprintf(`{"amount": 990, "currency": %q}`, settled), nil)
	for _, category := range slices.Concat(understood, notUnderstood) {
		amount := -100
		if strings.HasSuffix(category, "reversal") || strings.HasSuffix(category, "refund") || category == "topup" {
			amount = 100
		}
		control(t, s, "/_sim/transaction", fmt.Sprintf(`{"category": %q, "amount": %d, "currency": %q}`, category, amount, settled), nil)
	}
	// Of what is held a part is released, and some is held in the other currency: as
	// much of each kind as of no other.
	for category, moves := range map[string]map[string]int{
		"risk_reserved_funds": {settled: 30, given: -11}, "connect_reserved_funds": {settled: 80, given: -45},
	} {
		for currency, amount := range moves {
			control(t, s, "/_sim/transaction", fmt.Sprintf(`{"category": %q, "amount": %d, "currency": %q}`, category, amount, currency), nil)
		}
	}
	for _, status := range []string{"failed", "paid"} {
		var made moved
		control(t, s, "/_sim/payout", `{"include_pending": true}`, &made)
		if len(made.Payouts) != 1 {
			t.Fatalf("payouts %v", made.Payouts)
		}
		control(t, s, "/_sim/payout/"+made.Payouts[0].ID, fmt.Sprintf(`{"status": %q}`, status), nil)
	}

	s.halt(t) // the hourly look at Stripe's lists is made at the start, too
	s.resume(t)
	o = operator(t, s.config())
	var listed []*donationv1.Payout
	eventually(t, "the payouts are found and add up", func() bool {
		answer, err := donationv1.NewDonationServiceClient(o.Conn()).ListPayouts(t.Context(), &donationv1.ListPayoutsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		listed = answer.GetPayouts()
		return len(listed) == 2 && !slices.ContainsFunc(listed, func(p *donationv1.Payout) bool { return !p.GetReconciled() })
	})
	for _, p := range listed {
		if p.GetDifference().GetMinor() != 0 {
			t.Errorf("payout %v", p)
		}
	}
	report := agree(t, o)

	after := moves(t, s)
	waits := map[string]bool{}
	for _, item := range report.Open {
		if item.Account == "2900" {
			waits[item.StripeID] = true
		}
	}
	for _, txn := range after.Transactions {
		want := slices.Contains(notUnderstood, txn.Category)
		if want != waits[txn.ID] {
			t.Errorf("%s of category %s is in suspense: %t", txn.ID, txn.Category, waits[txn.ID])
		}
		delete(waits, txn.ID)
	}
	foreign := after.Charges[len(after.Charges)-1].ID
	if len(waits) != 1 || !waits[foreign] {
		t.Errorf("in suspense are also %v, and should be the foreign charge %s alone", waits, foreign)
	}
	if len(report.Stripe) < 2 {
		t.Errorf("the books should be compared in %s and %s: %+v", given, settled, report.Stripe)
	}
}
