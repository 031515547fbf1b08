package systemtest

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/almoner/almoner/services/internal/demo"
)

// A gift through every door ends in the totals, the books and a receipt, with
// each webhook delivered twice and out of order; and the next run of the program
// on the same data tells the same story.
func TestGiftsArriveEverywhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	i := start(t, dir, &lockedBuffer{})
	o := i.operator()

	result := give(t, o)

	paid := 0
	for _, line := range result.Gifts {
		if line.State == "succeeded" {
			paid++
		}
	}
	if told := truthAt(t, o.SimulatorURL()).paid(); told != paid {
		t.Errorf("Stripe took %d payments, the demo followed %d", told, paid)
	}
	if len(result.Audit.Rows) < 2 {
		t.Errorf("the gifts should be in two currencies, the audit has %d rows", len(result.Audit.Rows))
	}

	// With NATS's store wiped the streams are laid again; nothing is lost, and
	// what was applied is not applied again.
	i.stopNow()
	err := os.RemoveAll(filepath.Join(dir, "nats"))
	if err != nil {
		t.Fatal(err)
	}
	again := start(t, dir, i.logs)
	report := agree(t, again.operator())
	if len(report.Rows) != len(result.Audit.Rows) || report.Rows[0] != result.Audit.Rows[0] {
		t.Errorf("after a restart the audit says %+v, before %+v", report.Rows, result.Audit.Rows)
	}
	give(t, again.operator())
}

// An audit needs no running instance and no port.
func TestAuditWithoutAnInstance(t *testing.T) {
	t.Parallel()
	i := start(t, t.TempDir(), &lockedBuffer{})
	before := give(t, i.operator())
	i.stopNow()

	report := agree(t, operator(t, i.cfg))

	if len(report.Stripe) != len(before.Audit.Stripe) || report.Stripe[0] != before.Audit.Stripe[0] {
		t.Errorf("read from its files, Stripe says %+v, before %+v", report.Stripe, before.Audit.Stripe)
	}
}

// Without a broker the process is degraded and says so, donors give, and what
// they give arrives, only not pushed but pulled.
func TestWithoutNATSGiftsArriveAllTheSame(t *testing.T) {
	t.Parallel()
	i := start(t, t.TempDir(), &lockedBuffer{}, "ALMONER_NATS_URL=nats://"+freeAddr(t))

	status, body := fetch(t, i.node.BaseURL()+"/readyz")
	if status != http.StatusOK || !bytes.Contains(body, []byte("degraded")) || !bytes.Contains(body, []byte("NATS is not connected")) {
		t.Errorf("without NATS /readyz answers %d %s", status, body)
	}
	give(t, i.operator())
}

var hiddenIntent = regexp.MustCompile(`name="intent"[^>]*value="([^"]+)"`)

// donateForm reads the first appeal's form as a browser would.
func donateForm(t *testing.T, i *instance) (address string, fields url.Values) {
	t.Helper()
	_, home := fetch(t, i.node.BaseURL()+"/")
	link := regexp.MustCompile(`href="(/appeals/[a-z0-9-]+)"`).FindSubmatch(home)
	if link == nil {
		t.Fatal("the home page links no appeal")
	}
	address = i.node.BaseURL() + string(link[1]) + "/donate"
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
func TestTheSameFormTwentyTimesAtOnce(t *testing.T) {
	t.Parallel()
	i := start(t, t.TempDir(), &lockedBuffer{})
	address, fields := donateForm(t, i)

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
	if told := truthAt(t, i.node.SimulatorURL()); len(told.Sessions) != 1 {
		t.Errorf("Stripe has %d sessions, want 1", len(told.Sessions))
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
func TestPersonalDataStaysAtHome(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logs := &lockedBuffer{}
	i := start(t, dir, logs)
	result := give(t, i.operator())
	i.stopNow()

	canaries := [][]byte{[]byte("Demo Donor"), []byte("@example.org")}
	home := map[string]bool{"donation.db": true, "receipt.db": true, "mail": true, "stripesim": true}
	searched := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		top, _, _ := strings.Cut(relative, string(filepath.Separator))
		if entry.IsDir() || home[strings.TrimSuffix(strings.TrimSuffix(top, "-wal"), "-shm")] {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		searched++
		// The charity's own address is public and may stand in its organization.
		for _, canary := range canaries {
			for rest := content; ; {
				at := bytes.Index(rest, canary)
				if at < 0 {
					break
				}
				around := rest[max(0, at-8):min(len(rest), at+len(canary))]
				if bytes.Contains(around, []byte("donor")) || bytes.Contains(around, []byte("Donor")) {
					t.Errorf("%s holds personal data: …%q", relative, around)
					break
				}
				rest = rest[at+len(canary):]
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if searched < 3 {
		t.Errorf("only %d files were searched", searched)
	}
	for _, canary := range []string{"Demo Donor", "donor1@"} {
		if strings.Contains(logs.String(), canary) {
			t.Errorf("the log holds %q", canary)
		}
	}
	if !traced(result, logs.String()) {
		t.Error("no log line carries the trace of a gift")
	}
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
