package stripesim

import (
	"bytes"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func itoa64(n int64) string { return strconv.FormatInt(n, 10) }

// Every published card does what Stripe says it does.
func TestCards(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	declines := map[string][2]string{
		"4000000000000002": {"card_declined", "generic_decline"},
		"4000000000009995": {"card_declined", "insufficient_funds"},
		"4000000000009987": {"card_declined", "lost_card"},
		"4000000000009979": {"card_declined", "stolen_card"},
		"4000000000006975": {"card_declined", "card_velocity_exceeded"},
		"4000000000000069": {"expired_card", ""},
		"4000000000000127": {"incorrect_cvc", ""},
		"4000000000000119": {"processing_error", ""},
		"4000000000000341": {"card_declined", "generic_decline"},
		"4000008260003178": {"card_declined", "insufficient_funds"},
		"4000008400001629": {"card_declined", "generic_decline"},
		"4000008400001280": {"card_declined", "generic_decline"},
		"4100000000000019": {"card_declined", "fraudulent"},
		"4000000000004954": {"card_declined", "fraudulent"},
	}
	for _, c := range cards() {
		t.Run(c.name, func(t *testing.T) {
			if !luhn(c.number) {
				t.Fatalf("%s fails the Luhn check", c.number)
			}
			id := a.checkout(gift())
			r := a.pay(id, c.spaced())
			if strings.HasPrefix(r.header.Get("Location"), "/3ds/") {
				if c.secure != secureChallenge {
					t.Error("asked for 3-D Secure")
				}
				r = a.post(r.header.Get("Location"), map[string][]string{"result": {"complete"}})
			}
			after := a.session(id)
			want, declined := declines[c.number]
			if !declined {
				checkSuccess(t, c, after)
				return
			}
			got := [2]string{after.text("payment_intent.last_payment_error.code"), after.text("payment_intent.last_payment_error.decline_code")}
			if got != want || after.text("status") != "open" {
				t.Errorf("declined with %v, want %v", got, want)
			}
			charge := "payment_intent.latest_charge."
			if after.text(charge+"failure_code") != want[0] || after.text(charge+"status") != "failed" || after.path(charge+"balance_transaction") != nil {
				t.Errorf("charge: %v", after.path("payment_intent.latest_charge"))
			}
		})
	}
}

func checkSuccess(t *testing.T, c card, after answer) {
	t.Helper()
	details := "payment_intent.latest_charge.payment_method_details.card."
	if after.text("payment_status") != "paid" || after.text(details+"country") != c.country || after.text(details+"last4") != c.last4() {
		t.Errorf("not paid: %s", after.raw)
	}
	checks := map[string]string{"cvc_check": c.check(c.failsCVC), "address_postal_code_check": c.check(c.failsPostal)}
	for name, want := range checks {
		if got := after.text(details + "checks." + name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	txn := "payment_intent.latest_charge.balance_transaction."
	if available := after.text(txn+"status") == "available"; available != c.instant {
		t.Errorf("available at once: %v", available)
	}
	if c.secure != secureNever && after.text(details+"three_d_secure.result") != "authenticated" {
		t.Error("no trace of 3-D Secure")
	}
	foreign := !listed(eea, c.country)
	if want := fee(2500, "eur", c.country); after.number(txn+"fee") != want || (want == 63) == foreign {
		t.Errorf("fee %d", after.number(txn+"fee"))
	}
}

func TestWhatIsNotATestCardIsRefusedAndForgotten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var log bytes.Buffer
	a := open(t, func(c *Config) {
		c.Dir = dir
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	id := a.checkout(gift())
	const real = "4539578763621486" // Luhn-valid, published by nobody

	refused := a.pay(id, real)

	if refused.status != http.StatusUnprocessableEntity || !strings.Contains(refused.raw, "published test cards") {
		t.Errorf("%d %s", refused.status, refused.raw)
	}
	paid := a.pay(id, "4242424242424242")
	if paid.status != http.StatusSeeOther {
		t.Fatalf("paid: %d", paid.status)
	}
	stored, err := os.ReadFile(filepath.Join(dir, logName))
	if err != nil {
		t.Fatal(err)
	}
	for _, number := range []string{real, "4242424242424242"} {
		if strings.Contains(string(stored), number) || strings.Contains(log.String(), number) || strings.Contains(refused.raw, real) {
			t.Errorf("%s was kept", number)
		}
	}
}

func TestBadInputOnTheForm(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	id := a.checkout(gift())
	for name, test := range map[string]struct{ field, value, message string }{
		"fails Luhn":      {"card_number", "4242424242424241", "card number is incorrect"},
		"letters":         {"card_number", "4242abcd42424242", "card number is incorrect"},
		"empty number":    {"card_number", "", "card number is incorrect"},
		"endless number":  {"card_number", strings.Repeat("4", 5000), "card number is incorrect"},
		"month 13":        {"exp", "13/34", "expiration month is invalid"},
		"past month":      {"exp", "03/26", "expiration month is invalid"},
		"past year":       {"exp", "12/25", "expiration year is invalid"},
		"far year":        {"exp", "12/2099", "expiration year is invalid"},
		"no year":         {"exp", "12", "expiration year is invalid"},
		"CVC 99":          {"cvc", "99", "security code is invalid"},
		"code of number":  {"card_number", "4242424242424241", `data-code="incorrect_number"`},
		"code of month":   {"exp", "13/34", `data-code="invalid_expiry_month"`},
		"code of year":    {"exp", "12/25", `data-code="invalid_expiry_year"`},
		"code of CVC":     {"cvc", "99", `data-code="invalid_cvc"`},
		"long street":     {"line1", strings.Repeat("x", 201), "shorter address"},
		"CVC of letters":  {"cvc", "abc", "security code is invalid"},
		"CVC of four":     {"cvc", "1234", "security code is invalid"},
		"e-mail":          {"email", "ann at example", "e-mail address"},
		"no name":         {"name", " ", "name on the card"},
		"country":         {"country", "Germany", "two letters"},
		"long postcode":   {"postal_code", strings.Repeat("1", 21), "shorter postal code"},
		"invalid UTF-8":   {"email", "ann\xff@example.org", "e-mail address"},
		"markup in email": {"email", `"><script>alert(1)</script>`, "e-mail address"},
	} {
		form := cardForm("4242424242424242")
		form.Set(test.field, test.value)
		r := a.post("/c/pay/"+id, form)
		if r.status != http.StatusUnprocessableEntity || !strings.Contains(strings.ReplaceAll(r.raw, "&#39;", "'"), test.message) {
			t.Errorf("%s: %d", name, r.status)
		}
		if strings.Contains(r.raw, "<script") {
			t.Errorf("%s: markup came back as markup", name)
		}
	}
	if events := a.eventTypes(); len(events) != 0 {
		t.Errorf("bad input made events %v", events)
	}
	huge := a.post("/c/pay/"+id, map[string][]string{"name": {strings.Repeat("x", 1<<20)}})
	if huge.status != http.StatusBadRequest {
		t.Errorf("huge form: %d", huge.status)
	}
	for _, exp := range []string{"04/26", "4/2026", "1234", "12 / 34"} {
		p := payment{}
		if refused := p.readExpiry(exp, a.clock.now()); refused != "" {
			t.Errorf("%q: %s", exp, refused)
		}
	}
}

func TestThePageNeedsNoScript(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	form := gift()
	form.Set("line_items[0][price_data][product_data][name]", "<b>Relief & more</b>")
	form.Set("customer_email", "set@example.org")
	page := a.get("/c/pay/" + a.checkout(form))

	policy := page.header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "style-src 'self'", "frame-ancestors 'none'", "form-action 'self' http://donate.example"} {
		if !strings.Contains(policy, part) {
			t.Errorf("policy lacks %q: %s", part, policy)
		}
	}
	for _, part := range []string{
		"no real money", "25.00 EUR", "&lt;b&gt;Relief &amp; more&lt;/b&gt;", `href="http://donate.example/cancelled"`,
		`name="email"`, `name="card_number"`, `name="exp"`, `name="cvc"`, `name="name"`, `name="country"`, `name="postal_code"`,
		"4242 4242 4242 4242", "Donate 25.00 EUR", `value="set@example.org"`, "readonly",
	} {
		if !strings.Contains(page.raw, part) {
			t.Errorf("page lacks %q", part)
		}
	}
	for _, part := range []string{"<script", "style=", "onclick"} {
		if strings.Contains(page.raw, part) {
			t.Errorf("page has %q", part)
		}
	}
	if style := a.get("/_sim/style.css"); !strings.HasPrefix(style.header.Get("Content-Type"), "text/css") {
		t.Error("no style")
	}
	if front := a.get("/"); front.header.Get("Location") != "/_sim" && !strings.Contains(front.raw, "<h1>Stripe simulator</h1>") {
		t.Error("the bare address does not lead to the dashboard")
	}
}
