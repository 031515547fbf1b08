package stripesim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// monthly is a gift of 25.00 EUR a month with 0.90 towards the fees.
func monthly() url.Values {
	return url.Values{
		"mode":        {"subscription"},
		"success_url": {"http://donate.example/thanks?s={CHECKOUT_SESSION_ID}"}, "cancel_url": {"http://donate.example/cancelled"},
		"line_items[0][quantity]":                        {"1"},
		"line_items[0][price_data][currency]":            {"eur"},
		"line_items[0][price_data][unit_amount]":         {"2500"},
		"line_items[0][price_data][recurring][interval]": {"month"},
		"line_items[0][price_data][product_data][name]":  {"Winter relief"},
		"line_items[1][quantity]":                        {"1"},
		"line_items[1][price_data][currency]":            {"eur"},
		"line_items[1][price_data][unit_amount]":         {"90"},
		"line_items[1][price_data][recurring][interval]": {"month"},
		"line_items[1][price_data][product_data][name]":  {"Towards the payment fee"},
		"metadata[donation_id]":                          {"don_1"},
		"subscription_data[metadata][pledge_id]":         {"plg_1"},
		"subscription_data[description]":                 {"Monthly gift"},
	}
}

// pledge starts a plan with a card and returns its id.
func (a *account) pledge(form url.Values, number string) string {
	a.t.Helper()
	id := a.checkout(form)
	r := a.pay(id, number)
	if strings.HasPrefix(r.header.Get("Location"), "/3ds/") {
		r = a.post(r.header.Get("Location"), url.Values{"result": {"complete"}})
	}
	if r.status != http.StatusSeeOther {
		a.t.Fatalf("pledge: %d %s", r.status, r.raw)
	}
	return a.get("/v1/checkout/sessions/" + id).text("subscription")
}

func (a *account) plan(id string) answer {
	a.t.Helper()
	return a.get("/v1/subscriptions/" + id + "?expand[]=latest_invoice.payment_intent.latest_charge&expand[]=customer")
}

// days moves the simulated clock on.
func (a *account) days(n int) { a.t.Helper(); a.advance(int64(n) * 86_400) }

// newEvents are the types of the events that an act made.
func (a *account) newEvents(act func()) []string {
	a.t.Helper()
	before := len(a.eventTypes())
	act()
	return a.eventTypes()[before:]
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

func TestAMonthlyGiftBegins(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	id := a.checkout(monthly())
	before := a.get("/v1/checkout/sessions/" + id)
	if before.text("mode") != "subscription" || before.path("subscription") != nil || before.path("customer") != nil ||
		before.path("submit_type") != nil || before.number("amount_total") != 2590 {
		t.Fatalf("before: %s", before.raw)
	}

	events := a.newEvents(func() { a.pay(id, "4000002760000016") })

	same(t, "events", events, []string{
		"customer.created", "charge.succeeded", "payment_method.attached", "invoice.created", "customer.subscription.created",
		"invoice.updated", "invoice.updated", "invoice.finalized", "customer.subscription.updated", "invoice.paid",
		"invoice.updated", "invoice.payment_succeeded", "payment_intent.created", "payment_intent.succeeded",
		"checkout.session.completed",
	})
	after := a.get("/v1/checkout/sessions/" + id + "?expand[]=subscription&expand[]=invoice.charge.balance_transaction&expand[]=invoice.payment_intent&expand[]=customer")
	for path, want := range map[string]string{
		"status": "complete", "payment_status": "paid", "subscription.status": "active", "subscription.metadata.pledge_id": "plg_1",
		"subscription.description": "Monthly gift", "invoice.status": "paid", "invoice.billing_reason": "subscription_create",
		"invoice.subscription_details.metadata.pledge_id": "plg_1", "invoice.payment_intent.status": "succeeded",
		"invoice.charge.balance_transaction.currency": "eur", "customer.email": "ann@example.org", "customer.name": "Ann Donor",
		"customer.address.postal_code": "10115", "invoice.customer_email": "ann@example.org",
	} {
		if after.text(path) != want {
			t.Errorf("%s is %q, want %q", path, after.text(path), want)
		}
	}
	for _, path := range []string{"payment_intent", "url", "invoice.next_payment_attempt", "subscription.cancel_at"} {
		if after.path(path) != nil {
			t.Errorf("%s is %v", path, after.path(path))
		}
	}
	// Stripe gives neither payment intent nor charge the metadata of the plan.
	for _, path := range []string{"invoice.payment_intent.metadata", "invoice.charge.metadata", "invoice.metadata"} {
		if len(after.path(path).(map[string]any)) != 0 {
			t.Errorf("%s: %v", path, after.path(path))
		}
	}
	if after.number("invoice.amount_paid") != 2590 || after.number("invoice.attempt_count") != 1 ||
		after.text("invoice.charge.invoice") != after.text("invoice.id") || !strings.HasSuffix(after.text("invoice.number"), "-0001") {
		t.Errorf("invoice: %s", after.raw)
	}
	end := time.Unix(after.number("subscription.current_period_end"), 0).UTC()
	if end != time.Date(2026, 5, 13, 12, 0, 0, 0, time.UTC) {
		t.Errorf("period ends %s", end)
	}
	lines := a.get("/v1/invoices/" + after.text("invoice.id") + "/lines")
	if rows := lines.path("data").([]any); len(rows) != 2 || rows[0].(map[string]any)["amount"] != 2500.0 ||
		rows[1].(map[string]any)["subscription"] != after.text("subscription.id") {
		t.Errorf("lines: %s", lines.raw)
	}
}

func TestAMonthlyGiftIsDeclinedFirst(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	id := a.checkout(monthly())

	events := a.newEvents(func() {
		if r := a.pay(id, "4000000000000341"); r.status != http.StatusPaymentRequired {
			t.Errorf("declined: %d", r.status)
		}
	})

	same(t, "declined", events, []string{"payment_intent.created", "charge.failed", "payment_intent.payment_failed"})
	open := a.get("/v1/checkout/sessions/" + id)
	if open.text("status") != "open" || open.path("subscription") != nil {
		t.Errorf("after the decline: %s", open.raw)
	}
	if got := a.get("/v1/subscriptions").ids(); len(got) != 0 {
		t.Errorf("plans %v", got)
	}
	events = a.newEvents(func() { a.pay(id, "4242424242424242") })
	if slices.Contains(events, "payment_intent.created") || events[len(events)-1] != "checkout.session.completed" {
		t.Errorf("second try: %v", events)
	}
	if truth := a.sim.Truth(); len(truth.PaymentIntents) != 1 || len(truth.Charges) != 2 {
		t.Errorf("%d payment intents, %d charges", len(truth.PaymentIntents), len(truth.Charges))
	}
}

func TestOneTimeLinesAreInTheFirstInvoiceOnly(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	form := monthly()
	form.Del("line_items[1][price_data][recurring][interval]")
	plan := a.pledge(form, "4242424242424242")
	if first := a.plan(plan); first.number("latest_invoice.amount_paid") != 2590 {
		t.Errorf("first: %s", first.raw)
	}
	a.days(31)
	if second := a.plan(plan); second.number("latest_invoice.total") != 2500 {
		t.Errorf("second: %s", second.raw)
	}
}

func TestARenewal(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	plan := a.pledge(monthly(), "4242424242424242")
	a.post("/v1/subscriptions/"+plan, url.Values{"metadata[pledge_id]": {"plg_2"}})
	a.advance(30*86_400 - 1)
	if early := a.plan(plan); early.text("latest_invoice.billing_reason") != "subscription_create" {
		t.Fatalf("a second early: %s", early.raw)
	}

	events := a.newEvents(func() { a.advance(1) })
	same(t, "period ends", events, []string{"invoice.created", "customer.subscription.updated"})
	draft := a.plan(plan)
	if draft.text("latest_invoice.status") != "draft" || draft.path("latest_invoice.number") != nil ||
		draft.number("latest_invoice.period_end") != draft.number("current_period_start") {
		t.Errorf("draft: %s", draft.raw)
	}
	events = a.newEvents(func() { a.advance(3600) })
	same(t, "an hour later", events, []string{
		"invoice.finalized", "payment_intent.created", "charge.succeeded", "payment_intent.succeeded",
		"invoice.updated", "invoice.paid", "invoice.payment_succeeded",
	})
	paid := a.plan(plan)
	for path, want := range map[string]string{
		"status": "active", "latest_invoice.status": "paid", "latest_invoice.billing_reason": "subscription_cycle",
		"latest_invoice.subscription_details.metadata.pledge_id": "plg_2",
		"latest_invoice.payment_intent.description":              "Subscription update",
		"latest_invoice.payment_intent.latest_charge.status":     "succeeded",
	} {
		if paid.text(path) != want {
			t.Errorf("%s is %q, want %q", path, paid.text(path), want)
		}
	}
	if first := a.get("/v1/invoices?subscription=" + plan).ids(); len(first) != 2 {
		t.Errorf("invoices %v", first)
	}
}

// A plan of the 31st is charged at the end of short months and on the 31st again.
func TestAPlanOfTheLastDayOfTheMonth(t *testing.T) {
	t.Parallel()
	start := newClock()
	start.at = time.Date(2027, 1, 31, 9, 0, 0, 0, time.UTC)
	a := open(t, func(c *Config) { c.Now = start.now })
	plan := a.pledge(monthly(), "4242424242424242")

	a.days(400)

	var days []string
	for _, invoice := range slices.Backward(a.get("/v1/invoices?limit=100&subscription=" + plan).path("data").([]any)) {
		days = append(days, time.Unix(int64(invoice.(map[string]any)["created"].(float64)), 0).UTC().Format("01-02"))
	}
	same(t, "days", days, []string{
		"01-31", "02-28", "03-31", "04-30", "05-31", "06-30", "07-31", "08-31", "09-30", "10-31", "11-30", "12-31", "01-31", "02-29",
	})
}

func TestBoundariesOfPeriods(t *testing.T) {
	t.Parallel()
	day := func(text string) int64 {
		at, err := time.Parse("2006-01-02", text)
		if err != nil {
			t.Fatal(err)
		}
		return at.Unix()
	}
	for _, test := range []struct {
		every    Recurring
		from, to string
		n        int64
	}{
		{Recurring{"month", 1}, "2024-01-31", "2024-02-29", 1},
		{Recurring{"month", 1}, "2024-01-31", "2024-03-31", 2},
		{Recurring{"month", 3}, "2026-11-30", "2027-02-28", 1},
		{Recurring{"month", 1}, "2026-12-30", "2027-02-28", 2},
		{Recurring{"year", 1}, "2024-02-29", "2025-02-28", 1},
		{Recurring{"year", 1}, "2024-02-29", "2028-02-29", 4},
		{Recurring{"week", 2}, "2026-12-24", "2027-01-07", 1},
		{Recurring{"day", 10}, "2026-02-25", "2026-03-07", 1},
	} {
		if got := test.every.boundary(day(test.from), test.n); got != day(test.to) {
			t.Errorf("%d × %+v after %s is %s, want %s", test.n, test.every, test.from, time.Unix(got, 0).UTC(), test.to)
		}
	}
}

// failing is a plan whose card was replaced by one that is declined.
func (a *account) failing() string {
	a.t.Helper()
	plan := a.pledge(monthly(), "4242424242424242")
	customer := a.get("/v1/subscriptions/" + plan).text("customer")
	bad := a.post("/v1/payment_methods/pm_card_chargeCustomerFail/attach", url.Values{"customer": {customer}}).text("id")
	r := a.post("/v1/subscriptions/"+plan, url.Values{"default_payment_method": {bad}})
	if r.status != http.StatusOK {
		a.t.Fatalf("card: %s", r.raw)
	}
	return plan
}

func TestARenewalFailsAndIsTriedAgain(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	plan := a.failing()
	a.days(30)
	events := a.newEvents(func() { a.advance(3600) })
	same(t, "failure", events, []string{
		"invoice.finalized", "payment_intent.created", "charge.failed", "payment_intent.payment_failed",
		"invoice.updated", "invoice.payment_failed", "customer.subscription.updated",
	})
	late := a.plan(plan)
	wait := late.number("latest_invoice.next_payment_attempt") - late.number("latest_invoice.created")
	if late.text("status") != "past_due" || late.text("latest_invoice.status") != "open" || wait != 3*86_400+3600 ||
		late.number("latest_invoice.attempt_count") != 1 || late.path("latest_invoice.charge") == nil {
		t.Errorf("late: %s", late.raw)
	}

	good := a.post("/v1/payment_methods/pm_card_visa/attach", url.Values{"customer": {late.text("customer.id")}}).text("id")
	a.post("/v1/subscriptions/"+plan, url.Values{"default_payment_method": {good}})
	events = a.newEvents(func() { a.days(3) })
	same(t, "retry", events, []string{
		"charge.succeeded", "payment_intent.succeeded", "invoice.updated", "invoice.paid", "invoice.payment_succeeded",
		"customer.subscription.updated",
	})
	if after := a.plan(plan); after.text("status") != "active" || after.number("latest_invoice.attempt_count") != 2 {
		t.Errorf("after: %s", after.raw)
	}
}

func TestWhatBecomesOfAPlanAfterTheLastRetry(t *testing.T) {
	t.Parallel()
	for choice, want := range map[string]struct {
		status string
		last   []string
	}{
		"":         {"canceled", []string{"charge.failed", "payment_intent.payment_failed", "invoice.updated", "invoice.payment_failed", "customer.subscription.deleted"}},
		"unpaid":   {"unpaid", []string{"charge.failed", "payment_intent.payment_failed", "invoice.updated", "invoice.payment_failed", "customer.subscription.updated"}},
		"past_due": {"past_due", []string{"charge.failed", "payment_intent.payment_failed", "invoice.updated", "invoice.payment_failed"}},
	} {
		t.Run("then "+choice, func(t *testing.T) {
			t.Parallel()
			a := open(t, nil)
			if choice != "" {
				r := a.control("/_sim/settings", `{"retry_days": [2, 4], "after_last_retry": "`+choice+`"}`)
				if r.status != http.StatusOK {
					t.Fatalf("settings: %s", r.raw)
				}
			}
			plan := a.failing()
			a.advance(30*86_400 + 3600)
			before := 8
			if choice != "" {
				before = 2
			}
			a.days(before)
			events := a.newEvents(func() { a.days(7) })
			same(t, "last", events, want.last)
			after := a.plan(plan)
			if after.text("status") != want.status || after.path("latest_invoice.next_payment_attempt") != nil ||
				after.path("latest_invoice.auto_advance") != false || after.text("latest_invoice.status") != "open" {
				t.Errorf("after: %s", after.raw)
			}
			if want.status == "canceled" && after.text("cancellation_details.reason") != "payment_failed" {
				t.Errorf("reason: %s", after.raw)
			}
			if want.status == "unpaid" {
				a.days(31)
				next := a.plan(plan)
				if next.text("latest_invoice.status") != "draft" || next.path("latest_invoice.auto_advance") != false {
					t.Errorf("an unpaid plan goes on with drafts: %s", next.raw)
				}
			}
		})
	}
}

func TestThreeDSecureAndRenewals(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"4000002500003155": "active", "4000003800000446": "active", "4000002760003184": "past_due",
	} {
		t.Run(number[12:], func(t *testing.T) {
			t.Parallel()
			a := open(t, nil)
			plan := a.pledge(monthly(), number)
			a.days(30)
			events := a.newEvents(func() { a.advance(3600) })
			after := a.plan(plan)
			if after.text("status") != want {
				t.Fatalf("status: %s", after.raw)
			}
			if want == "active" {
				return
			}
			same(t, "events", events, []string{
				"invoice.finalized", "payment_intent.created", "payment_intent.requires_action", "invoice.updated",
				"invoice.payment_action_required", "invoice.payment_failed", "customer.subscription.updated",
			})
			if after.text("latest_invoice.payment_intent.status") != "requires_action" {
				t.Errorf("waiting: %s", after.raw)
			}
			r := a.post("/v1/invoices/"+after.text("latest_invoice.id")+"/pay", nil)
			if r.status != http.StatusPaymentRequired || r.text("error.code") != "invoice_payment_intent_requires_action" {
				t.Errorf("pay: %d %s", r.status, r.raw)
			}
		})
	}
}

func TestPlansEnd(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	plan := a.pledge(monthly(), "4242424242424242")

	soon := a.post("/v1/subscriptions/"+plan, url.Values{"cancel_at_period_end": {"true"}, "cancellation_details[feedback]": {"too_expensive"}})
	if soon.number("cancel_at") != soon.number("current_period_end") || soon.path("canceled_at") == nil ||
		soon.text("cancellation_details.reason") != "cancellation_requested" {
		t.Errorf("soon: %s", soon.raw)
	}
	back := a.post("/v1/subscriptions/"+plan, url.Values{"cancel_at_period_end": {"false"}})
	if back.path("cancel_at") != nil || back.path("canceled_at") != nil || back.path("cancellation_details.reason") != nil {
		t.Errorf("back: %s", back.raw)
	}
	a.post("/v1/subscriptions/"+plan, url.Values{"cancel_at_period_end": {"true"}})
	events := a.newEvents(func() { a.days(30) })
	same(t, "at the end of the period", events, []string{"customer.subscription.deleted"})
	if ended := a.plan(plan); ended.text("status") != "canceled" || ended.number("ended_at") != ended.number("current_period_end") {
		t.Errorf("ended: %s", ended.raw)
	}

	other := a.pledge(monthly(), "4242424242424242")
	now := a.do(http.MethodDelete, "/v1/subscriptions/"+other+"?cancellation_details[comment]=Moving", nil, nil)
	if now.text("status") != "canceled" || now.text("cancellation_details.comment") != "Moving" {
		t.Errorf("now: %s", now.raw)
	}
	for name, r := range map[string]answer{
		"again":  a.do(http.MethodDelete, "/v1/subscriptions/"+other, nil, nil),
		"change": a.post("/v1/subscriptions/"+other, url.Values{"cancel_at_period_end": {"true"}}),
		"past":   a.post("/v1/subscriptions/"+a.pledge(monthly(), "4242424242424242"), url.Values{"cancel_at": {"1000"}}),
	} {
		if r.status != http.StatusNotFound && r.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	a.days(100)
	if got := a.get("/v1/invoices?subscription=" + other).ids(); len(got) != 1 {
		t.Errorf("charged after the end: %v", got)
	}
	if got := a.get("/v1/subscriptions?status=ended").ids(); len(got) != 2 {
		t.Errorf("ended: %v", got)
	}
}

func TestPausedCollection(t *testing.T) {
	t.Parallel()
	for behavior, want := range map[string]string{"void": "void", "mark_uncollectible": "uncollectible", "keep_as_draft": "draft"} {
		t.Run(behavior, func(t *testing.T) {
			t.Parallel()
			a := open(t, nil)
			plan := a.pledge(monthly(), "4242424242424242")
			resumes := a.get("/v1/subscriptions/"+plan).number("current_period_end") + 5*86_400
			a.post("/v1/subscriptions/"+plan, url.Values{
				"pause_collection[behavior]": {behavior}, "pause_collection[resumes_at]": {itoa64(resumes)},
			})
			a.days(32)
			paused := a.plan(plan)
			if paused.text("status") != "active" || paused.text("latest_invoice.status") != want || paused.path("latest_invoice.charge") != nil {
				t.Errorf("paused: %s", paused.raw)
			}
			a.days(4)
			if a.plan(plan).path("pause_collection") != nil {
				t.Error("the pause did not end")
			}
			a.days(30)
			if resumed := a.plan(plan); resumed.text("latest_invoice.status") != "paid" {
				t.Errorf("resumed: %s", resumed.raw)
			}
		})
	}
}

func TestAChangedAmount(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	plan := a.pledge(monthly(), "4242424242424242")
	items := a.plan(plan).path("items.data").([]any)
	gift := items[0].(map[string]any)
	form := url.Values{
		"items[0][id]": {gift["id"].(string)}, "items[0][price_data][currency]": {"eur"},
		"items[0][price_data][product]":             {gift["price"].(map[string]any)["product"].(string)},
		"items[0][price_data][recurring][interval]": {"month"}, "items[0][price_data][unit_amount]": {"4000"},
		"items[1][id]": {items[1].(map[string]any)["id"].(string)}, "items[1][deleted]": {"true"},
	}
	form.Set("proration_behavior", "none")
	changed := a.post("/v1/subscriptions/"+plan, form)
	if changed.status != http.StatusOK || len(changed.path("items.data").([]any)) != 1 {
		t.Fatalf("changed: %d %s", changed.status, changed.raw)
	}
	a.advance(30*86_400 + 3600)
	if paid := a.plan(plan); paid.number("latest_invoice.amount_paid") != 4000 {
		t.Errorf("paid: %s", paid.raw)
	}
	form.Del("items[1][id]")
	form.Del("items[1][deleted]")
	form.Set("items[0][price_data][recurring][interval]", "year")
	if r := a.post("/v1/subscriptions/"+plan, form); r.status != http.StatusBadRequest {
		t.Errorf("another interval: %d", r.status)
	}
}
