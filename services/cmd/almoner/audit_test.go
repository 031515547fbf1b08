package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// A container has no timer and no node exporter: there, the audit comes again by
// itself and is pushed. A gateway that is away for one audit has the next.
func TestAuditsComeAgainAndArePushed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if code, _, stderr := call(t, dir, "migrate"); code != 0 {
		t.Fatal(stderr)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var asked atomic.Int32
	pages := make(chan string, 1)
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, _ := io.ReadAll(r.Body)
		if asked.Add(1) == 1 {
			http.Error(w, "no room", http.StatusInsufficientStorage)
			return
		}
		if r.Method != http.MethodPut || r.URL.Path != "/metrics/job/almoner-audit" {
			t.Errorf("it was asked to %s %s", r.Method, r.URL.Path)
		}
		select {
		case pages <- string(page):
		default:
		}
		cancel() // as a container is stopped
	}))
	defer gateway.Close()

	var out, complaints bytes.Buffer
	p := program{environ: []string{"ALMONER_DATA_DIR=" + dir}, stdin: strings.NewReader(""), stdout: &out, stderr: &complaints}
	code := p.run(ctx, []string{"audit", "--every", "10ms", "--metrics", gateway.URL + "/metrics/job/almoner-audit"})

	if code != 0 || !strings.Contains(complaints.String(), "507 Insufficient Storage") {
		t.Errorf("exit code %d, %s", code, complaints.String())
	}
	if said := strings.Count(out.String(), "All sums agree."); said != 2 {
		t.Errorf("two audits said %d times what they found:\n%s", said, out.String())
	}
	page := <-pages
	for _, line := range []string{"almoner_audit_violations 0\n", "almoner_audit_caught_up 1\n", "almoner_audit_timestamp_seconds 1"} {
		if !strings.Contains(page, line) {
			t.Errorf("the gateway was told\n%s", page)
		}
	}
}

// What is configured wrongly is so the next time, too.
func TestAnAuditThatIsConfiguredWronglyDoesNotComeAgain(t *testing.T) {
	t.Parallel()
	var out, complaints bytes.Buffer
	p := program{environ: []string{"ALMONER_ENV=production"}, stdin: strings.NewReader(""), stdout: &out, stderr: &complaints}
	if code := p.run(t.Context(), []string{"audit", "--every", "1h"}); code != exitConfig {
		t.Errorf("exit code %d, %s", code, complaints.String())
	}
}
