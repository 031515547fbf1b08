package conformance

import (
	"net/url"
	"testing"
	"time"

	"github.com/almoner/almoner/tools/stripesim"
)

// testAccount is one of Stripe's published bank accounts and what Stripe says it does.
type testAccount struct {
	method, number string
	// within is how long the bank takes at most.
	within time.Duration
	fails  bool
	// disputed says that the bank takes the money back at once.
	disputed bool
}

const (
	days     = 10 * 24 * time.Hour
	threeMin = 3 * time.Minute
)

var testAccounts = []testAccount{
	{"sepa_debit", "AT611904300234573201", days, false, false},
	{"sepa_debit", "AT321904300235473204", threeMin, false, false},
	{"sepa_debit", "AT861904300235473202", days, true, false},
	{"sepa_debit", "AT051904300235473205", threeMin, true, false},
	{"sepa_debit", "AT591904300235473203", days, false, true},
	{"bacs_debit", "00012345", days, false, false},
	{"bacs_debit", "90012345", threeMin, false, false},
	{"bacs_debit", "22222227", days, true, false},
	{"bacs_debit", "92222227", threeMin, true, false},
	{"bacs_debit", "33333335", days, true, false},
	{"bacs_debit", "93333335", threeMin, true, false},
	{"bacs_debit", "55555559", threeMin, false, true},
	{"bacs_debit", "34343434", days, true, false},
	{"bacs_debit", "12121212", days, true, false},
	{"us_bank_account", "000123456789", days, false, false},
	{"us_bank_account", "000111111113", days, true, false},
	{"us_bank_account", "000111111116", days, true, false},
	{"us_bank_account", "000222222227", days, true, false},
	{"us_bank_account", "000333333335", days, true, false},
	{"us_bank_account", "000444444440", days, true, false},
	{"us_bank_account", "000777777771", days, true, false},
	{"us_bank_account", "000555555559", days, false, true},
}

func (b testAccount) gift() string {
	currency := "eur"
	switch b.method {
	case "bacs_debit":
		currency = "gbp"
	case "us_bank_account":
		currency = "usd"
	}
	return giftOf(currency, 5000) + "&payment_method_types[0]=card&payment_method_types[1]=" + b.method
}

func (b testAccount) form() url.Values {
	form := url.Values{"method": {b.method}, "email": {"amina@example.org"}, "name": {"Amina Yusuf"}}
	switch b.method {
	case "bacs_debit":
		form.Set("sort_code", "10-88-00")
		form.Set("account_number", b.number)
	case "us_bank_account":
		form.Set("routing_number", "110000000")
		form.Set("account_number", b.number)
	default:
		form.Set("iban", b.number)
	}
	return form
}

// Each published account is debited as Stripe publishes: nothing is paid at first,
// and then it is, or fails, or is taken back.
func TestBankAccounts(t *testing.T) {
	t.Parallel()
	for i, b := range testAccounts {
		t.Run(b.method+" "+b.number, func(t *testing.T) {
			t.Parallel()
			a := open(t, func(cfg *stripesim.Config) { cfg.Seed = uint64(3000 + i) })
			s := &story{account: a}
			session := s.debit(b)
			for path, value := range map[string]any{
				"status": "complete", "payment_status": "unpaid", "payment_intent.status": "processing",
				"payment_intent.latest_charge.status": "pending", "payment_intent.amount_received": float64(0),
			} {
				if session.at(path) != value {
					t.Errorf("at first %s is %v, want %v", path, session.at(path), value)
				}
			}
			s.advance(b.within)
			session = s.get("/v1/checkout/sessions/"+session.text("id"), "expand[0]=payment_intent.latest_charge")
			paid, status, charge := "paid", "succeeded", "succeeded"
			events := []string{
				"payment_intent.created", "payment_intent.processing", "charge.pending", "checkout.session.completed",
				"charge.succeeded", "payment_intent.succeeded", "checkout.session.async_payment_succeeded",
			}
			if b.fails {
				paid, status, charge = "unpaid", "requires_payment_method", "failed"
				events = append(events[:4], "charge.failed", "payment_intent.payment_failed", "checkout.session.async_payment_failed")
			}
			if b.disputed {
				events = append(events, "charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.updated", "charge.dispute.closed")
			}
			for path, value := range map[string]any{
				"payment_status": paid, "payment_intent.status": status, "payment_intent.latest_charge.status": charge,
				"payment_intent.latest_charge.disputed": b.disputed,
			} {
				if session.at(path) != value {
					t.Errorf("%s is %v, want %v", path, session.at(path), value)
				}
			}
			sawEvents(t, s, events)
		})
	}
}
