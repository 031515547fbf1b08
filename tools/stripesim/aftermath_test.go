package stripesim

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// However gifts, refunds, disputes, debits, payouts and time are mixed, the books
// add up, and a restart finds all of it.
func TestMoneyAddsUpAfterTheGift(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		dir := filepath.Join(t.TempDir(), "store")
		daily := func(c *Config) {
			c.Dir, c.Seed = dir, seed+1
			if seed%2 == 0 {
				c.PayoutSchedule = "daily"
			}
		}
		a := prepare(t, daily)
		a.knobs(`{"async_capture": 0.2, "twin": 0.1, "payout_fails": {"p": 0.2}, "payout_fails_late": {"p": 0.2}, "debit_early_transaction": 0.5,
			"settlement": {"usd": {"to": "eur", "rate_micros": 922000}}}`)
		random := rand.New(rand.NewPCG(seed, 11))
		for range 90 {
			a.somethingHappens(random)
			err := a.sim.CheckInvariants()
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		before, events := a.sim.Truth(), a.eventTypes()
		if len(before.Refunds) == 0 || len(before.Disputes) == 0 || len(before.Payouts) == 0 {
			t.Errorf("seed %d: %d refunds, %d disputes, %d payouts", seed, len(before.Refunds), len(before.Disputes), len(before.Payouts))
		}
		b := a.reopenAs(dir, daily)
		if after := b.sim.Truth(); !reflect.DeepEqual(before, after) || !slices.Equal(events, b.eventTypes()) {
			t.Errorf("seed %d: a restart ends elsewhere", seed)
		}
		b.advance(200 * day)
		for _, d := range b.sim.Truth().Disputes {
			if !d.closed() {
				t.Errorf("seed %d: %s is still %s", seed, d.ID, d.Status)
			}
		}
	}
}

func (a *account) somethingHappens(random *rand.Rand) {
	truth := a.sim.Truth()
	charge := func() string {
		if len(truth.Charges) == 0 {
			return "ch_none"
		}
		return truth.Charges[random.IntN(len(truth.Charges))].ID
	}
	table, banks := cards(), bankAccounts()
	switch random.IntN(10) {
	case 0:
		a.advance(random.Int64N(4 * day))
	case 1, 2:
		a.refund(charge(), 1+random.Int64N(3000))
	case 3:
		a.control("/_sim/dispute", fmt.Sprintf(`{"charge": %q, "inquiry": %v}`, charge(), random.IntN(3) == 0))
	case 4:
		for _, d := range truth.Disputes {
			words := []string{"winning_evidence", "losing_evidence", "escalate_inquiry_evidence", "we are honest"}[random.IntN(4)]
			a.evidence(d.ID, words)
		}
	case 5:
		a.control("/_sim/payout", `{"include_pending": true}`)
	case 6:
		bank := banks[random.IntN(len(banks))]
		a.post("/c/pay/"+a.checkout(debitGift(bank.kind)), accountForm(bank))
	case 7:
		a.post("/v1/payouts", url.Values{"amount": {fmt.Sprint(1 + random.Int64N(2000))}, "currency": {"eur"}})
	default:
		currency := []string{"eur", "usd", "jpy"}[random.IntN(3)]
		a.pay(a.checkout(giftOf(500+random.Int64N(5_000), currency)), table[random.IntN(len(table))].number)
	}
}

// The same seed and the same requests make the same history.
func TestTheSameSeedMakesTheSameHistory(t *testing.T) {
	t.Parallel()
	histories := make([][]string, 2)
	for i := range histories {
		a := prepare(t, nil)
		random := rand.New(rand.NewPCG(5, 5))
		for range 40 {
			a.somethingHappens(random)
		}
		a.sim.mu.RLock()
		histories[i] = slices.Clone(a.sim.state.events.order)
		a.sim.mu.RUnlock()
	}
	if !slices.Equal(histories[0], histories[1]) {
		t.Error("two runs differ")
	}
}

func TestAnAnswerThatIsCutShort(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	charge := a.paidWith("4242424242424242")
	a.knobs(`{"truncate_body": {"count": 1, "only": "POST /v1/refunds"}}`)
	form, key := url.Values{"charge": {charge}, "amount": {"500"}}, map[string]string{"Idempotency-Key": "re:1"}

	request, err := a.client.Post(a.url+"/v1/refunds", "", nil) // without a key: untouched by the knob
	if err != nil || request.StatusCode != http.StatusUnauthorized {
		t.Fatalf("%v", err)
	}
	_ = request.Body.Close()
	_, broken := a.try(t.Context(), http.MethodPost, "/v1/refunds", form, key)
	again := a.do(http.MethodPost, "/v1/refunds", form, key)

	if broken == nil {
		t.Error("the answer was whole")
	}
	if again.status != http.StatusOK || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the repeat: %d %s", again.status, again.raw)
	}
	if rows := a.get("/v1/refunds").path("data").([]any); len(rows) != 1 {
		t.Errorf("%d refunds", len(rows))
	}
}

func TestWebhooksThatComeBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	rec := newReceiver(t, nil)
	a := open(t, nil)
	charge := a.paidWith("4242424242424242")
	a.listen(rec)
	a.knobs(`{"deliver_before_api_response": true}`)

	a.refund(charge, 500)

	if got := rec.types(); len(got) != 4 || !slices.Contains(got, "refund.created") {
		t.Errorf("when the answer came %v had been delivered", got)
	}
}

func TestTheRateLimit(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	a.knobs(`{"rate_limit": true}`)
	statuses := map[int]int{}
	for range usualLimit + 5 {
		r := a.get("/v1/balance")
		statuses[r.status]++
		if r.status == http.StatusTooManyRequests && r.text("error.code") != "rate_limit" {
			t.Errorf("refused with %s", r.raw)
		}
	}
	if statuses[http.StatusOK] != usualLimit || statuses[http.StatusTooManyRequests] != 5 {
		t.Errorf("answers: %v", statuses)
	}
	a.clock.advance(1_000_000_000)
	if r := a.get("/v1/balance"); r.status != http.StatusOK {
		t.Errorf("a second later: %d", r.status)
	}
	a.knobs(`{"rate_limit": null}`)
	if r := a.control("/_sim/knobs", `{"rate_limit": "fast"}`); r.status != http.StatusBadRequest || !strings.Contains(r.raw, "rate_limit") {
		t.Errorf("a bad limit: %s", r.raw)
	}
}
