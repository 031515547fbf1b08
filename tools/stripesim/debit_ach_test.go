package stripesim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestADebitOfAnAmericanAccount(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	id := a.debited("ach")
	details := "payment_intent.latest_charge.payment_method_details."
	before := a.session(id)
	before.expect(t, map[string]any{
		"status": "complete", "payment_status": "unpaid", "payment_intent.status": "processing",
		"payment_intent.payment_method_options.us_bank_account.verification_method": "automatic",
		details + "type":                                "us_bank_account",
		details + "us_bank_account.last4":               "6789",
		details + "us_bank_account.routing_number":      "110000000",
		details + "us_bank_account.bank_name":           "STRIPE TEST BANK",
		details + "us_bank_account.account_type":        "checking",
		details + "us_bank_account.account_holder_type": "individual",
	})
	if strings.Contains(before.raw, "000123456789") {
		t.Error("the whole account number is shown")
	}

	a.advance(4*day - 1)
	a.session(id).expect(t, map[string]any{"payment_intent.status": "processing"})
	a.advance(1)
	a.session(id).expect(t, map[string]any{
		"payment_status": "paid", "payment_intent.status": "succeeded",
		"payment_intent.latest_charge.balance_transaction.type": "payment",
		"payment_intent.latest_charge.balance_transaction.fee":  20,
	})
	method := a.get("/v1/payment_methods/" + a.session(id).text("payment_intent.payment_method"))
	method.expect(t, map[string]any{
		"type": "us_bank_account", "us_bank_account.networks.preferred": "ach", "billing_details.name": "Ann Donor",
		"us_bank_account.financial_connections_account": nil,
	})
}

func TestTheFeeOfAnAmericanDebitHasALimit(t *testing.T) {
	t.Parallel()
	for amount, want := range map[int64]int64{50: 0, 63: 1, 2500: 20, 62_437: 499, 62_438: 500, 1_000_000: 500} {
		if got := debitFee(methodACH, amount); got != want {
			t.Errorf("%d costs %d, want %d", amount, got, want)
		}
	}
}

// The bank never says a word, until somebody presses the button.
func TestADebitThatStaysProcessing(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	id := a.debited("ach_endless")
	events := len(a.eventTypes())
	a.advance(300 * day)
	if got := a.since(events); len(got) != 0 {
		t.Errorf("events %v", got)
	}
	waiting := a.session(id)
	waiting.expect(t, map[string]any{"payment_status": "unpaid", "payment_intent.status": "processing"})
	a.control("/_sim/debit", `{"payment_intent": "`+waiting.text("payment_intent.id")+`"}`)
	a.session(id).expect(t, map[string]any{"payment_status": "paid", "payment_intent.status": "succeeded"})
}

func TestADebitThatRadarBlocks(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	id := a.checkout(debitGift(methodACH))
	r := a.post("/c/pay/"+id, accountForm(bankAccountNamed("ach_blocked")))
	if r.status != http.StatusPaymentRequired || !strings.Contains(r.raw, "too risky") || !strings.Contains(r.raw, `name="routing_number"`) {
		t.Fatalf("%d %s", r.status, r.raw)
	}
	refused := a.session(id)
	refused.expect(t, map[string]any{
		"status": "open", "payment_status": "unpaid", "payment_intent.status": "requires_payment_method",
		"payment_intent.latest_charge.status": "failed", "payment_intent.latest_charge.outcome.type": "blocked",
		"payment_intent.latest_charge.outcome.risk_level": "highest", "payment_intent.latest_charge.balance_transaction": nil,
	})
	if want := []string{"payment_intent.created", "charge.failed", "payment_intent.payment_failed"}; !slices.Equal(a.eventTypes(), want) {
		t.Errorf("events %v", a.eventTypes())
	}
	again := a.post("/c/pay/"+id, accountForm(bankAccountNamed("ach")))
	if again.status != http.StatusSeeOther {
		t.Fatalf("the donor could not pay otherwise: %d %s", again.status, again.raw)
	}
	paying := a.session(id)
	paying.expect(t, map[string]any{"status": "complete", "payment_intent.status": "processing"})
	if paying.text("payment_intent.id") != refused.text("payment_intent.id") {
		t.Error("another payment intent")
	}
}

func TestTheCheckoutPageForAmericanAccounts(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	form := debitGift(methodACH)
	form.Set("payment_method_options[us_bank_account][verification_method]", "instant")
	id := a.checkout(form)
	page := a.get("/c/pay/" + id + "?method=us_bank_account").raw
	for _, part := range []string{
		`name="routing_number"`, `name="account_number"`, "Name on the account", "110000000 000222222227", `value="us_bank_account"`,
	} {
		if !strings.Contains(page, part) {
			t.Errorf("page lacks %q", part)
		}
	}
	const real = "021000021" // a bank's, published by nobody for tests
	for field, wrong := range map[string][]string{"routing_number": {real, "only routing number"}, "account_number": {"000666666661", "published test accounts"}} {
		form := accountForm(bankAccountNamed("ach"))
		form.Set(field, wrong[0])
		r := a.post("/c/pay/"+id, form)
		if r.status != http.StatusUnprocessableEntity || !strings.Contains(r.raw, wrong[1]) || strings.Contains(r.raw, wrong[0]) {
			t.Errorf("%s %s: %d", field, wrong[0], r.status)
		}
	}
	for _, change := range []url.Values{
		{"payment_method_options[us_bank_account][verification_method]": {"microdeposits"}},
		{"payment_method_options[us_bank_account][financial_connections][permissions][0]": {"balances"}},
	} {
		form := debitGift(methodACH)
		for name, values := range change {
			form[name] = values
		}
		if r := a.post("/v1/checkout/sessions", form); r.status != http.StatusBadRequest {
			t.Errorf("%v: %d", change, r.status)
		}
	}
}
