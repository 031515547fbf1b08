package stripesim

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestARestartFindsEverything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := prepare(t, func(c *Config) { c.Dir = dir })
	secret, err := a.sim.EnsureWebhookEndpoint("http://127.0.0.1:1/webhooks", []string{"*"}, APIVersion)
	if err != nil {
		t.Fatal(err)
	}
	id := a.give(gift())
	open := a.checkout(gift())
	a.pay(a.checkout(gift()), "4000000000000002")
	a.control("/_sim/clock", `{"advance_seconds": 3600}`)
	before, events := a.sim.Truth(), a.eventTypes()

	b := a.reopen(dir)

	if after := b.sim.Truth(); !reflect.DeepEqual(before, after) {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	if !reflect.DeepEqual(events, b.eventTypes()) {
		t.Error("events differ")
	}
	again, err := b.sim.EnsureWebhookEndpoint("http://127.0.0.1:1/webhooks", []string{"*"}, APIVersion)
	if err != nil || again != secret {
		t.Errorf("secret %q, %v", again, err)
	}
	// The seed of the store counts, and no id comes twice.
	fresh := b.checkout(gift())
	if fresh == id || fresh == open {
		t.Error("an id was used again")
	}
	b.pay(open, "4242424242424242")
	if b.session(open).text("status") != "complete" {
		t.Error("a session from before the restart cannot be paid")
	}
}

// kill -9 leaves a prefix of the file: every prefix must open, to the state
// after its last whole record.
func TestEveryPrefixOfTheStoreOpens(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := prepare(t, func(c *Config) { c.Dir = dir })
	a.give(gift())
	a.pay(a.checkout(gift()), "4000000000000002")
	whole, err := os.ReadFile(filepath.Join(dir, logName))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Count(string(whole), "\n")
	for cut := 0; cut <= len(whole); cut += 1 + len(whole)/30 {
		copied := t.TempDir()
		err := os.WriteFile(filepath.Join(copied, logName), whole[:cut], 0o600)
		if err != nil {
			t.Fatal(err)
		}
		sim, err := Open(Config{Dir: copied, Seed: 42, Now: a.clock.now})
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		err = sim.CheckInvariants()
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		// What is written afterwards is read again.
		err = sim.transact(requestInfo{}, func(tx *tx) error { tx.s.knobs.seed(1); tx.rec.Boot = true; return nil })
		if err != nil {
			t.Fatal(err)
		}
		seq := sim.state.seq
		err = sim.Close()
		if err != nil {
			t.Fatal(err)
		}
		reopened, err := Open(Config{Dir: copied, Now: a.clock.now})
		if err != nil {
			t.Fatalf("cut at %d, reopened: %v", cut, err)
		}
		if reopened.state.seq != seq+1 {
			t.Fatalf("cut at %d: %d records, want %d", cut, reopened.state.seq, seq+1)
		}
		err = reopened.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	if lines < 5 {
		t.Errorf("the store has only %d records", lines)
	}
}

func TestADamagedStoreIsNotCut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := prepare(t, func(c *Config) { c.Dir = dir })
	a.give(gift())
	path := filepath.Join(dir, logName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := []byte(strings.Replace(string(whole), `"unpaid"`, `"unpaif"`, 1))
	copied := t.TempDir()
	err = os.WriteFile(filepath.Join(copied, logName), damaged, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(Config{Dir: copied})
	if err == nil || !strings.Contains(err.Error(), "damaged at byte") {
		t.Errorf("error %v", err)
	}
	left, _ := os.ReadFile(filepath.Join(copied, logName))
	if len(left) != len(damaged) {
		t.Error("the damaged store was cut")
	}
}

func TestOneStoreHasOneWriter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	prepare(t, func(c *Config) { c.Dir = dir })
	_, err := Open(Config{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "another simulator") {
		t.Errorf("error %v", err)
	}
}

// A copy that is taken while twenty donors pay is the state of one moment.
func TestACopyTakenWhileWritingOpens(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := prepare(t, func(c *Config) { c.Dir = dir })
	answered := make(chan string, 200)
	done := make(chan struct{})
	go func() {
		defer close(done)
		finished := make(chan struct{})
		for range 4 {
			go func() {
				defer func() { finished <- struct{}{} }()
				for range 20 {
					r, err := a.try(t.Context(), http.MethodPost, "/v1/checkout/sessions", gift(), nil)
					if err != nil {
						return
					}
					paid, err := a.try(t.Context(), http.MethodPost, "/c/pay/"+r.text("id"), cardForm("4242424242424242"), nil)
					if err == nil && paid.status == http.StatusSeeOther {
						answered <- r.text("id")
					}
				}
			}()
		}
		for range 4 {
			<-finished
		}
	}()
	for range 10 {
		promised := map[string]bool{}
		for len(answered) > 0 {
			promised[<-answered] = true
		}
		whole, err := os.ReadFile(filepath.Join(dir, logName))
		if err != nil {
			t.Fatal(err)
		}
		copied := t.TempDir()
		err = os.WriteFile(filepath.Join(copied, logName), whole, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		sim, err := Open(Config{Dir: copied, Now: a.clock.now})
		if err != nil {
			t.Fatal(err)
		}
		err = sim.CheckInvariants()
		if err != nil {
			t.Error(err)
		}
		for id := range promised {
			if session := sim.current(id); session == nil || session.Status != sessionComplete {
				t.Errorf("%s was answered as paid, and is lost", id)
			}
		}
		_ = sim.Close()
	}
	<-done
}

func TestReadingBesideTheWriter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := prepare(t, func(c *Config) { c.Dir = dir })
	first := a.give(gift())
	sim, err := OpenReadOnly(Config{Dir: dir, Now: a.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	r := &account{t: t, sim: sim, clock: a.clock}
	r.serve(sim.Handler())

	if got := r.session(first); got.text("payment_status") != "paid" {
		t.Errorf("%s", got.raw)
	}
	second := a.give(giftOf(900, "usd"))
	if got := r.session(second); got.text("payment_status") != "paid" {
		t.Error("what was written afterwards is not read")
	}
	if !reflect.DeepEqual(a.sim.Truth(), sim.Truth()) {
		t.Error("the truths differ")
	}
	// Half a record at the end is one that is being written.
	file, err := os.OpenFile(filepath.Join(dir, logName), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteString("12345678 {\"n\": 99")
	_ = file.Close()
	if err != nil {
		t.Fatal(err)
	}
	if got := r.get("/v1/balance"); got.status != 200 {
		t.Errorf("torn tail: %d", got.status)
	}
	for _, path := range []string{"/v1/checkout/sessions", "/v1/webhook_endpoints"} {
		if got := r.post(path, gift()); got.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	if got := r.pay(a.checkout(gift()), "4242424242424242"); got.status == http.StatusSeeOther {
		t.Error("a read-only simulator took money")
	}
	if got := r.control("/_sim/clock", `{"advance_seconds": 1}`); got.status != http.StatusBadRequest {
		t.Errorf("clock: %d", got.status)
	}
	if got := r.get("/_sim"); got.status != 200 || strings.Contains(got.raw, "<form") {
		t.Errorf("dashboard: %d", got.status)
	}
	_, err = OpenReadOnly(Config{Dir: t.TempDir()})
	if err == nil {
		t.Error("a store that is not there was opened")
	}
}

// A disk that takes no more: nothing is shown that is not written.
func TestAStoreThatCannotBeWrittenRefuses(t *testing.T) {
	t.Parallel()
	a := &account{t: t, clock: newClock()}
	sim, err := Open(Config{Dir: t.TempDir(), Seed: 42, Now: a.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	a.sim = sim
	a.serve(sim.Handler())
	id := a.checkout(gift())
	_ = sim.file.file.Close()

	if r := a.post("/v1/checkout/sessions", gift()); r.status != 500 || r.text("error.type") != "api_error" {
		t.Errorf("create: %d %s", r.status, r.raw)
	}
	if r := a.pay(id, "4242424242424242"); r.status != 500 {
		t.Errorf("pay: %d", r.status)
	}
	if truth := sim.Truth(); len(truth.Sessions) != 1 || len(truth.Charges) != 0 || truth.Sessions[0].Status != "open" {
		t.Errorf("%+v", truth)
	}
	_ = sim.Close()
}

func TestTruthAsJSON(t *testing.T) {
	t.Parallel()
	a := prepare(t, nil)
	a.give(gift())
	r := a.get("/_sim/truth")
	var truth Truth
	err := json.Unmarshal([]byte(r.raw), &truth)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(truth, a.sim.Truth()) {
		t.Error("HTTP and Go disagree")
	}
	for _, list := range []string{"refunds", "disputes", "payouts"} {
		if rows, ok := r.path(list).([]any); !ok || len(rows) != 0 {
			t.Errorf("%s: %v", list, r.path(list))
		}
	}
	if truth.Pending["eur"] != 2400 || truth.Sessions[0].Metadata["donation_id"] != "don_1" {
		t.Errorf("%+v", truth)
	}
}
