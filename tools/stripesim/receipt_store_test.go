package stripesim

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The log was written by the version before receipts, custom fields and customers of
// one-off gifts: a gift by card, a debit on its way, a session that expired and one
// that is open, and dunning that was chosen.
func TestAStoreFromBeforeReceipts(t *testing.T) {
	t.Parallel()
	written, err := os.ReadFile("testdata/before_receipts.log")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	err = os.WriteFile(filepath.Join(dir, logName), written, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	a := prepare(t, func(c *Config) {
		c.Dir, c.Now = dir, func() time.Time { return time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC) }
	})
	left, expired, debited, paid := "", "", "", ""
	for i, into := range []*string{&left, &expired, &debited, &paid} {
		*into = a.get("/v1/checkout/sessions").ids()[i]
	}
	charge := a.session(paid).text("payment_intent.latest_charge.id")
	if _, page := a.receipt(charge); page.status != http.StatusOK || !strings.Contains(page.raw, "Visa ending in 4242") {
		t.Errorf("receipt: %d %s", page.status, page.raw)
	}
	a.session(expired).expect(t, map[string]any{"status": "expired", "after_expiration": nil, "recovered_from": nil, "consent": nil})
	if r := a.get("/c/recover/" + expired); r.status != http.StatusNotFound {
		t.Errorf("what nobody asked to be recovered is: %d", r.status)
	}
	a.session(debited).expect(t, map[string]any{"payment_intent.status": "processing", "payment_intent.latest_charge.receipt_url": nil})
	a.advance(5 * day)
	a.session(debited).expect(t, map[string]any{"payment_status": "paid", "customer": nil})
	settings := a.get("/_sim/settings")
	settings.expect(t, map[string]any{"after_last_retry": "unpaid", "webhook_retries": "usual"})
	// The open one's day is over, too.
	a.session(left).expect(t, map[string]any{"status": "expired", "customer_creation": "if_required"})
}
