package stripesim

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// membership is a plan of so many shares of 10.00 EUR a month, paid by card.
type membership struct {
	*account
	customer, plan, item string
	shares               string
}

func (a *account) membership(shares int) *membership {
	a.t.Helper()
	m := &membership{account: a, customer: a.customer(url.Values{"email": {"amina@example.org"}})}
	m.shares = a.post("/v1/prices", url.Values{
		"product_data[name]": {"Winter share"}, "currency": {"eur"}, "unit_amount": {"1000"}, "recurring[interval]": {"month"},
	}).text("id")
	begun := a.post("/v1/subscriptions", url.Values{
		"customer": {m.customer}, "items[0][price]": {m.shares}, "items[0][quantity]": {fmt.Sprint(shares)},
		"default_payment_method": {m.card("pm_card_visa")},
	})
	if begun.text("status") != "active" {
		a.t.Fatalf("membership: %s", begun.raw)
	}
	m.plan = begun.text("id")
	m.item = begun.path("items.data").([]any)[0].(map[string]any)["id"].(string)
	return m
}

func (m *membership) card(name string) string {
	m.t.Helper()
	return m.post("/v1/payment_methods/"+name+"/attach", url.Values{"customer": {m.customer}}).text("id")
}

// change asks for another number of shares.
func (m *membership) change(shares int, more url.Values) answer {
	m.t.Helper()
	form := url.Values{"items[0][id]": {m.item}, "items[0][quantity]": {fmt.Sprint(shares)}, "expand[]": {"latest_invoice"}}
	for name, values := range more {
		form[name] = values
	}
	return m.post("/v1/subscriptions/"+m.plan, form)
}

func (m *membership) balance() int64 {
	m.t.Helper()
	return m.get("/v1/customers/" + m.customer).number("balance")
}

func (m *membership) latest() answer {
	m.t.Helper()
	return m.get("/v1/invoices/" + m.get("/v1/subscriptions/"+m.plan).text("latest_invoice"))
}

// lines are amount and description of each line of an invoice.
func lines(invoice answer) []string {
	var out []string
	for _, row := range invoice.path("lines.data").([]any) {
		line := row.(map[string]any)
		out = append(out, fmt.Sprintf("%.0f %s", line["amount"], line["description"]))
	}
	return out
}

func atOnce() url.Values { return url.Values{"proration_behavior": {"always_invoice"}} }

func TestAnUpgradeIsPaidWithTheNextPeriod(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	m := a.membership(1)
	a.days(15) // of April's thirty

	var changed answer
	events := a.newEvents(func() { changed = m.change(2, nil) })

	same(t, "changed", events, []string{"invoiceitem.created", "invoiceitem.created", "customer.subscription.updated"})
	if changed.status != http.StatusOK || changed.text("latest_invoice.billing_reason") != "subscription_create" {
		t.Fatalf("changed: %d %s", changed.status, changed.raw)
	}
	waiting := a.get("/v1/invoiceitems?pending=true&customer=" + m.customer)
	if len(waiting.ids()) != 2 {
		t.Fatalf("waiting: %s", waiting.raw)
	}
	item := a.get("/v1/invoiceitems/" + waiting.ids()[1])
	for path, want := range map[string]string{
		"object": "invoiceitem", "subscription": m.plan, "subscription_item": m.item, "customer": m.customer,
		"description": "Unused time on Winter share after 28 Apr 2026",
	} {
		if item.text(path) != want {
			t.Errorf("%s is %q, want %q", path, item.text(path), want)
		}
	}
	if item.number("amount") != -500 || item.path("proration") != true || item.path("discountable") != false || item.path("invoice") != nil {
		t.Errorf("item: %s", item.raw)
	}

	a.advance(15*86_400 + 3600)

	renewed := m.latest()
	same(t, "lines", lines(renewed), []string{
		"-500 Unused time on Winter share after 28 Apr 2026", "1000 Remaining time on 2 × Winter share after 28 Apr 2026",
		"2000 2 × Winter share (at 10.00 EUR / month)",
	})
	if renewed.text("status") != "paid" || renewed.number("amount_paid") != 2500 || renewed.text("billing_reason") != "subscription_cycle" {
		t.Errorf("renewed: %s", renewed.raw)
	}
	credit := renewed.path("lines.data").([]any)[0].(map[string]any)
	details := credit["proration_details"].(map[string]any)["credited_items"].(map[string]any)
	if credit["type"] != "invoiceitem" || credit["proration"] != true || credit["subscription_item"] != m.item ||
		details["invoice"] != changed.text("latest_invoice.id") {
		t.Errorf("credit: %v", credit)
	}
	if got := a.get("/v1/invoiceitems?pending=true").ids(); len(got) != 0 {
		t.Errorf("still waiting: %v", got)
	}
	if got := a.get("/v1/invoiceitems?invoice=" + renewed.text("id")).ids(); !slices.Equal(got, waiting.ids()) {
		t.Errorf("on the invoice: %v", got)
	}
}

func TestAnUpgradeIsPaidAtOnce(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	m := a.membership(1)
	a.days(10)

	var changed answer
	events := a.newEvents(func() { changed = m.change(4, atOnce()) })

	same(t, "events", events, []string{
		"invoiceitem.created", "invoiceitem.created", "customer.subscription.updated", "invoice.created", "invoice.finalized",
		"payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "invoice.updated", "invoice.paid", "invoice.payment_succeeded",
	})
	if changed.text("latest_invoice.status") != "paid" || changed.text("latest_invoice.billing_reason") != "subscription_update" ||
		changed.number("latest_invoice.amount_paid") != -667+2667 || changed.text("status") != "active" {
		t.Errorf("changed: %s", changed.raw)
	}
	a.advance(20*86_400 + 3600)
	if renewed := m.latest(); renewed.number("amount_paid") != 4000 {
		t.Errorf("renewed: %s", renewed.raw)
	}
}

func TestACreditWaitsOnTheBalance(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	m := a.membership(5)
	a.days(15)

	var changed answer
	events := a.newEvents(func() { changed = m.change(1, atOnce()) })

	same(t, "events", events, []string{
		"invoiceitem.created", "invoiceitem.created", "customer.subscription.updated", "invoice.created",
		"customer.updated", "invoice.finalized", "invoice.updated", "invoice.paid", "invoice.payment_succeeded",
	})
	for path, want := range map[string]int64{
		"total": -2000, "amount_due": 0, "amount_paid": 0, "starting_balance": 0, "ending_balance": -2000,
	} {
		if got := changed.number("latest_invoice." + path); got != want {
			t.Errorf("%s is %d, want %d", path, got, want)
		}
	}
	if changed.text("latest_invoice.status") != "paid" || changed.path("latest_invoice.charge") != nil || m.balance() != -2000 {
		t.Errorf("changed: balance %d, %s", m.balance(), changed.raw)
	}
	for period, want := range []struct{ starting, due, ending int64 }{{-2000, 0, -1000}, {-1000, 0, 0}, {0, 1000, 0}} {
		a.advance(31 * 86_400)
		renewed := m.latest()
		if renewed.number("starting_balance") != want.starting || renewed.number("amount_paid") != want.due ||
			renewed.number("ending_balance") != want.ending || renewed.number("total") != 1000 {
			t.Errorf("period %d: %s", period, renewed.raw)
		}
	}
	entries := a.get("/v1/customers/" + m.customer + "/balance_transactions")
	var amounts []string
	for _, row := range entries.path("data").([]any) {
		entry := row.(map[string]any)
		amounts = append(amounts, fmt.Sprintf("%s %.0f %.0f", entry["type"], entry["amount"], entry["ending_balance"]))
	}
	same(t, "entries", amounts, []string{"applied_to_invoice 1000 0", "applied_to_invoice 1000 -1000", "applied_to_invoice -2000 -2000"})
	if one := a.get("/v1/customers/" + m.customer + "/balance_transactions/" + entries.ids()[0]); one.number("amount") != 1000 {
		t.Errorf("entry: %s", one.raw)
	}
}

func TestAVoidedInvoiceReturnsItsCredit(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	m := a.membership(5)
	a.days(15)
	m.change(4, atOnce()) // 5.00 of credit
	a.post("/v1/subscriptions/"+m.plan, url.Values{"default_payment_method": {m.card("pm_card_chargeCustomerFail")}})
	a.advance(15*86_400 + 3600)
	late := m.latest()
	if late.text("status") != "open" || late.number("amount_due") != 3500 || m.balance() != 0 {
		t.Fatalf("late: balance %d, %s", m.balance(), late.raw)
	}

	void := a.post("/v1/invoices/"+late.text("id")+"/void", nil)

	if void.text("status") != "void" || m.balance() != -500 {
		t.Errorf("void: balance %d, %s", m.balance(), void.raw)
	}
}

func TestWhatIsTooLittleToChargeIsOwed(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	m := a.membership(1)
	a.days(29)

	changed := m.change(2, atOnce())

	if changed.text("latest_invoice.status") != "paid" || changed.number("latest_invoice.total") != 34 ||
		changed.number("latest_invoice.amount_due") != 0 || m.balance() != 34 {
		t.Errorf("changed: balance %d, %s", m.balance(), changed.raw)
	}
	a.advance(86_400 + 3600)
	if renewed := m.latest(); renewed.number("amount_paid") != 2034 || m.balance() != 0 {
		t.Errorf("renewed: balance %d, %s", m.balance(), renewed.raw)
	}
}

func TestAnUpgradeThatIsNotPaid(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	m := a.membership(1)
	bad := m.card("pm_card_chargeCustomerFail")
	a.post("/v1/subscriptions/"+m.plan, url.Values{"default_payment_method": {bad}})
	a.days(15)
	before, events := a.get("/v1/subscriptions/"+m.plan).raw, len(a.eventTypes())

	form := atOnce()
	form.Set("payment_behavior", "error_if_incomplete")
	if r := m.change(3, form); r.status != http.StatusPaymentRequired || r.text("error.code") != "card_declined" {
		t.Errorf("refused: %d %s", r.status, r.raw)
	}
	if a.get("/v1/subscriptions/"+m.plan).raw != before || len(a.eventTypes()) != events {
		t.Error("a refused change left something")
	}

	late := m.change(3, atOnce())
	if late.text("status") != "past_due" || late.text("latest_invoice.status") != "open" || late.path("latest_invoice.next_payment_attempt") == nil {
		t.Errorf("late: %s", late.raw)
	}
	if r := m.change(1, nil); r.status != http.StatusBadRequest || r.text("error.param") != "proration_behavior" {
		t.Errorf("credit for what is not paid: %d %s", r.status, r.raw)
	}
	a.post("/v1/subscriptions/"+m.plan, url.Values{"default_payment_method": {m.card("pm_card_mastercard")}})
	a.days(3)
	if paid := m.latest(); paid.text("status") != "paid" || a.plan(m.plan).text("status") != "active" {
		t.Errorf("retried: %s", paid.raw)
	}

	form.Set("payment_behavior", "default_incomplete")
	waiting := m.change(5, form)
	if waiting.text("status") != "past_due" || waiting.number("latest_invoice.attempt_count") != 0 {
		t.Errorf("waiting: %s", waiting.raw)
	}
	a.post("/v1/invoices/"+waiting.text("latest_invoice.id")+"/pay", nil)
	if a.plan(m.plan).text("status") != "active" {
		t.Error("paid, and still late")
	}
}

func TestANewPeriodAtOnce(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	m := a.membership(3)
	a.days(10)

	restarted := a.post("/v1/subscriptions/"+m.plan, url.Values{"billing_cycle_anchor": {"now"}, "expand[]": {"latest_invoice"}})

	if restarted.number("latest_invoice.amount_paid") != -2000+3000 || restarted.text("latest_invoice.billing_reason") != "subscription_update" {
		t.Errorf("restarted: %s", restarted.raw)
	}
	if end := time.Unix(restarted.number("current_period_end"), 0).UTC(); end != time.Date(2026, 5, 23, 12, 0, 0, 0, time.UTC) {
		t.Errorf("period ends %s", end)
	}
	whole := a.post("/v1/subscriptions/"+m.plan, url.Values{
		"billing_cycle_anchor": {"now"}, "proration_behavior": {"none"}, "expand[]": {"latest_invoice"},
	})
	if whole.number("latest_invoice.amount_paid") != 3000 || len(whole.path("latest_invoice.lines.data").([]any)) != 1 {
		t.Errorf("without prorations: %s", whole.raw)
	}
	a.advance(30*86_400 + 3600)
	if renewed := m.latest(); renewed.text("billing_reason") != "subscription_cycle" || renewed.number("amount_paid") != 3000 {
		t.Errorf("renewed: %s", renewed.raw)
	}
}

func TestWhatWaitsWhenAPlanEnds(t *testing.T) {
	t.Parallel()
	a := open(t, nil)

	now := a.membership(1)
	now.change(2, nil)
	same(t, "at once", a.newEvents(func() { a.do(http.MethodDelete, "/v1/subscriptions/"+now.plan, nil, nil) }),
		[]string{"customer.subscription.deleted", "invoiceitem.deleted", "invoiceitem.deleted"})
	if got := a.get("/v1/invoiceitems").ids(); len(got) != 0 {
		t.Errorf("left: %v", got)
	}

	later := a.membership(1)
	a.days(15)
	later.change(3, url.Values{"cancel_at_period_end": {"true"}})
	a.days(15)
	last := later.latest()
	if a.plan(later.plan).text("status") != "canceled" || last.text("status") != "paid" || last.number("amount_paid") != 1000 {
		t.Errorf("last: %s", last.raw)
	}
}

func TestItemsComeAndGo(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	m := a.membership(2)
	tree := a.post("/v1/prices", url.Values{
		"product_data[name]": {"A tree"}, "currency": {"eur"}, "unit_amount": {"600"}, "recurring[interval]": {"month"},
	}).text("id")
	a.days(15)

	r := a.post("/v1/subscriptions/"+m.plan, url.Values{
		"items[0][price]": {tree}, "items[1][id]": {m.item}, "items[1][deleted]": {"true"}, "proration_behavior": {"always_invoice"},
		"proration_date": {itoa64(a.clock.now().Unix() + 5*86_400)}, "expand[]": {"latest_invoice"},
	})

	same(t, "lines", lines(a.get("/v1/invoices/"+r.text("latest_invoice.id"))),
		[]string{"-1667 Unused time on 2 × Winter share after 18 Apr 2026", "500 Remaining time on A tree after 18 Apr 2026"})
	if m.balance() != -1167 {
		t.Errorf("balance %d", m.balance())
	}
}

func TestChangesThatAreRefused(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	m := a.membership(2)
	a.days(15)
	for name, more := range map[string]url.Values{
		"proration_date":       {"proration_date": {itoa64(a.clock.now().Unix() - 1)}},
		"payment_behavior":     {"payment_behavior": {"pending_if_incomplete"}},
		"billing_cycle_anchor": {"billing_cycle_anchor": {"later"}},
	} {
		if r := m.change(1, more); r.status != http.StatusBadRequest || !strings.HasPrefix(r.text("error.param"), name) {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	if r := m.change(90_000, nil); r.status != http.StatusBadRequest || r.text("error.code") != "amount_too_large" {
		t.Errorf("too much with the rest of the month: %d %s", r.status, r.raw)
	}
	// Nobody paid for twenty shares, so nobody gets them back.
	m.change(20, url.Values{"proration_behavior": {"none"}})
	if r := m.change(1, nil); r.status != http.StatusBadRequest || r.text("error.param") != "proration_behavior" {
		t.Errorf("more than was paid: %d %s", r.status, r.raw)
	}
	if r := m.change(1, url.Values{"proration_behavior": {"none"}}); r.status != http.StatusOK {
		t.Errorf("without prorations: %d %s", r.status, r.raw)
	}
	a.post("/v1/subscriptions/"+m.plan, url.Values{"pause_collection[behavior]": {"void"}})
	if r := m.change(3, atOnce()); r.status != http.StatusBadRequest {
		t.Errorf("paused: %d", r.status)
	}
	for path, want := range map[string]int{
		"/v1/invoiceitems/ii_none": 404, "/v1/invoiceitems?customer=cus_none": 400, "/v1/invoiceitems?invoice=in_none": 400,
		"/v1/customers/cus_none/balance_transactions": 404, "/v1/customers/" + m.customer + "/balance_transactions/cbtxn_none": 404,
		"/v1/invoices/upcoming": 400, "/v1/invoices/upcoming?customer=cus_none": 400, "/v1/invoices/upcoming?subscription=sub_none": 400,
		"/v1/invoices/upcoming?subscription_trial_end=now&subscription=" + m.plan: 400,
	} {
		if r := a.get(path); r.status != want {
			t.Errorf("%s: %d %s", path, r.status, r.raw)
		}
	}
	nobody := a.customer(nil)
	if r := a.get("/v1/invoices/upcoming?customer=" + nobody); r.status != http.StatusNotFound || r.text("error.code") != "invoice_upcoming_none" {
		t.Errorf("nobody: %d %s", r.status, r.raw)
	}
}

func TestPartsOfAPeriod(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount, seconds, period int64
		currency                string
		want                    int64
	}{
		{1000, 15, 30, "eur", 500}, {1, 1, 2, "eur", 1}, {1, 1, 3, "eur", 0}, {999_999_999_999, 31_536_000, 31_536_001, "idr", 999_999_968_289},
		{1000, 1, 3, "isk", 300}, {5000, 1, 3, "kwd", 1670}, {1000, 0, 30, "jpy", 0}, {1000, 30, 30, "jpy", 1000},
	} {
		if got := prorated(c.amount, c.seconds, c.period, c.currency); got != c.want {
			t.Errorf("%d of %d of %d %s is %d, want %d", c.seconds, c.period, c.amount, c.currency, got, c.want)
		}
	}
}

func TestTheAmountOfOneShare(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount, quantity int64
		whole            any
		decimal          string
	}{
		{-2300, 3, nil, "-766.666666666667"}, {2500, 2, int64(1250), "1250"}, {5, 8, nil, "0.625"}, {0, 0, int64(0), "0"}, {700, 0, int64(700), "700"},
	} {
		whole, decimal := amountOfOne(c.amount, c.quantity)
		if whole != c.whole || decimal != c.decimal {
			t.Errorf("%d of %d: %v and %s", c.amount, c.quantity, whole, decimal)
		}
	}
	a := open(t, nil)
	m := a.membership(3)
	a.days(7)
	m.change(1, nil)
	unused := a.get("/v1/invoiceitems/" + m.waiting()[1])
	if unused.number("amount") != -2300 || unused.path("unit_amount") != nil || unused.text("unit_amount_decimal") != "-766.666666666667" {
		t.Errorf("unused: %s", unused.raw)
	}
}

func TestARestartKeepsWhatWaits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := prepare(t, func(c *Config) { c.Dir = dir })
	m := a.membership(4)
	a.days(10)
	m.change(1, atOnce())
	a.days(5)
	m.change(2, nil)
	before, said := a.get("/v1/invoiceitems").raw, a.get("/v1/invoices/upcoming?subscription="+m.plan)

	b := a.reopen(dir)

	if after := b.get("/v1/invoiceitems").raw; after != before {
		t.Errorf("before %s\nafter %s", before, after)
	}
	b.advance(15*86_400 + 3600)
	again := *m
	again.account = b
	compare(&again, said, again.latest())
}

// The log was written by the version before prorations: two memberships of three
// shares, a fortnight into their second month, the second one's card declined.
func TestAStoreFromBeforeProrations(t *testing.T) {
	t.Parallel()
	written, err := os.ReadFile("testdata/before_prorations.log")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	err = os.WriteFile(filepath.Join(dir, "stripesim.log"), written, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	a := prepare(t, func(c *Config) { c.Dir = dir })
	plans := a.get("/v1/subscriptions?status=all").ids()
	if len(plans) != 2 {
		t.Fatalf("plans %v", plans)
	}
	member := func(id string) *membership {
		plan := a.get("/v1/subscriptions/" + id)
		item := plan.path("items.data").([]any)[0].(map[string]any)["id"].(string)
		return &membership{account: a, plan: id, customer: plan.text("customer"), item: item}
	}
	late, good := member(plans[0]), member(plans[1])
	if r := late.latest(); r.text("status") != "open" || r.number("amount_due") != 3000 || r.number("ending_balance") != 0 {
		t.Errorf("late: %s", r.raw)
	}
	if r := late.change(1, atOnce()); r.status != http.StatusBadRequest {
		t.Errorf("late, changed: %d", r.status)
	}
	if r := good.change(6, atOnce()); r.text("latest_invoice.status") != "paid" || r.number("latest_invoice.amount_paid") <= 0 {
		t.Errorf("good: %s", r.raw)
	}
	if r := good.change(1, atOnce()); good.balance() >= 0 || r.number("latest_invoice.ending_balance") != good.balance() {
		t.Errorf("balance %d: %s", good.balance(), r.raw)
	}
	a.advance(86_400)
	// The fourth attempt, fifteen days after the first, was the last one.
	if r := a.plan(late.plan); r.text("status") != "canceled" || r.number("latest_invoice.attempt_count") != 4 {
		t.Errorf("retried: %s", r.raw)
	}
}
