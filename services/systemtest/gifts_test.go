package systemtest

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/almoner/almoner/services/internal/demo"
)

// A gift through every door ends in the totals, the books and a receipt, with
// each webhook delivered twice and out of order; and the next run of the program
// on the same data tells the same story.
func giftsArriveEverywhere(t *testing.T, s system) {
	before := truthAt(t, s.stripe()).paid()
	result := giveAndTakeBack(t, operator(t, s.config()))

	paid := 0
	for _, line := range result.Gifts {
		if line.State == "succeeded" {
			paid++
		}
	}
	for _, told := range result.Cases {
		if !strings.Contains(told.Story, "the bank refuses") {
			paid += len(told.Donations)
		}
	}
	if told := truthAt(t, s.stripe()).paid() - before; told != paid {
		t.Errorf("Stripe took %d payments, the demo followed %d", told, paid)
	}
	if len(result.Audit.Rows) < 2 {
		t.Errorf("the gifts should be in two currencies, the audit has %d rows", len(result.Audit.Rows))
	}

	// With NATS's store wiped the streams are laid again; nothing is lost, and
	// what was applied is not applied again.
	s.halt(t)
	s.wipeStreams(t)
	s.resume(t)
	report := agree(t, operator(t, s.config()))
	if len(report.Rows) != len(result.Audit.Rows) || report.Rows[0] != result.Audit.Rows[0] {
		t.Errorf("after a restart the audit says %+v, before %+v", report.Rows, result.Audit.Rows)
	}
	give(t, operator(t, s.config()))
}

// An audit needs no running service.
func auditWithoutAnInstance(t *testing.T, s system) {
	before := give(t, operator(t, s.config()))
	s.halt(t)

	report := agree(t, operator(t, s.config()))

	if len(report.Stripe) != len(before.Audit.Stripe) || report.Stripe[0] != before.Audit.Stripe[0] {
		t.Errorf("with nothing running, Stripe is said to have %+v, before %+v", report.Stripe, before.Audit.Stripe)
	}
	s.resume(t)
}

// Without a broker services are degraded and say so, donors give, and what they
// give arrives, only not pushed but pulled.
func withoutNATSGiftsArriveAllTheSame(t *testing.T, s system) {
	s.loseBroker(t)

	var health string
	eventually(t, "the services say that NATS is gone", func() bool {
		health = s.health(t)
		return strings.Contains(health, "NATS is not connected")
	})
	if !strings.Contains(health, "degraded") {
		t.Errorf("without NATS the health is %s", health)
	}
	give(t, operator(t, s.config()))
}

var hiddenIntent = regexp.MustCompile(`name="intent"[^>]*value="([^"]+)"`)

// donateForm reads the first appeal's form as a browser would.
func donateForm(t *testing.T, site string) (address string, fields url.Values) {
	t.Helper()
	_, home := fetch(t, site+"/")
	link := regexp.MustCompile(`href="(/appeals/[a-z0-9-]+)"`).FindSubmatch(home)
	if link == nil {
		t.Fatal("the home page links no appeal")
	}
	address = site + string(link[1]) + "/donate"
	_, page := fetch(t, address)
	intent := hiddenIntent.FindSubmatch(page)
	currency := regexp.MustCompile(`name="currency"[^>]*value="([A-Z]{3})"`).FindSubmatch(page)
	if intent == nil || currency == nil {
		t.Fatalf("the donate form lacks its hidden fields:\n%s", page)
	}
	return address, url.Values{
		"intent": {string(intent[1])}, "currency": {string(currency[1])}, "amount": {"25"}, "frequency": {"once"},
		"name": {"Amina Yusuf"}, "email": {"amina@example.org"}, "visibility": {"public"},
	}
}

func submit(t *testing.T, address string, fields url.Values) (status int, location string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(fields.Encode()))
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header.Get("Location")
}

// A donor who clicks twenty times, from an impatient browser or a broken one,
// has one session at Stripe and can be charged once.
func theSameFormTwentyTimesAtOnce(t *testing.T, s system) {
	before := len(truthAt(t, s.stripe()).Sessions)
	address, fields := donateForm(t, s.site())

	var clicks sync.WaitGroup
	var mu sync.Mutex
	locations := map[string]int{}
	for range 20 {
		clicks.Go(func() {
			status, location := submit(t, address, fields)
			if status != http.StatusSeeOther {
				t.Errorf("a click was answered with %d", status)
			}
			mu.Lock()
			defer mu.Unlock()
			locations[location]++
		})
	}
	clicks.Wait()

	if len(locations) != 1 {
		t.Errorf("the clicks led to %v", locations)
	}
	if sessions := len(truthAt(t, s.stripe()).Sessions) - before; sessions != 1 {
		t.Errorf("Stripe has %d sessions more, want 1", sessions)
	}

	// Back, another amount: one session more, and the first can no longer be paid.
	fields.Set("amount", "40")
	status, second := submit(t, address, fields)
	if status != http.StatusSeeOther || locations[second] != 0 {
		t.Errorf("another amount was answered with %d %s", status, second)
	}
	for first := range locations {
		_, page := fetch(t, first)
		if bytes.Contains(page, []byte("card_number")) {
			t.Error("the first session still takes cards")
		}
	}
}

// Donors' names are in the donation service, on the receipt, in the mail and at
// Stripe, and nowhere else: not in events, logs, books or totals.
func personalDataStaysAtHome(t *testing.T, s system) {
	result := give(t, operator(t, s.config()))
	s.halt(t)

	kept := s.elsewhere(t)
	for name, content := range kept {
		for _, canary := range []string{"Demo Donor", "donor@", "donor1@"} {
			at := bytes.Index(content, []byte(canary))
			if at >= 0 {
				t.Errorf("%s holds personal data: …%q", name, content[max(0, at-8):at+len(canary)])
			}
		}
	}
	if len(kept) < 4 {
		t.Errorf("only %d places were searched", len(kept))
	}
	if !traced(result, s.log(t)) {
		t.Error("no log line carries the trace of a gift")
	}
	s.resume(t)
}

// traced tells whether the log can be followed from at least one gift.
func traced(result demo.Result, log string) bool {
	for _, line := range result.Gifts {
		if line.TraceID != "" && strings.Contains(log, line.TraceID) {
			return true
		}
	}
	return false
}
