package main

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/node"
	"github.com/almoner/almoner/services/internal/testkit"
)

// call runs the program as a shell would, on a data directory of its own.
func call(t *testing.T, dataDir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, complaints bytes.Buffer
	p := program{
		environ: []string{"ALMONER_DATA_DIR=" + dataDir}, stdin: strings.NewReader(""), stdout: &out, stderr: &complaints,
	}
	code = p.run(t.Context(), args)
	return code, out.String(), complaints.String()
}

func TestWrongCallsSaySoAndPrintNothingElse(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{},
		{"donate"},
		{"export"},
		{"export", "journal"},
		{"export", "journal", "--format", "pdf"},
		{"export", "trial-balance", "--format", "hledger"},
		{"audit", "--jason"},
		{"audit", "--wait", "soon"},
		{"audit", "--every", "-1h"},
		{"run", "now"},
		{"load"},
		{"load", "one", "two"},
		{"parked"},
		{"parked", "retry", "everything"},
		{"parked", "retry", "bank/1"},
		{"keys", "nats"},
		{"recover"},
		{"recover", "ledger"},
		{"recover", "donation", "fundraiser"},
		{"rebuild"},
		{"rebuild", "ledger", "receipt"},
		{"rebuild", "ledger", "--chec"},
		{"stripe"},
		{"stripe", "setup", "now"},
		{"stripe", "check", "--secret-file", "secret"},
		{"backup"},
		{"restore"},
		{"restore", "one", "two"},
	} {
		code, stdout, stderr := call(t, t.TempDir(), args...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, "almoner help") {
			t.Errorf("%v: exit code %d, standard output %q, standard error %q", args, code, stdout, stderr)
		}
	}
}

func TestWhatCannotBeComputed(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "nowhere")
	empty := t.TempDir()
	for dir, says := range map[string]string{missing: "has `almoner run`", empty: "almoner migrate"} {
		code, stdout, stderr := call(t, dir, "audit")
		if code != exitFailure || stdout != "" || !strings.Contains(stderr, says) {
			t.Errorf("exit code %d, standard output %q, standard error %q; want a failure that says %q", code, stdout, stderr, says)
		}
	}
	_, err := os.Stat(missing)
	if err == nil {
		t.Error("a question made the data directory that it asks about")
	}
}

// A fresh directory is migrated, loaded and audited without anything running.
func TestOperatorsWorkWithoutAnInstance(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 {
		code, _, stderr := call(t, dir, "migrate")
		if code != 0 {
			t.Fatalf("migrate: %d %s", code, stderr)
		}
	}
	file := filepath.Join(t.TempDir(), "appeals.yaml")
	err := os.WriteFile(file, []byte("organisations: []\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := call(t, dir, "load", file)
	if code != exitFailure || stdout != "" || !strings.Contains(stderr, "1") {
		t.Errorf("a file with a mistake: exit code %d, %q, %q; want its line", code, stdout, stderr)
	}
	code, stdout, stderr = call(t, dir, "parked", "list")
	if code != 0 || stdout != "" {
		t.Errorf("nothing is parked: exit code %d, %q, %q", code, stdout, stderr)
	}
	code, stdout, stderr = call(t, dir, "audit", "--json")
	if code != 0 || !strings.Contains(stdout, `"ok": true`) {
		t.Errorf("nothing was given, so nothing differs: exit code %d, %q, %q", code, stdout, stderr)
	}
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	code, stdout, _ := call(t, t.TempDir(), "help")
	if code != 0 {
		t.Errorf("help: exit code %d", code)
	}
	for _, c := range commands() {
		if !strings.Contains(stdout, c.usage) {
			t.Errorf("help does not name %q", c.usage)
		}
	}
	if !strings.Contains(stdout, "ALMONER_DATA_DIR") {
		t.Error("help does not list the variables")
	}
	code, stdout, _ = call(t, t.TempDir(), "version")
	if code != 0 || !strings.Contains(stdout, "Stripe API 2023-10-16") {
		t.Errorf("version: exit code %d, %q", code, stdout)
	}
}

// What a script asked for goes to standard output whole or not at all.
func TestAnExportThatBreaksLeavesNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if code, _, stderr := call(t, dir, "migrate"); code != 0 {
		t.Fatal(stderr)
	}
	out := filepath.Join(t.TempDir(), "journal")
	code, _, stderr := call(t, dir, "export", "journal", "--format", "csv", "--organization", "nobody", "--output", out)
	if code != exitFailure || stderr == "" {
		t.Errorf("books of an unknown organization: exit code %d, %q", code, stderr)
	}
	left, err := os.ReadDir(filepath.Dir(out))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRefusalsAreInWords(t *testing.T) {
	t.Parallel()
	field := apperr.Field{Name: "from", Reason: "DATE_INVALID", Message: "Write the day as 2026-03-31."}
	for want, err := range map[string]error{
		"Some of what was entered cannot be used.\n  from: Write the day as 2026-03-31.": apperr.Invalid(field),
		"receipt: This is away.": fmt.Errorf("receipt: %w", apperr.New(apperr.Unavailable, "AWAY", "This is away.")),
		"open appeals.yaml":      errors.New("open appeals.yaml"),
	} {
		if got := explain(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	dir := t.TempDir()
	if code, _, stderr := call(t, dir, "migrate"); code != 0 {
		t.Fatal(stderr)
	}
	missing := filepath.Join(t.TempDir(), "nowhere", "books.csv")
	code, _, stderr := call(t, dir, "export", "journal", "--format", "csv", "--output", missing)
	if code != exitFailure || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, missing[:len(missing)-9]) {
		t.Errorf("a file that cannot be written: %d %q, want one line that names the folder", code, stderr)
	}
}

// Two programs on one address are told apart by the variable to change.
func TestATakenAddressIsNamed(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var out, complaints bytes.Buffer
	p := program{
		environ: []string{"ALMONER_DATA_DIR=" + t.TempDir(), "ALMONER_HTTP_ADDR=127.0.0.1:0", "ALMONER_STRIPESIM_ADDR=" + taken.Addr().String()},
		stdin:   strings.NewReader(""), stdout: &out, stderr: &complaints,
	}
	code := p.run(t.Context(), []string{"run"})
	if code != exitFailure || !strings.Contains(complaints.String(), "ALMONER_STRIPESIM_ADDR: ") || !strings.Contains(complaints.String(), "in use") {
		t.Errorf("%d %s", code, complaints.String())
	}
}

// On a database server the tables are an operator's to make; who forgot is told
// so, and not which table was missed first.
func TestAnUnmigratedDatabaseServerIsSaidInWords(t *testing.T) {
	t.Parallel()
	environ := []string{"ALMONER_DATA_DIR=" + t.TempDir(), "ALMONER_HTTP_ADDR=127.0.0.1:0", "ALMONER_STRIPESIM_ADDR=127.0.0.1:0"}
	for _, service := range node.Databases() {
		environ = append(environ, "ALMONER_"+strings.ToUpper(service)+"_DATABASE_URL="+testkit.PostgreSQLURL(t))
	}
	var out, complaints bytes.Buffer
	p := program{environ: environ, stdin: strings.NewReader(""), stdout: &out, stderr: &complaints}
	code := p.run(t.Context(), []string{"run"})
	if code != exitFailure || !strings.Contains(complaints.String(), "is not up to date; run `almoner migrate`.") {
		t.Errorf("%d %s", code, complaints.String())
	}
}

// Secrets go to files that their owner alone can read; the terminal sees public
// keys.
func TestKeysForNATSAreNotShown(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "nats")
	code, stdout, stderr := call(t, t.TempDir(), "keys", "nats", "--out", dir)
	if code != 0 || strings.Count(stdout, "\n") != 4 || !strings.HasPrefix(stdout, "donation U") {
		t.Fatalf("exit code %d, %q, %q", code, stdout, stderr)
	}
	for line := range strings.Lines(stdout) {
		service, _, _ := strings.Cut(line, " ")
		seed, err := os.ReadFile(filepath.Join(dir, service+".nk"))
		if err != nil || strings.Contains(stdout, strings.TrimSpace(string(seed))) {
			t.Errorf("%s: its secret is shown, or not written: %v", service, err)
		}
	}
	_, again, _ := call(t, t.TempDir(), "keys", "nats", "--out", dir)
	if again != stdout {
		t.Errorf("called again, the keys are others: %q", again)
	}
}

// Given a producer that was restored to before what its consumer has applied, then
// `recover` shows that and changes nothing; with --yes it ends it, once.
func TestAForkIsShownBeforeItIsEnded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	code, _, stderr := call(t, dir, "migrate")
	if code != 0 {
		t.Fatal(stderr)
	}
	code, stdout, stderr := call(t, dir, "recover", "donation")
	if code != 0 || !strings.Contains(stdout, "has not forked") {
		t.Errorf("without a fork: exit code %d, %q, %q", code, stdout, stderr)
	}
	change := func(service, statement string) (values []int64) {
		t.Helper()
		db, err := sql.Open("sqlite", filepath.Join(dir, service+".db"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		rows, err := db.QueryContext(t.Context(), statement)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var value int64
			err := rows.Scan(&value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
		if rows.Err() != nil {
			t.Fatal(rows.Err())
		}
		return values
	}
	change("ledger", `INSERT INTO feed_checkpoint (feed, epoch, pos, event_id) VALUES ('donation', 1, 7, 'what-nobody-remembers')`)

	code, plan, _ := call(t, dir, "recover", "donation")
	for _, says := range []string{"has forked", "ledger has applied up to position 7", "With --yes:"} {
		if code != 1 || !strings.Contains(plan, says) {
			t.Errorf("exit code %d; %q is not in\n%s", code, says, plan)
		}
	}
	if epochs := change("donation", `SELECT epoch FROM event_head`); len(epochs) != 0 {
		t.Errorf("looking began epoch %v", epochs)
	}

	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
	if err != nil {
		t.Fatal(err)
	}
	code, _, stderr = call(t, dir, "recover", "donation", "--yes")
	if code != exitFailure || !strings.Contains(stderr, "stop it first") {
		t.Errorf("beside an instance that has NATS in it: exit code %d, %q", code, stderr)
	}
	_ = lock.Close()

	code, done, stderr := call(t, dir, "recover", "donation", "--yes")
	if code != 0 || !strings.Contains(done, "Now:") || !strings.Contains(done, "Done.") {
		t.Errorf("exit code %d, %q, %q", code, done, stderr)
	}
	if epochs := change("donation", `SELECT epoch FROM event_head`); len(epochs) != 1 || epochs[0] != 2 {
		t.Errorf("the log is in epoch %v", epochs)
	}
	code, stdout, _ = call(t, dir, "recover", "--yes", "donation")
	if code != 0 || !strings.Contains(stdout, "has not forked") {
		t.Errorf("again: exit code %d, %q", code, stdout)
	}
}
