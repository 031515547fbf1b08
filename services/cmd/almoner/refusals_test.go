package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/internal/testkit"
)

// with runs the program with these variables.
func with(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, complaints bytes.Buffer
	p := program{environ: environ, stdin: strings.NewReader(""), stdout: &out, stderr: &complaints}
	// What must not start and does is stopped, and then fails by its exit code.
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
	defer stop()
	code = p.run(ctx, args)
	return code, out.String(), complaints.String()
}

// A supervisor that starts a process again and again should know from the exit code
// when that is of no use, and an operator from one line what to change.
func TestWhatMustNotStartSaysWhyAndWithWhichCode(t *testing.T) {
	t.Parallel()
	authority, foreign := testkit.NewAuthority(t), testkit.NewAuthority(t)
	dir := t.TempDir()
	ledger := append(proof(authority.Issue(t, "ledger")), "ALMONER_GRPC_CA="+authority.File(), "ALMONER_DATA_DIR="+dir,
		"ALMONER_NATS_URL=nats://127.0.0.1:4222", "ALMONER_GRPC_ADDR=127.0.0.1:0", "ALMONER_OPS_ADDR=127.0.0.1:0",
		"ALMONER_DONATION_ADDR=127.0.0.1:1", "ALMONER_FUNDRAISER_ADDR=127.0.0.1:1", "ALMONER_PERSON_PUBLIC_KEY="+strings.Repeat("ab", 32))
	wrongName := proof(authority.Issue(t, "web"))
	expired := proof(authority.IssueUntil(t, time.Now().Add(-time.Minute), "ledger"))
	strangers := proof(foreign.Issue(t, "ledger"))
	plain := []string{"ALMONER_GRPC_CERT=", "ALMONER_GRPC_KEY=", "ALMONER_GRPC_CA="}
	anothers := filepath.Join(t.TempDir(), "receipt.db")
	code, _, stderr := with(t, []string{"ALMONER_DATA_DIR=" + dir, "ALMONER_RECEIPT_DATABASE_URL=sqlite:" + anothers}, "migrate", "--target=receipt")
	if code != 0 {
		t.Fatal(stderr)
	}

	for name, c := range map[string]struct {
		set  []string
		code int
		says string
	}{
		"another service's certificate":   {wrongName, exitConfig, "is a certificate of web, and this process runs ledger"},
		"an expired certificate":          {expired, exitConfig, "has expired on"},
		"a foreign authority's":           {strangers, exitConfig, "is not believed by the authority"},
		"no certificate at all":           {append(plain, "ALMONER_ENV=production"), exitConfig, "mutual TLS"},
		"plain to another machine":        {append(plain, "ALMONER_DONATION_ADDR=10.0.0.7:7000"), exitConfig, "plain connections do not leave the machine"},
		"another service's database":      {[]string{"ALMONER_LEDGER_DATABASE_URL=sqlite:" + anothers}, exitConfig, "ALMONER_LEDGER_DATABASE_URL: open database of ledger: this is another's database: it belongs to receipt, not to ledger"},
		"a part without NATS":             {[]string{"ALMONER_NATS_URL="}, exitConfig, "ALMONER_NATS_URL: is empty"},
		"a key of NATS that is not there": {[]string{"ALMONER_NATS_CREDS=" + dir + "/missing.nk"}, exitConfig, "missing.nk"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := []string{"ALMONER_DATA_DIR=" + t.TempDir()}
			code, stdout, stderr := with(t, slices.Concat(ledger, own, c.set), "run", "--target=ledger")
			if code != c.code || stdout != "" || !strings.Contains(stderr, c.says) {
				t.Errorf("exit code %d, %q; want %d and %q", code, stderr, c.code, c.says)
			}
		})
	}
	code, _, stderr = with(t, ledger, "run", "--target=ledgre")
	if code != exitUsage || !strings.Contains(stderr, "there is no service \"ledgre\"") {
		t.Errorf("a service that is none: %d, %q", code, stderr)
	}
	for _, command := range [][]string{{"migrate", "--target=ledger"}, {"audit"}} {
		clear := []string{"ALMONER_ENV=production", "STRIPE_SECRET_KEY=rk_live_x", "ALMONER_LEDGER_DATABASE_URL=postgres://almoner_ledger:hunter2@db/almoner_ledger?sslmode=allow"}
		code, _, stderr = with(t, append(clear, "ALMONER_DATA_DIR="+dir), command...)
		if code != exitConfig || !strings.Contains(stderr, "over a network without TLS") || strings.Contains(stderr, "hunter2") {
			t.Errorf("%v on a database in the clear: %d, %q", command, code, stderr)
		}
	}
	code, _, stderr = with(t, []string{"ALMONER_DATA_DIR=" + dir, "STRIPE_SECRET_KEY=sk_live_x", "STRIPE_WEBHOOK_SECRETS=whsec_x"}, "run")
	if code != exitConfig || !strings.Contains(stderr, "real money") || strings.Contains(stderr, "sk_live_x") {
		t.Errorf("a live key in development: %d, %q", code, stderr)
	}
}

func proof(cert, key string) []string {
	return []string{"ALMONER_GRPC_CERT=" + cert, "ALMONER_GRPC_KEY=" + key}
}

// The second may have its turn later, so this is no fault of the configuration.
func TestOneDirectoryHasOneProcess(t *testing.T) {
	t.Parallel()
	environ := []string{"ALMONER_DATA_DIR=" + t.TempDir(), "ALMONER_HTTP_ADDR=127.0.0.1:0", "ALMONER_STRIPESIM_ADDR=127.0.0.1:0"}
	cfg, err := node.LoadConfig(environ)
	if err != nil {
		t.Fatal(err)
	}
	first, err := node.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	code, _, stderr := with(t, environ, "run")
	if code != exitFailure || !strings.Contains(stderr, "another almoner runs on this data directory") {
		t.Errorf("%d, %q", code, stderr)
	}
}

func TestKeysForPeopleBelongTogether(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := call(t, t.TempDir(), "keys", "person")
	if code != 0 || stderr != "" || strings.Count(stdout, "\n") != 2 {
		t.Fatalf("%d, %q, %q", code, stdout, stderr)
	}
	web := append(strings.Fields(stdout), "ALMONER_DONATION_ADDR=127.0.0.1:1", "ALMONER_FUNDRAISER_ADDR=127.0.0.1:1",
		"ALMONER_RECEIPT_ADDR=127.0.0.1:1", "ALMONER_LEDGER_ADDR=127.0.0.1:1")
	_, err := node.LoadConfig(web, "web")
	if err != nil {
		t.Errorf("the site does not take them: %v", err)
	}
	_, again, _ := call(t, t.TempDir(), "keys", "person")
	if again == stdout {
		t.Error("the same keys twice")
	}
}

// Nothing is made by looking, and what is wrong is said in one line each.
func TestCheckLooksAtEverythingAndChangesNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	code, stdout, stderr := with(t, []string{"ALMONER_DATA_DIR=" + dir}, "check")
	if code != 0 || stderr != "" || !strings.Contains(stdout, "ledger.db will be made") || !strings.Contains(stdout, "embedded simulator") {
		t.Errorf("before the first start: %d, %q, %q", code, stdout, stderr)
	}
	left, err := filepath.Glob(dir + "*")
	if err != nil || len(left) != 0 {
		t.Errorf("looking made %v (%v)", left, err)
	}
	code, stdout, _ = with(t, []string{"ALMONER_ENV=production", "STRIPE_SECRET_KEY=sk_live_hunter2", "ALMONER_SMTP_URL=smtp://u:hunter2@mail.example.org"}, "check")
	if code != 1 || !strings.Contains(stdout, "WRONG") || !strings.Contains(stdout, "STRIPE_WEBHOOK_SECRETS: is empty") || strings.Contains(stdout, "hunter2") {
		t.Errorf("a production that lacks much: %d, %q", code, stdout)
	}
}

// Ten minutes are too many for a signature: every webhook would be refused.
func TestAClockThatIsOffIsFound(t *testing.T) {
	t.Parallel()
	stripe := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(10*time.Minute).UTC().Format(http.TimeFormat))
	}))
	defer stripe.Close()
	code, stdout, _ := with(t, []string{"ALMONER_DATA_DIR=" + t.TempDir(), "STRIPE_SECRET_KEY=sk_test_x", "STRIPE_WEBHOOK_SECRETS=whsec_x",
		"ALMONER_STRIPE_URL=" + stripe.URL}, "check")
	if code != 1 || strings.Count(stdout, "WRONG") != 1 || !strings.Contains(stdout, "this machine's clock is 10m0s behind that of stripe") {
		t.Errorf("%d\n%s", code, stdout)
	}
}
