package stripesim

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

// society connects an account to the platform and acts for it.
func (a *account) society(form url.Values) *account {
	a.t.Helper()
	form.Set("type", "standard")
	r := a.post("/v1/accounts", form)
	if r.status != http.StatusOK {
		a.t.Fatalf("connect an account: %d %s", r.status, r.raw)
	}
	return a.acting(r.text("id"))
}

// acting is the same simulator with Stripe-Account on every request.
func (a *account) acting(id string) *account {
	a.t.Helper()
	world, err := a.sim.Account(id)
	if err != nil {
		a.t.Fatal(err)
	}
	b := *a
	b.as, b.sim = id, world
	return &b
}

func austrian() url.Values {
	return url.Values{
		"country": {"AT"}, "email": {"office@society.at.example"}, "business_type": {"non_profit"},
		"business_profile[name]": {"Society of Austria"}, "metadata[society]": {"at"},
	}
}

func swiss() url.Values {
	return url.Values{"country": {"CH"}, "business_profile[name]": {"Society of Switzerland"}}
}

// Three accounts, one simulator: what is given to one is nowhere else.
func TestEachAccountHasItsOwnMoney(t *testing.T) {
	t.Parallel()
	platform := open(t, nil)
	austria, switzerland := platform.society(austrian()), platform.society(swiss())
	all := []*account{platform, austria, switzerland}
	given := map[*account]string{}
	for i, a := range all {
		given[a] = a.give(giftOf(int64(1000*(i+1)), "eur"))
		a.settle()
	}
	seen := map[string]*account{}
	for i, a := range all {
		sessions := ids(a.get("/v1/checkout/sessions"))
		if !slices.Equal(sessions, []string{given[a]}) {
			t.Errorf("account %d lists %v", i, sessions)
		}
		paid := a.session(given[a])
		if paid.text("payment_status") != "paid" || paid.number("amount_total") != int64(1000*(i+1)) {
			t.Errorf("account %d: %s", i, paid.raw)
		}
		intent := paid.text("payment_intent.id")
		for _, other := range all {
			if other == a {
				continue
			}
			for _, path := range []string{
				"/v1/checkout/sessions/" + given[a], "/v1/payment_intents/" + intent,
				"/v1/charges/" + paid.text("payment_intent.latest_charge.id"),
			} {
				r := other.get(path)
				if r.status != http.StatusNotFound || r.text("error.code") != "resource_missing" {
					t.Errorf("%s is shown to another account: %d %s", path, r.status, r.raw)
				}
			}
			r := other.post("/v1/refunds", url.Values{"payment_intent": {intent}})
			if r.status < 400 || r.text("error.code") != "resource_missing" {
				t.Errorf("another account refunds %s: %d %s", intent, r.status, r.raw)
			}
		}
		for _, list := range []string{"charges", "payment_intents", "balance_transactions", "events"} {
			for _, id := range ids(a.get("/v1/" + list)) {
				if seen[id] != nil {
					t.Errorf("%s is in two accounts", id)
				}
				seen[id] = a
			}
		}
		truth := a.sim.Truth()
		if len(truth.Charges) != 1 || truth.Account != a.get("/v1/account").text("id") {
			t.Errorf("account %d: truth of %s with %d charges", i, truth.Account, len(truth.Charges))
		}
		shown := a.get("/_sim/truth")
		if shown.text("account") != truth.Account || len(shown.path("charges").([]any)) != 1 {
			t.Errorf("account %d: %s", i, shown.raw)
		}
	}
	if currency := switzerland.get("/v1/balance").path("available").([]any)[0].(map[string]any)["currency"]; currency != "eur" {
		t.Errorf("the euros of Switzerland are %v", currency)
	}
}

func TestAConnectedAccountIsShown(t *testing.T) {
	t.Parallel()
	platform := open(t, func(c *Config) { c.Country = "DE" })
	austria := platform.society(austrian())
	own := platform.get("/v1/account")
	for name, r := range map[string]answer{
		"to the platform": platform.get("/v1/accounts/" + austria.as), "to itself": austria.get("/v1/accounts/" + austria.as),
		"as the account": austria.get("/v1/account"),
	} {
		if r.text("id") != austria.as || r.text("country") != "AT" || r.text("default_currency") != "eur" ||
			r.text("email") != "office@society.at.example" || r.text("business_type") != "non_profit" || r.text("type") != "standard" ||
			r.text("business_profile.name") != "Society of Austria" || r.text("metadata.society") != "at" || r.path("charges_enabled") != true {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	plain := platform.society(url.Values{"default_currency": {"usd"}})
	if r := plain.get("/v1/account"); r.text("country") != "DE" || r.text("default_currency") != "usd" || r.path("email") != nil {
		t.Errorf("an account of which nothing was said: %s", r.raw)
	}
	if r := platform.get("/v1/accounts/" + own.text("id")); !reflect.DeepEqual(r.body, own.body) {
		t.Errorf("the platform by its id: %s", r.raw)
	}
	if listed := ids(platform.get("/v1/accounts")); !slices.Equal(listed, []string{plain.as, austria.as}) {
		t.Errorf("listed: %v", listed)
	}
	if listed := ids(austria.get("/v1/accounts")); len(listed) != 0 {
		t.Errorf("a connected account lists %v", listed)
	}
}

func TestWhoMayActForWhom(t *testing.T) {
	t.Parallel()
	platform := open(t, nil)
	austria, gone := platform.society(austrian()), platform.society(swiss())
	if r := platform.do(http.MethodDelete, "/v1/accounts/"+gone.as, nil, nil); r.path("deleted") != true {
		t.Fatalf("delete: %s", r.raw)
	}
	own := platform.get("/v1/account").text("id")
	for _, test := range []struct {
		name, account string
		from          *account
		status        int
		acts          string
	}{
		{"its own id", own, platform, 200, own},
		{"nothing", "", platform, 200, own},
		{"a connected account", austria.as, platform, 200, austria.as},
		{"nobody", "acct_1nobody", platform, 403, ""},
		{"nonsense", "../../etc/passwd", platform, 403, ""},
		{"much nonsense", strings.Repeat("ä", 5000), platform, 403, ""},
		{"other letters", strings.ToUpper(austria.as), platform, 403, ""},
		{"a deleted account", gone.as, platform, 403, ""},
	} {
		r := test.from.do(http.MethodGet, "/v1/account", nil, map[string]string{"Stripe-Account": test.account})
		if r.status != test.status || r.text("id") != test.acts || (test.status == 403) != (r.text("error.code") == "account_invalid") {
			t.Errorf("%s: %d %s", test.name, r.status, r.raw)
		}
		r = platform.do(http.MethodPost, "/v1/customers", url.Values{"name": {"Ann Donor"}}, map[string]string{"Stripe-Account": test.account})
		if r.status != test.status {
			t.Errorf("%s writes: %d %s", test.name, r.status, r.raw)
		}
	}
	for name, r := range map[string]answer{
		"an account's sibling":         austria.get("/v1/accounts/" + gone.as),
		"an account's platform":        austria.get("/v1/accounts/" + own),
		"an account that is not there": platform.get("/v1/accounts/acct_1nobody"),
		"a deleted account":            platform.get("/v1/accounts/" + gone.as),
		"deleting it again":            platform.do(http.MethodDelete, "/v1/accounts/"+gone.as, nil, nil),
		"an account deletes another":   austria.do(http.MethodDelete, "/v1/accounts/"+own, nil, nil),
		"the platform deletes itself":  platform.do(http.MethodDelete, "/v1/accounts/"+own, nil, nil),
	} {
		if r.status != http.StatusForbidden || r.text("error.code") != "account_invalid" {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	// Who has no key learns nothing about accounts.
	r := platform.do(http.MethodGet, "/v1/account", nil, map[string]string{"Stripe-Account": "acct_1nobody", "Authorization": ""})
	if r.status != http.StatusUnauthorized {
		t.Errorf("without a key: %d %s", r.status, r.raw)
	}
	if listed := ids(platform.get("/v1/accounts")); !slices.Equal(listed, []string{austria.as}) {
		t.Errorf("listed: %v", listed)
	}
}

func TestAccountsThatCannotBeMade(t *testing.T) {
	t.Parallel()
	platform := open(t, nil)
	austria := platform.society(austrian())
	for name, form := range map[string]url.Values{
		"no type":             {},
		"another type":        {"type": {"express"}},
		"no type of Stripe's": {"type": {"charity"}},
		"no country":          {"type": {"standard"}, "country": {"Austria"}},
		"no currency":         {"type": {"standard"}, "default_currency": {"zzz"}},
		"no address":          {"type": {"standard"}, "email": {"office"}},
		"capabilities":        {"type": {"standard"}, "capabilities[card_payments][requested]": {"true"}},
		"no such parameter":   {"type": {"standard"}, "colour": {"red"}},
	} {
		if r := platform.post("/v1/accounts", form); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	if r := austria.post("/v1/accounts", url.Values{"type": {"standard"}}); r.status != http.StatusBadRequest {
		t.Errorf("a connected account makes an account: %d %s", r.status, r.raw)
	}
	if n := len(platform.sim.Accounts()); n != 2 {
		t.Errorf("%d accounts", n)
	}
}

func TestTheSameKeyInTwoAccounts(t *testing.T) {
	t.Parallel()
	platform := open(t, nil)
	austria := platform.society(austrian())
	key := map[string]string{"Idempotency-Key": "don_1"}
	first := platform.do(http.MethodPost, "/v1/checkout/sessions", gift(), key)
	second := austria.do(http.MethodPost, "/v1/checkout/sessions", giftOf(900, "eur"), key)
	if first.status != 200 || second.status != 200 || first.text("id") == second.text("id") || second.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("first %d %s\nsecond %d %s", first.status, first.raw, second.status, second.raw)
	}
	again := austria.do(http.MethodPost, "/v1/checkout/sessions", giftOf(900, "eur"), key)
	if again.raw != second.raw || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("again: %s", again.raw)
	}
	made := platform.do(http.MethodPost, "/v1/accounts", url.Values{"type": {"standard"}}, key)
	if made.status != http.StatusBadRequest || made.text("error.type") != "idempotency_error" {
		t.Errorf("the key of a session makes an account: %d %s", made.status, made.raw)
	}
	key["Idempotency-Key"] = "society_at"
	one := platform.do(http.MethodPost, "/v1/accounts", url.Values{"type": {"standard"}}, key)
	two := platform.do(http.MethodPost, "/v1/accounts", url.Values{"type": {"standard"}}, key)
	if one.text("id") == "" || one.raw != two.raw || len(platform.sim.Accounts()) != 3 {
		t.Errorf("%s\n%s", one.raw, two.raw)
	}
}

func TestEventsGoWhereTheyBelong(t *testing.T) {
	t.Parallel()
	platform := open(t, nil)
	austria, switzerland := platform.society(austrian()), platform.society(swiss())
	home, office, everywhere := newReceiver(t, nil), newReceiver(t, nil), newReceiver(t, nil)
	secrets := map[*receiver]string{home: platform.listen(home), office: austria.listen(office)}
	made := platform.post("/v1/webhook_endpoints", url.Values{
		"url": {everywhere.url}, "enabled_events[0]": {"charge.succeeded"}, "connect": {"true"},
	})
	secrets[everywhere] = made.text("secret")

	for _, a := range []*account{platform, austria, switzerland} {
		a.give(gift())
		a.settle()
	}
	if len(home.all()) != 4 || len(office.all()) != 4 {
		t.Errorf("the platform heard %v, Austria %v", home.types(), office.types())
	}
	var from []string
	for _, r := range everywhere.all() {
		id, _ := r.event["account"].(string)
		from = append(from, id)
	}
	same(t, "accounts of the Connect endpoint's events", from, []string{austria.as, switzerland.as})
	for rec, secret := range secrets {
		for _, r := range rec.all() {
			_, good := verify(t, r, secret)
			_, named := r.event["account"]
			if good != 1 || named != (rec == everywhere) {
				t.Errorf("%d good signatures on %s", good, r.raw)
			}
		}
	}
	// The event is found in its account, and its answer is counted there.
	event := everywhere.all()[0].id()
	if r := austria.get("/v1/events/" + event); r.text("type") != "charge.succeeded" || r.number("pending_webhooks") != 0 {
		t.Errorf("in its account: %s", r.raw)
	}
	if r := platform.get("/v1/events/" + event); r.status != http.StatusNotFound {
		t.Errorf("in the platform's: %s", r.raw)
	}
	if r := austria.control("/_sim/resend", `{"event": "`+event+`"}`); r.number("resent") != 2 {
		t.Errorf("resend: %s", r.raw)
	}
	austria.settle()
	if len(everywhere.all()) != 3 || len(office.all()) != 5 {
		t.Errorf("after the resend %d and %d", len(everywhere.all()), len(office.all()))
	}
	// Without its endpoint nobody is told.
	platform.do(http.MethodDelete, "/v1/webhook_endpoints/"+made.text("id"), nil, nil)
	switzerland.give(gift())
	switzerland.settle()
	if len(everywhere.all()) != 3 {
		t.Errorf("a deleted endpoint heard %v", everywhere.types())
	}
	r := austria.post("/v1/webhook_endpoints", url.Values{"url": {office.url}, "enabled_events[0]": {"*"}, "connect": {"true"}})
	if r.status != http.StatusBadRequest || r.text("error.param") != "connect" {
		t.Errorf("a connected account listens to others: %d %s", r.status, r.raw)
	}
}

// A receiver that is down for a while hears of it later, whatever account it is of.
func TestConnectedEventsAreTriedAgain(t *testing.T) {
	t.Parallel()
	platform := open(t, func(c *Config) { c.CheckoutWait = -1 })
	austria := platform.society(austrian())
	down := func(n int, _ received) int {
		if n <= 2 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}
	office, everywhere := newReceiver(t, down), newReceiver(t, down)
	_, err := austria.sim.EnsureWebhookEndpoint(office.url, []string{"charge.succeeded"}, APIVersion)
	if err != nil {
		t.Fatal(err)
	}
	platform.post("/v1/webhook_endpoints", url.Values{"url": {everywhere.url}, "enabled_events[0]": {"charge.succeeded"}, "connect": {"true"}})
	austria.give(gift())
	austria.settle()
	if n := austria.sim.Truth().Undelivered; n != 2 {
		t.Errorf("%d wait", n)
	}
	austria.control("/_sim/clock", `{"advance_seconds": 2}`)
	austria.settle()
	austria.control("/_sim/clock", `{"advance_seconds": 10}`)
	austria.settle()
	if len(office.all()) != 3 || len(everywhere.all()) != 3 || austria.sim.Truth().Undelivered != 0 {
		t.Errorf("%d and %d attempts", len(office.all()), len(everywhere.all()))
	}
}

// Links carry no header: each page is that of the account that has its object.
func TestPagesFindTheirAccount(t *testing.T) {
	t.Parallel()
	platform := open(t, nil)
	austria := platform.society(austrian())
	session := austria.checkout(gift())
	if r := platform.get("/c/pay/" + session); r.status != http.StatusOK || !strings.Contains(r.raw, "25.00 EUR") {
		t.Errorf("the checkout page: %d", r.status)
	}
	to := platform.pay(session, "4000002760003184").header.Get("Location")
	if r := platform.get(to); r.status != http.StatusOK || !strings.Contains(r.raw, "3-D Secure") {
		t.Errorf("%s: %d", to, r.status)
	}
	if r := platform.post(to, url.Values{"result": {"complete"}}); r.status != http.StatusSeeOther {
		t.Errorf("3-D Secure: %d %s", r.status, r.raw)
	}
	if austria.session(session).text("payment_status") != "paid" {
		t.Error("not paid")
	}
	if r := platform.get("/c/complete/" + session); r.status != http.StatusOK {
		t.Errorf("the last page: %d", r.status)
	}
	receipt := strings.TrimPrefix(austria.session(session).text("payment_intent.latest_charge.receipt_url"), austria.sim.cfg.BaseURL)
	if r := platform.get(receipt); r.status != http.StatusOK || !strings.Contains(r.raw, "Society of Austria") {
		t.Errorf("the receipt %s: %d %s", receipt, r.status, r.raw)
	}
	plan := austria.pledge(monthly(), "4242424242424242")
	invoice := austria.plan(plan).text("latest_invoice.id")
	if got := austria.plan(plan).text("latest_invoice.account_name"); got != "Society of Austria" {
		t.Errorf("the invoice is one of %q", got)
	}
	if r := platform.get("/invoice/" + invoice); r.status != http.StatusOK {
		t.Errorf("the invoice: %d", r.status)
	}
	portal := austria.portal(plan, nil)
	if r := platform.get(portal); r.status != http.StatusOK || !strings.Contains(r.raw, invoice) {
		t.Errorf("the portal %s: %d", portal, r.status)
	}
	if r := platform.post(portal+"/cancel/"+plan, url.Values{"when": {"now"}}); r.status != http.StatusSeeOther {
		t.Errorf("cancel: %d %s", r.status, r.raw)
	}
	if austria.plan(plan).text("status") != "canceled" {
		t.Error("the plan goes on")
	}
	platform.do(http.MethodDelete, "/v1/accounts/"+austria.as, nil, nil)
	for _, page := range []string{"/c/complete/" + session, receipt, "/invoice/" + invoice, portal} {
		if r := platform.get(page); r.status != http.StatusNotFound {
			t.Errorf("%s of a deleted account: %d", page, r.status)
		}
	}
}

func TestClockKnobsAndSettingsAreAnAccountsOwn(t *testing.T) {
	t.Parallel()
	platform := open(t, nil)
	austria := platform.society(austrian())
	session := platform.checkout(gift())
	theirs := austria.checkout(gift())
	austria.control("/_sim/clock", `{"advance_seconds": 172800}`)
	if austria.session(theirs).text("status") != "expired" || platform.session(session).text("status") != "open" {
		t.Error("one clock turned the other")
	}
	austria.knobs(`{"503": 1, "debit_days": 2}`)
	if r := platform.get("/v1/balance"); r.status != http.StatusOK {
		t.Errorf("the platform has Austria's faults: %d", r.status)
	}
	if r := platform.get("/_sim/knobs"); r.path("debit_days") != nil {
		t.Errorf("knobs of the platform: %s", r.raw)
	}
	if r := austria.get("/v1/balance"); r.status != http.StatusServiceUnavailable {
		t.Errorf("Austria has no fault: %d", r.status)
	}
	austria.control("/_sim/settings", `{"retry_days": [1]}`)
	if r := platform.get("/_sim/settings"); len(r.path("retry_days").([]any)) != 3 {
		t.Errorf("settings of the platform: %s", r.raw)
	}
	// A new account begins at the platform's time, with nothing that was due before.
	platform.control("/_sim/clock", `{"advance_seconds": 864000}`)
	late := platform.society(swiss())
	now := platform.sim.Truth().Now
	if late.sim.Truth().Now != now || late.get("/v1/account").number("created") != now {
		t.Errorf("it begins at %d, the platform is at %d", late.sim.Truth().Now, now)
	}
}

// Accounts come and go while donors give to others: nobody waits for nobody, and each
// gift is where it was meant to be.
func TestAccountsComeAndGoAtOnce(t *testing.T) {
	t.Parallel()
	platform := open(t, nil)
	everywhere := newReceiver(t, nil)
	platform.post("/v1/webhook_endpoints", url.Values{
		"url": {everywhere.url}, "enabled_events[0]": {"checkout.session.completed"}, "connect": {"true"},
	})
	var donors sync.WaitGroup
	var mu sync.Mutex
	given := map[string]string{} // account by session
	for i := range 6 {
		donors.Go(func() {
			a := platform.society(austrian())
			for range 4 {
				session := a.give(gift())
				mu.Lock()
				given[session] = a.as
				mu.Unlock()
				platform.give(gift())
			}
			a.settle()
			if i%2 == 1 {
				platform.do(http.MethodDelete, "/v1/accounts/"+a.as, nil, nil)
			}
		})
	}
	donors.Wait()
	for _, r := range everywhere.all() {
		session := r.event["data"].(map[string]any)["object"].(map[string]any)["id"].(string)
		if given[session] != r.event["account"] {
			t.Errorf("%s was given to %q, announced by %v", session, given[session], r.event["account"])
		}
		delete(given, session)
	}
	if len(given) != 0 || len(platform.sim.Truth().Sessions) != 24 || len(platform.sim.Accounts()) != 4 {
		t.Errorf("%d gifts unheard of, %d at the platform, %d accounts", len(given), len(platform.sim.Truth().Sessions), len(platform.sim.Accounts()))
	}
}
