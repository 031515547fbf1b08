package stripesim

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

func TestARestartFindsEveryAccount(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := prepare(t, func(c *Config) { c.Dir = dir })
	austria, switzerland := a.society(austrian()), a.society(swiss())
	office := newReceiver(t, nil)
	austria.listen(office) // nobody delivers yet
	paid, left := austria.give(gift()), austria.checkout(gift())
	austria.control("/_sim/clock", `{"advance_seconds": 3600}`)
	a.give(gift())
	key := map[string]string{"Idempotency-Key": "k"}
	kept := switzerland.do(http.MethodPost, "/v1/customers", url.Values{"name": {"Ann Donor"}}, key)
	gone := a.society(url.Values{})
	a.do(http.MethodDelete, "/v1/accounts/"+gone.as, nil, nil)
	before := map[string]Truth{}
	for _, id := range a.sim.Accounts() {
		before[id] = a.acting(id).sim.Truth()
	}

	b := a.reopenAs(dir, nil)

	if got := b.sim.Accounts(); len(got) != 3 || !slices.Equal(got[1:], []string{austria.as, switzerland.as}) {
		t.Fatalf("accounts %v", got)
	}
	for id, truth := range before {
		if after := b.acting(id).sim.Truth(); !reflect.DeepEqual(after, truth) {
			t.Errorf("%s\nbefore %+v\nafter %+v", id, truth, after)
		}
	}
	austria, switzerland = b.acting(austria.as), b.acting(switzerland.as)
	if again := switzerland.do(http.MethodPost, "/v1/customers", url.Values{"name": {"Ann Donor"}}, key); again.raw != kept.raw {
		t.Errorf("the key was forgotten: %s", again.raw)
	}
	b.pay(left, "4242424242424242")
	if austria.session(left).text("payment_status") != "paid" {
		t.Error("a session from before the restart cannot be paid")
	}
	if fresh := austria.checkout(gift()); fresh == paid || fresh == left {
		t.Error("an id was used again")
	}
	// What nobody had delivered goes out by itself, of every account.
	b.run()
	b.eventually("Austria's events are delivered", func() bool { return austria.sim.Truth().Undelivered == 0 })
	if len(office.all()) == 0 {
		t.Error("nothing arrived")
	}
}

// Killed between the account's record and its store: the next start makes it.
func TestAnAccountWithoutAStoreGetsOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := prepare(t, func(c *Config) { c.Dir = dir })
	austria := a.society(austrian())
	want := austria.get("/v1/account").raw
	err := a.sim.Close()
	if err != nil {
		t.Fatal(err)
	}
	err = os.RemoveAll(filepath.Join(dir, accountsFolder, austria.as))
	if err != nil {
		t.Fatal(err)
	}
	b := a.reopen(dir)
	if got := b.acting(austria.as).get("/v1/account").raw; got != want {
		t.Errorf("%s\nwas %s", got, want)
	}
}

func TestAccountsAreTheSameForTheSameSeed(t *testing.T) {
	t.Parallel()
	var first string
	for range 2 {
		a := prepare(t, nil)
		austria := a.society(austrian())
		session := austria.give(gift())
		told := austria.as + austria.session(session).raw
		if first == "" {
			first = told
		}
		if told != first {
			t.Errorf("%s\nwas %s", told, first)
		}
	}
}

// A reader sees an account that was connected after it began, without a lock.
func TestAReaderFollowsConnectedAccounts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := prepare(t, func(c *Config) { c.Dir = dir })
	sim, err := OpenReadOnly(Config{Dir: dir, Now: a.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	reading := *a
	reading.sim = sim
	reading.serve(sim.Handler())
	t.Cleanup(func() { _ = sim.Close() })
	austria := a.society(austrian())
	session := austria.give(gift())
	seen := reading.acting(austria.as)
	if seen.session(session).text("payment_status") != "paid" {
		t.Error("the reader does not see the gift")
	}
	austria.give(gift())
	if n := len(seen.sim.Truth().Charges); n != 2 {
		t.Errorf("the reader sees %d charges", n)
	}
	if r := reading.get("/c/complete/" + session); r.status != http.StatusOK {
		t.Errorf("the page: %d", r.status)
	}
	if r := seen.post("/v1/customers", url.Values{}); r.status != http.StatusForbidden {
		t.Errorf("a reader writes: %d", r.status)
	}
	if r := reading.do(http.MethodGet, "/v1/account", nil, map[string]string{"Stripe-Account": "acct_1nobody"}); r.text("error.code") != "account_invalid" {
		t.Errorf("nobody: %d %s", r.status, r.raw)
	}
}

// A store from before there were connected accounts becomes a platform's.
func TestAnOlderStoreConnectsAccounts(t *testing.T) {
	t.Parallel()
	written, err := os.ReadFile("testdata/before_prorations.log")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	err = os.WriteFile(filepath.Join(dir, logName), written, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	a := prepare(t, func(c *Config) { c.Dir = dir })
	before := a.sim.Truth()
	if len(a.sim.Accounts()) != 1 || len(before.Subscriptions) == 0 {
		t.Fatalf("accounts %v, %d plans", a.sim.Accounts(), len(before.Subscriptions))
	}
	austria := a.society(austrian())
	session := austria.give(gift())
	b := a.reopen(dir)
	if b.acting(austria.as).session(session).text("payment_status") != "paid" {
		t.Error("the gift was forgotten")
	}
	if after := b.sim.Truth(); !reflect.DeepEqual(after.Charges, before.Charges) || after.Account != before.Account {
		t.Error("the platform's own is not what it was")
	}
}
