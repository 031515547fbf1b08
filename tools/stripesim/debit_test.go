package stripesim

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func debitGift(method string) url.Values {
	form := gift()
	switch method {
	case methodBacs:
		form = giftOf(2500, "gbp")
	case methodACH:
		form = giftOf(2500, "usd")
	}
	form.Set("payment_method_types[0]", methodCard)
	form.Set("payment_method_types[1]", method)
	return form
}

func accountForm(a bankAccount) url.Values {
	form := url.Values{"method": {a.kind}, "email": {"ann@example.org"}, "name": {"Ann Donor"}}
	switch a.kind {
	case methodBacs:
		form.Set("sort_code", "10-88-00")
		form.Set("account_number", a.number)
	case methodACH:
		form.Set("routing_number", "110 000 000")
		form.Set("account_number", a.number)
	default:
		form.Set("iban", a.spaced())
	}
	return form
}

// debited pays a session from a test account and returns the session.
func (a *account) debited(name string) string {
	a.t.Helper()
	bank := bankAccountNamed(name)
	id := a.checkout(debitGift(bank.kind))
	r := a.post("/c/pay/"+id, accountForm(bank))
	if r.status != http.StatusSeeOther || !strings.HasPrefix(r.header.Get("Location"), "http://donate.example/thanks") {
		a.t.Fatalf("pay: %d %s", r.status, r.raw)
	}
	return id
}

func TestADebitTakesDays(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	id := a.debited("sepa")

	before := a.session(id)
	before.expect(t, map[string]any{
		"status": "complete", "payment_status": "unpaid", "payment_intent.status": "processing",
		"payment_intent.amount_received": 0, "payment_intent.latest_charge.status": "pending",
		"payment_intent.latest_charge.paid": false, "payment_intent.latest_charge.balance_transaction": nil,
		"payment_intent.latest_charge.payment_method_details.type":               "sepa_debit",
		"payment_intent.latest_charge.payment_method_details.sepa_debit.last4":   "3201",
		"payment_intent.latest_charge.payment_method_details.sepa_debit.country": "AT",
		"payment_intent.latest_charge.outcome.risk_level":                        "not_assessed",
	})
	if charge := before.text("payment_intent.latest_charge.id"); !strings.HasPrefix(charge, "py_3") {
		t.Errorf("charge %q", charge)
	} else if r := a.refund(charge, 100); r.text("error.code") != "charge_not_refundable" {
		t.Errorf("a pending debit was refunded: %s", r.raw)
	}
	if page := a.get("/c/complete/" + id).raw; !strings.Contains(page, "processing") {
		t.Error("the page says that it is paid")
	}
	want := []string{"payment_intent.created", "payment_intent.processing", "charge.pending", "checkout.session.completed"}
	if got := a.eventTypes(); !slices.Equal(got, want) {
		t.Errorf("events %v", got)
	}

	a.advance(5*day - 1)
	a.session(id).expect(t, map[string]any{"payment_intent.status": "processing"})
	a.advance(1)

	after := a.session(id)
	txn := "payment_intent.latest_charge.balance_transaction."
	after.expect(t, map[string]any{
		"payment_status": "paid", "payment_intent.status": "succeeded", "payment_intent.amount_received": 2500,
		"payment_intent.latest_charge.status": "succeeded", "payment_intent.latest_charge.paid": true,
		txn + "type": "payment", txn + "reporting_category": "charge", txn + "amount": 2500, txn + "fee": 35, txn + "status": "pending",
	})
	if got := a.since(4); !slices.Equal(got, []string{"charge.succeeded", "payment_intent.succeeded", "checkout.session.async_payment_succeeded"}) {
		t.Errorf("events %v", got)
	}
	refund := a.post("/v1/refunds", url.Values{
		"charge": {after.text("payment_intent.latest_charge.id")}, "expand[]": {"balance_transaction"},
	})
	refund.expect(t, map[string]any{"balance_transaction.type": "payment_refund", "balance_transaction.reporting_category": "refund"})
	if _, has := refund.body["destination_details"]; has || !strings.HasPrefix(refund.text("id"), "pyr_1") {
		t.Errorf("refund: %s", refund.raw)
	}
}

// Every published account does what its label says, when it says.
func TestBankAccounts(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	for _, bank := range bankAccounts() {
		if bank.kind == methodSEPA && !iban(bank.number) {
			t.Errorf("%s is no IBAN", bank.number)
		}
		if bank.endless || bank.blocked {
			continue // each has a story of its own
		}
		id := a.debited(bank.name)
		events := len(a.eventTypes())
		wait := int64(threeMinutes)
		if !bank.soon {
			wait = map[string]int64{methodSEPA: 5, methodBacs: 6, methodACH: 4}[bank.kind] * day
		}
		a.advance(wait - 1)
		if got := a.since(events); len(got) != 0 {
			t.Errorf("%s: too early: %v", bank.name, got)
		}
		a.advance(1)
		after, got := a.session(id), a.since(events)
		if bank.code != "" {
			after.expect(t, map[string]any{
				"status": "complete", "payment_status": "unpaid", "payment_intent.status": "requires_payment_method",
				"payment_intent.last_payment_error.code": bank.code, "payment_intent.latest_charge.failure_code": bank.code,
				"payment_intent.latest_charge.status": "failed", "payment_intent.latest_charge.failure_balance_transaction": nil,
			})
			if !slices.Equal(got, []string{"charge.failed", "payment_intent.payment_failed", "checkout.session.async_payment_failed"}) {
				t.Errorf("%s: events %v", bank.name, got)
			}
			continue
		}
		after.expect(t, map[string]any{"payment_status": "paid"})
		if !bank.disputed {
			continue
		}
		a.disputeOn(after.text("payment_intent.latest_charge.id")).expect(t, map[string]any{
			"status": "lost", "reason": "debit_not_authorized", "amount": 2500, "payment_method_details": nil,
		})
		want := []string{"charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.updated", "charge.dispute.closed"}
		if !slices.Equal(got[3:], want) {
			t.Errorf("%s: events %v", bank.name, got)
		}
	}
}

func TestHowLongADebitTakesIsAKnob(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	a.knobs(`{"debit_days": 0}`)
	id := a.debited("bacs")
	after := a.session(id)
	after.expect(t, map[string]any{
		"payment_status": "paid", "payment_intent.latest_charge.balance_transaction.fee": 25,
		"payment_intent.latest_charge.payment_method_details.bacs_debit.sort_code": "108800",
	})
	a.knobs(`{"debit_days": 2}`)
	id = a.debited("bacs")
	a.advance(2*day - 1)
	a.session(id).expect(t, map[string]any{"payment_status": "unpaid"})
	a.advance(1)
	a.session(id).expect(t, map[string]any{"payment_status": "paid"})
}

// The bank may be asked to answer now.
func TestADebitIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	for bank, want := range map[string]string{"sepa": "succeeded", "sepa_fails": "requires_payment_method"} {
		intent := a.session(a.debited(bank)).text("payment_intent.id")
		asked := `{"payment_intent": "` + intent + `"}`
		a.control("/_sim/debit", asked).expect(t, map[string]any{"id": intent, "status": want})
		if r := a.control("/_sim/debit", asked); r.status != http.StatusBadRequest {
			t.Errorf("%s: answered twice: %d", bank, r.status)
		}
		a.advance(6 * day)
		a.get("/v1/payment_intents/"+intent).expect(t, map[string]any{"status": want})
	}
}

// A debit that was paid may be taken back without a dispute, once and whole.
func TestADebitIsReversed(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	id := a.debited("sepa")
	intent := a.session(id).text("payment_intent.id")
	reverse := `{"payment_intent": "` + intent + `", "reverse": true}`
	if r := a.control("/_sim/debit", reverse); r.status != http.StatusBadRequest {
		t.Errorf("reversed before it was paid: %d", r.status)
	}
	a.control("/_sim/debit", `{"payment_intent": "`+intent+`"}`)
	a.control("/_sim/debit", reverse).expect(t, map[string]any{"id": intent, "status": "succeeded"})
	charge := a.get("/v1/charges/" + a.session(id).text("payment_intent.latest_charge.id"))
	charge.expect(t, map[string]any{"status": "succeeded"})
	a.get("/v1/balance_transactions/"+charge.text("failure_balance_transaction")).expect(t, map[string]any{
		"type": "payment_failure_refund", "reporting_category": "charge_failure", "amount": -2500, "source": charge.text("id"),
	})
	if r := a.control("/_sim/debit", reverse); r.status != http.StatusBadRequest {
		t.Errorf("reversed twice: %d", r.status)
	}
}

// Some debits are in the balance before the bank has paid; those that fail are
// taken out again.
func TestAFailedDebitIsTakenBack(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	a.knobs(`{"debit_early_transaction": true}`)
	id := a.debited("sepa_fails")
	txn := "payment_intent.latest_charge.balance_transaction."
	a.session(id).expect(t, map[string]any{txn + "amount": 2500, txn + "status": "pending", "payment_status": "unpaid"})

	a.advance(5 * day)

	charge := a.session(id).text("payment_intent.latest_charge.id")
	back := a.get("/v1/charges/" + charge + "?expand[]=failure_balance_transaction")
	back.expect(t, map[string]any{
		"status": "failed", "failure_balance_transaction.type": "payment_failure_refund",
		"failure_balance_transaction.reporting_category": "charge_failure", "failure_balance_transaction.amount": -2500,
		"failure_balance_transaction.net": -2465,
	})
}

func TestTheCheckoutPageForDebits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := open(t, func(c *Config) { c.Dir = dir })
	id := a.checkout(debitGift(methodSEPA))
	card := a.get("/c/pay/" + id).raw
	if !strings.Contains(card, `name="card_number"`) || !strings.Contains(card, `href="/c/pay/`+id+`?method=sepa_debit"`) {
		t.Error("the page shows no way to pay otherwise")
	}
	page := a.get("/c/pay/" + id + "?method=sepa_debit").raw
	for _, part := range []string{`name="iban"`, `value="sepa_debit"`, "AT61 1904 3002 3457 3201", "days later", `aria-current="page"`} {
		if !strings.Contains(page, part) {
			t.Errorf("page lacks %q", part)
		}
	}
	if strings.Contains(page, "card_number") || strings.Contains(a.get("/c/pay/"+id+"?method=bacs_debit").raw, "sort_code") {
		t.Error("a form of another method")
	}
	const real = "DE75512108001245126199" // right check digits, published by nobody
	for number, want := range map[string]string{"AT611904300234573202": "not right", real: "published test accounts", "": "not right"} {
		form := accountForm(bankAccountNamed("sepa"))
		form.Set("iban", number)
		r := a.post("/c/pay/"+id, form)
		if r.status != http.StatusUnprocessableEntity || !strings.Contains(r.raw, want) || strings.Contains(r.raw, real) || !strings.Contains(r.raw, `name="iban"`) {
			t.Errorf("%q: %d", number, r.status)
		}
	}
	stored, err := os.ReadFile(filepath.Join(dir, logName))
	if err != nil || strings.Contains(string(stored), real) {
		t.Errorf("an account number was stored, or %v", err)
	}
	for name, change := range map[string]func(url.Values){
		"another currency": func(f url.Values) { f.Set("line_items[0][price_data][currency]", "usd") },
		"dollars alone":    func(f url.Values) { f.Set("payment_method_types[1]", methodACH) },
		"unknown method":   func(f url.Values) { f.Set("payment_method_types[1]", "klarna") },
		"twice the same":   func(f url.Values) { f.Set("payment_method_types[1]", "card") },
	} {
		form := debitGift(methodSEPA)
		change(form)
		if r := a.post("/v1/checkout/sessions", form); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, r.status)
		}
	}
}
