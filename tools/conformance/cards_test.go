package conformance

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/almoner/almoner/tools/stripesim"
)

// testCard is one of Stripe's published numbers and what Stripe says it does.
type testCard struct {
	number, country string
	// code and declineCode are those of the error; success has none.
	code, declineCode string
	secure            bool
	// network is the outcome's word, where it is not the usual one.
	network string
	// review says that Stripe asks a person to look at the payment.
	review bool
	// then are the events that come after the gift's own.
	then []string
}

func succeeds(number, country string) testCard { return testCard{number: number, country: country} }

func declined(number, code, declineCode string) testCard {
	return testCard{number: number, country: "US", code: code, declineCode: declineCode}
}

func (c testCard) asksFirst(country string) testCard {
	c.secure, c.country = true, country
	return c
}

func (c testCard) blocked() testCard {
	c.network = "not_sent_to_network"
	return c
}

func (c testCard) reviewed() testCard {
	c.review = true
	return c
}

func (c testCard) thenComes(types ...string) testCard {
	c.then = types
	return c
}

var testCards = []testCard{
	succeeds("4242424242424242", "US"),
	succeeds("4000056655665556", "US"),
	succeeds("5555555555554444", "US"),
	succeeds("2223003122003222", "US"),
	succeeds("5200828282828210", "US"),
	succeeds("5105105105105100", "US"),
	succeeds("378282246310005", "US"),
	succeeds("371449635398431", "US"),
	succeeds("6011111111111117", "US"),
	succeeds("3056930009020004", "US"),
	succeeds("3566002020360505", "JP"),
	succeeds("6200000000000005", "CN"),
	succeeds("4000000400000008", "AT"),
	succeeds("4000000560000004", "BE"),
	succeeds("4000002760000016", "DE"),
	succeeds("4000002500000003", "FR"),
	succeeds("4000008260000000", "GB"),
	succeeds("4000007560000009", "CH"),
	succeeds("4000003920000003", "JP"),
	succeeds("4000000000003055", "US"),
	succeeds("4000000000003097", "US"),
	succeeds("4000000032200000", "US"),
	succeeds("4000000000009235", "US").reviewed().thenComes("review.opened"),
	succeeds("4000000000005423", "US").thenComes("radar.early_fraud_warning.created"),
	succeeds("4000000000000101", "US"),
	succeeds("4000000000000036", "US"),
	succeeds("4000000000000028", "US"),
	succeeds("4000000000000010", "US"),
	succeeds("4000000000000077", "US"),
	succeeds("4000003720000278", "IE"),
	succeeds("4000000000007726", "US"),
	succeeds("4000000000005126", "US"),
	succeeds("4000000000000259", "US").thenComes("charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.updated"),
	succeeds("4000000000002685", "US").thenComes("charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.updated"),
	succeeds("4000000000001976", "US").thenComes("charge.dispute.created"),
	succeeds("4000000404000079", "US").thenComes("charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.updated",
		"charge.dispute.created", "charge.dispute.funds_withdrawn"),
	declined("4000000000000002", "card_declined", "generic_decline"),
	declined("4000000000009995", "card_declined", "insufficient_funds"),
	declined("4000000000009987", "card_declined", "lost_card"),
	declined("4000000000009979", "card_declined", "stolen_card"),
	declined("4000000000006975", "card_declined", "card_velocity_exceeded"),
	declined("4000000000000069", "expired_card", ""),
	declined("4000000000000127", "incorrect_cvc", ""),
	declined("4000000000000119", "processing_error", ""),
	declined("4000000000000341", "card_declined", "generic_decline"),
	declined("4000008400001280", "card_declined", "generic_decline"),
	declined("4100000000000019", "card_declined", "fraudulent").blocked(),
	declined("4000000000004954", "card_declined", "fraudulent").blocked(),
	succeeds("4000002500003155", "").asksFirst("FR"),
	succeeds("4000002760003184", "").asksFirst("DE"),
	succeeds("4000003800000446", "").asksFirst("IT"),
	succeeds("4000000000003220", "").asksFirst("US"),
	succeeds("4000008400000027", "").asksFirst("US"),
	declined("4000008260003178", "card_declined", "insufficient_funds").asksFirst("GB"),
	declined("4000008400001629", "card_declined", "generic_decline").asksFirst("US"),
}

// Each published number does what Stripe publishes: charge, codes, country, events.
func TestCards(t *testing.T) {
	t.Parallel()
	for i, c := range testCards {
		t.Run(c.number, func(t *testing.T) {
			t.Parallel()
			// An account each, so that the events are this card's and no other's.
			a := open(t, func(cfg *stripesim.Config) { cfg.Seed = uint64(2000 + i) })
			useCard(t, a, c)
		})
	}
}

func useCard(t *testing.T, a *account, c testCard) {
	t.Helper()
	s := &story{account: a}
	session := s.post("/v1/checkout/sessions", aGift).text("id")
	to := s.pay(session, c.number)
	asked := strings.Contains(to, "/3ds/")
	if asked {
		s.page(to, url.Values{"result": {"complete"}})
	}
	charge := "payment_intent.latest_charge."
	after := s.get("/v1/checkout/sessions/"+session, "expand[0]=payment_intent.latest_charge")
	if s.err != nil {
		t.Fatal(s.err)
	}
	if asked != c.secure {
		t.Errorf("asked for 3-D Secure: %t", asked)
	}
	want := map[string]any{
		"status": "complete", "payment_status": "paid", "payment_intent.status": "succeeded", charge + "status": "succeeded",
		charge + "outcome.type": "authorized", charge + "outcome.network_status": "approved_by_network",
		charge + "failure_code": nil, charge + "payment_method_details.card.last4": c.number[len(c.number)-4:],
		charge + "payment_method_details.card.country": c.country,
	}
	events := []string{"payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"}
	if c.code != "" {
		events = []string{"payment_intent.created", "charge.failed", "payment_intent.payment_failed"}
		failure := map[string]any{
			"status": "open", "payment_status": "unpaid", "payment_intent.status": "requires_payment_method",
			"payment_intent.last_payment_error.code": c.code, "payment_intent.last_payment_error.type": "card_error",
			charge + "status": "failed", charge + "failure_code": c.code, charge + "balance_transaction": nil,
			charge + "outcome.type": "issuer_declined", charge + "outcome.network_status": "declined_by_network",
		}
		if c.declineCode != "" {
			failure["payment_intent.last_payment_error.decline_code"] = c.declineCode
		}
		if c.network != "" {
			failure[charge+"outcome.type"], failure[charge+"outcome.network_status"] = "blocked", c.network
		}
		for path, value := range failure {
			want[path] = value
		}
	}
	if c.review {
		want[charge+"outcome.type"] = "manual_review"
	}
	if c.secure {
		events = slices.Insert(events, 1, "payment_intent.requires_action")
	}
	for path, value := range want {
		if after.at(path) != value {
			t.Errorf("%s is %v, want %v", path, after.at(path), value)
		}
	}
	sawEvents(t, s, append(events, c.then...))
}

// sawEvents compares the events of the account, oldest first.
func sawEvents(t *testing.T, s *story, want []string) {
	t.Helper()
	page := s.get("/v1/events", "limit=100")
	rows, _ := page.at("data").([]any)
	var got []string
	for _, row := range slices.Backward(rows) {
		got = append(got, fmt.Sprint(follow(row, "type")))
	}
	if s.err != nil || !slices.Equal(got, want) {
		t.Errorf("events %v, want %v (%v)", got, want, s.err)
	}
}

var printedNumber = regexp.MustCompile(`\b\d{4} (?:\d{4} ?){2}\d{3,4}\b|\b\d{4} \d{4} \d{4} \d{3,4}\b`)

// Every card that the checkout page offers is in the table above, and what is
// typed wrongly is refused by the page without a trace.
func TestCheckoutPageOffersTheseCards(t *testing.T) {
	t.Parallel()
	a := open(t, func(c *stripesim.Config) { c.Seed = 20 })
	s := &story{account: a}
	session := s.post("/v1/checkout/sessions", aGift).text("id")
	page, err := a.call("GET", "/c/pay/"+session, "")
	if s.err != nil || err != nil || page.status != http.StatusOK {
		t.Fatal(s.err, err, page.status)
	}
	offered := printedNumber.FindAllString(string(page.raw), -1)
	if len(offered) < 40 {
		t.Fatalf("the page offers %d cards", len(offered))
	}
	for _, number := range offered {
		digits := strings.ReplaceAll(number, " ", "")
		if !slices.ContainsFunc(testCards, func(c testCard) bool { return c.number == digits }) {
			t.Errorf("no line of testCards says what %s does", number)
		}
	}
	for _, typed := range []struct{ name, field, value string }{
		{"a number with a wrong digit", "card_number", "4242424242424241"},
		{"a card that may be real", "card_number", "4532015112830366"},
		{"month 13", "exp", "13/34"},
		{"a year that has passed", "exp", "12/20"},
		{"two digits for a CVC", "cvc", "99"},
	} {
		t.Run(typed.name, func(t *testing.T) {
			form := paying("4242424242424242")
			form.Set(typed.field, typed.value)
			status, location, err := a.submit("/c/pay/"+session, form)
			if err != nil || status != http.StatusUnprocessableEntity || location != "" {
				t.Errorf("%d %q %v", status, location, err)
			}
			if made := len(a.sim.Truth().PaymentIntents); made != 0 {
				t.Errorf("%d payment intents were made", made)
			}
		})
	}
}
