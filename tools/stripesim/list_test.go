package stripesim

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"
)

func ids(r answer) []string {
	var out []string
	rows, _ := r.path("data").([]any)
	for _, row := range rows {
		out = append(out, row.(map[string]any)["id"].(string))
	}
	return out
}

// manyGifts makes n paid gifts a minute apart and returns the ids of their
// balance transactions, newest first.
func manyGifts(t *testing.T, a *account, n int) []string {
	t.Helper()
	var out []string
	for i := range n {
		currency := []string{"eur", "usd"}[i%2]
		id := a.give(giftOf(int64(1000+i), currency))
		out = append(out, a.session(id).text("payment_intent.latest_charge.balance_transaction.id"))
		a.clock.advance(time.Minute)
	}
	slices.Reverse(out)
	return out
}

func TestPagesHaveNoGapsInEitherDirection(t *testing.T) {
	t.Parallel()
	a := prepare(t, nil)
	all := manyGifts(t, a, 25)

	var down []string
	cursor := ""
	for {
		page := a.get("/v1/balance_transactions?limit=7" + cursor)
		down = append(down, ids(page)...)
		if page.path("has_more") != true {
			break
		}
		cursor = "&starting_after=" + down[len(down)-1]
	}
	if !slices.Equal(down, all) {
		t.Errorf("downwards: %d rows", len(down))
	}

	// From the oldest upwards, as an importer does that knows what it has seen.
	up := []string{all[24]}
	for {
		page := a.get("/v1/balance_transactions?limit=7&ending_before=" + up[0])
		up = append(ids(page), up...)
		if page.path("has_more") != true {
			break
		}
	}
	if !slices.Equal(up, all) {
		t.Errorf("upwards: %d rows", len(up))
	}
	if ten := a.get("/v1/charges"); len(ids(ten)) != 10 || ten.text("url") != "/v1/charges" || ten.text("object") != "list" {
		t.Error("a page has ten rows when nobody says otherwise")
	}
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	a := prepare(t, nil)
	start := a.clock.now().Unix()
	manyGifts(t, a, 6)
	a.pay(a.checkout(gift()), "4000000000000002")
	open := a.checkout(gift())
	last := a.sim.Truth().BalanceTransactions[5]
	intent := a.sim.Truth().PaymentIntents[5]
	for path, want := range map[string]int{
		"/v1/balance_transactions?currency=EUR":                                                                   3,
		"/v1/balance_transactions?currency=jpy":                                                                   0,
		"/v1/balance_transactions?type=charge&currency=usd":                                                       3,
		"/v1/balance_transactions?type=payout":                                                                    0,
		"/v1/balance_transactions?source=" + last.Source:                                                          1,
		"/v1/balance_transactions?source=ch_unknown":                                                              0,
		"/v1/balance_transactions?created=" + fmt.Sprint(start+60):                                                1,
		"/v1/balance_transactions?created[gte]=" + fmt.Sprint(start+60) + "&created[lt]=" + fmt.Sprint(start+180): 2,
		"/v1/balance_transactions?created[gt]=" + fmt.Sprint(start+60) + "&created[lte]=" + fmt.Sprint(start+180): 2,
		"/v1/charges?payment_intent=" + intent.ID:                                                                 1,
		"/v1/charges?payment_intent=pi_unknown":                                                                   0,
		"/v1/checkout/sessions?status=open":                                                                       2,
		"/v1/checkout/sessions?status=complete":                                                                   6,
		"/v1/checkout/sessions?payment_intent=" + intent.ID:                                                       1,
		"/v1/checkout/sessions?payment_intent=pi_unknown":                                                         0,
		"/v1/checkout/sessions?" + url.Values{"customer_details[email]": {"ANN@example.org"}}.Encode():            6,
		"/v1/payment_intents?limit=100":                                                                           7,
		"/v1/events?type=checkout.session.completed":                                                              6,
		"/v1/events?types[]=charge.failed&types[]=charge.succeeded":                                               7,
		"/v1/events?limit=100&delivery_success=false":                                                             0,
	} {
		r := a.get(path)
		if r.status != 200 || len(ids(r)) != want {
			t.Errorf("%s: %d rows, want %d: %d", path, len(ids(r)), want, r.status)
		}
	}
	expanded := a.get("/v1/charges?limit=1&starting_after=" + a.sim.Truth().Charges[6].ID + "&expand[]=data.balance_transaction&expand[]=data.payment_intent&expand[]=data.refunds")
	row := expanded.path("data").([]any)[0].(map[string]any)
	if row["balance_transaction"].(map[string]any)["id"] != last.ID || row["payment_intent"].(map[string]any)["id"] != intent.ID || row["refunds"].(map[string]any)["object"] != "list" {
		t.Errorf("expanded: %v", row)
	}
	source := a.get("/v1/balance_transactions/" + last.ID + "?expand[]=source")
	if source.text("source.object") != "charge" {
		t.Errorf("source: %s", source.raw)
	}
	for path, code := range map[string]string{
		"/v1/charges?limit=0":                                               "parameter_invalid_integer",
		"/v1/charges?limit=101":                                             "parameter_invalid_integer",
		"/v1/charges?starting_after=ch_unknown":                             "resource_missing",
		"/v1/charges?starting_after=a&ending_before=b":                      "parameters_exclusive",
		"/v1/charges?colour=red":                                            "parameter_unknown",
		"/v1/charges?expand[]=balance_transaction":                          "",
		"/v1/events?expand[]=data.data":                                     "",
		"/v1/balance?expand[]=available":                                    "",
		"/v1/charges?created[since]=1":                                      "parameter_unknown",
		"/v1/charges?created=today":                                         "parameter_invalid_integer",
		"/v1/balance_transactions?payout=po_1":                              "resource_missing",
		"/v1/checkout/sessions?status=paid":                                 "",
		"/v1/events?type=a.b&types[]=c.d":                                   "parameters_exclusive",
		"/v1/events?delivery_success=maybe":                                 "",
		"/v1/checkout/sessions/" + open + "?expand[]=payment_intent.colour": "*",
	} {
		r := a.get(path)
		// An expand path below a null is not followed, at Stripe neither.
		if code == "*" {
			if r.status != 200 {
				t.Errorf("%s: %d", path, r.status)
			}
			continue
		}
		if r.status != 400 || r.text("error.code") != code {
			t.Errorf("%s: %d %s", path, r.status, r.raw)
		}
	}
}

func TestEventsAreShownForThirtyDays(t *testing.T) {
	t.Parallel()
	a := prepare(t, nil)
	a.give(gift())
	id := ids(a.get("/v1/events"))[0]
	a.clock.advance(30*24*time.Hour + time.Second)
	if r := a.get("/v1/events/" + id); r.status != 404 {
		t.Errorf("%d", r.status)
	}
	if r := a.get("/v1/events"); len(ids(r)) != 0 {
		t.Error("old events are listed")
	}
}
