package conformance

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"github.com/almoner/almoner/tools/stripesim"
)

// rowsOfALongList are more than two pages of a hundred.
const rowsOfALongList = 250

// Three readers of a long list see the same rows in the same order, none twice:
// pages of seven by hand, the iterator of stripe-go and that of stripe-node.
func TestLongLists(t *testing.T) {
	t.Parallel()
	a := open(t, func(c *stripesim.Config) { c.Seed = 11 })
	s := &story{account: a}
	for i := range rowsOfALongList {
		s.do("/_sim/foreign_charge", fmt.Sprintf(`{"amount": %d, "currency": "eur"}`, 1000+i))
		s.post("/v1/checkout/sessions", aGift)
	}
	rows := map[string][]string{}
	for _, path := range []string{
		"/v1/balance_transactions", "/v1/charges", "/v1/checkout/sessions", "/v1/events", "/v1/payment_intents",
	} {
		rows[path] = byHand(s, path)
	}
	if s.err != nil {
		t.Fatal(s.err)
	}
	for _, path := range slices.Sorted(maps.Keys(rows)) {
		t.Run("by stripe-go "+path, func(t *testing.T) {
			if len(rows[path]) < rowsOfALongList {
				t.Fatalf("only %d rows", len(rows[path]))
			}
			got, err := iterate(a, path)
			if err != nil || !slices.Equal(got, rows[path]) {
				t.Errorf("%d rows instead of %d, or in another order: %v", len(got), len(rows[path]), err)
			}
			slices.Sort(got)
			if len(slices.Compact(got)) != len(rows[path]) {
				t.Error("a row came twice")
			}
		})
	}
	runNode(t, a, "pages.mjs", "ROWS="+encoded(rows))
}

func byHand(s *story, path string) []string {
	var ids []string
	cursor := ""
	for s.err == nil {
		page := s.get(path, "limit=7"+cursor)
		data, _ := page.at("data").([]any)
		for _, row := range data {
			ids = append(ids, fmt.Sprint(follow(row, "id")))
		}
		if page.at("has_more") != true {
			break
		}
		cursor = "&starting_after=" + ids[len(ids)-1]
	}
	return ids
}

// stripeGo is Stripe's own client for Go, as anybody would set it up.
func stripeGo(a *account, retries int64) *client.API {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(a.url), HTTPClient: a.client, EnableTelemetry: stripe.Bool(false),
		MaxNetworkRetries: stripe.Int64(retries), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	})
	return client.New(testKey, &stripe.Backends{API: backend, Connect: backend, Uploads: backend})
}

func iterate(a *account, path string) ([]string, error) {
	api := stripeGo(a, 0)
	page := stripe.ListParams{Limit: stripe.Int64(100)}
	var ids []string
	switch path {
	case "/v1/balance_transactions":
		rows := api.BalanceTransactions.List(&stripe.BalanceTransactionListParams{ListParams: page})
		for rows.Next() {
			ids = append(ids, rows.BalanceTransaction().ID)
		}
		return ids, rows.Err()
	case "/v1/charges":
		rows := api.Charges.List(&stripe.ChargeListParams{ListParams: page})
		for rows.Next() {
			ids = append(ids, rows.Charge().ID)
		}
		return ids, rows.Err()
	case "/v1/checkout/sessions":
		rows := api.CheckoutSessions.List(&stripe.CheckoutSessionListParams{ListParams: page})
		for rows.Next() {
			ids = append(ids, rows.CheckoutSession().ID)
		}
		return ids, rows.Err()
	case "/v1/events":
		rows := api.Events.List(&stripe.EventListParams{ListParams: page})
		for rows.Next() {
			ids = append(ids, rows.Event().ID)
		}
		return ids, rows.Err()
	case "/v1/payment_intents":
		rows := api.PaymentIntents.List(&stripe.PaymentIntentListParams{ListParams: page})
		for rows.Next() {
			ids = append(ids, rows.PaymentIntent().ID)
		}
		return ids, rows.Err()
	}
	return nil, fmt.Errorf("there is no iterator for %s here", path)
}
