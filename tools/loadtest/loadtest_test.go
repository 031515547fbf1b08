package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSpreadAndPercentiles(t *testing.T) {
	t.Parallel()
	if got := spreadOf([]float64{310, 290, 305}).String(); got != "305 [290–310]" {
		t.Errorf("the spread is %s", got)
	}
	var took []time.Duration
	for n := range 100 {
		took = append(took, time.Duration(100-n)*time.Millisecond)
	}
	if got := percentiles(took); got != "51.0 / 100.0 ms" {
		t.Errorf("the percentiles are %s", got)
	}
}

func TestAMissedGoalIsSaidAndIsNoFailure(t *testing.T) {
	t.Parallel()
	var made table
	made.atLeast("whole path", "900", 0.45, wholePathGoal)
	made.atLeast("page", "40000", 0.34, cachedGoal)
	made.add("webhook", "3 ms")
	var out bytes.Buffer
	err := made.write(&out)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for n, want := range []string{"verdict", "MISSED", "reached", "-"} {
		if !strings.HasSuffix(lines[n], want) {
			t.Errorf("line %d is %q, want it to end with %q", n, lines[n], want)
		}
	}
}

func TestATimeIsComparedWithItsPromise(t *testing.T) {
	t.Parallel()
	var made table
	made.atMost("webhook → ledger", "8.0 / 99.0 ms", 99, bookedGoal)
	made.atMost("webhook → ledger", "8.0 / 101.0 ms", 101, bookedGoal)
	if made.lines[0].verdict != "reached" || made.lines[1].verdict != "MISSED" || made.lines[0].goal != "≤ 100 ms" {
		t.Errorf("%+v", made.lines)
	}
}

func TestTheNewestServerIsTaken(t *testing.T) {
	t.Parallel()
	found := []string{
		"/usr/lib/postgresql/10/bin/initdb", "/usr/lib/postgresql/15/bin/initdb",
		"/usr/lib/postgresql/9.5/bin/initdb", "/usr/lib/postgresql/9.6/bin/initdb", "/usr/lib/postgresql/common/bin/initdb",
	}
	if newest := slices.MaxFunc(found, byVersion); newest != found[1] {
		t.Errorf("of %v, %s is taken", found, newest)
	}
	if newest := slices.MaxFunc(found[2:], byVersion); newest != found[3] {
		t.Errorf("of %v, %s is taken", found[2:], newest)
	}
}

func TestPgbenchIsReadAsItSpeaks(t *testing.T) {
	t.Parallel()
	tps, err := readTPS([]byte("number of failed transactions: 0 (0.000%)\ninitial connection time = 31.201 ms\ntps = 2163.554321 (without initial connection time)\n"))
	if err != nil || tps != 2163.554321 {
		t.Errorf("%v, %v", tps, err)
	}
	_, err = readTPS([]byte("pgbench: error: connection to server failed"))
	if err == nil {
		t.Error("a pgbench that failed was believed")
	}
}

func TestOnPostgreSQLGiftsAloneAreMeasured(t *testing.T) {
	t.Parallel()
	p, err := readPlan([]string{"-engine", "postgres", "-short"}, &bytes.Buffer{})
	if err != nil || !slices.Equal(p.parts, []string{partGifts}) {
		t.Errorf("%v, %v", p.parts, err)
	}
	_, err = readPlan([]string{"-engine", "oracle"}, &bytes.Buffer{})
	if err == nil {
		t.Error("an engine that is none was taken")
	}
}

// money of n payments, as the simulator writes it, all dated long ago.
func money(n int) *stripe {
	s := &stripe{}
	s.money.place, s.money.intents = map[string]int{}, map[string]int{}
	for i := range n {
		id := fmt.Sprintf("txn_%03d", i)
		s.money.rows = append(s.money.rows, json.RawMessage(fmt.Sprintf(`{"amount":100,"created":1600000000,"id":%q,"source":{"created":1600000000}}`, id)))
		s.money.ids = append(s.money.ids, id)
		s.money.place[id] = i
	}
	return s
}

func list(t *testing.T, s *stripe, query string) (ids []string, more bool, dated []int64) {
	t.Helper()
	answer := httptest.NewRecorder()
	s.listMoney(answer, httptest.NewRequest(http.MethodGet, "/v1/balance_transactions?"+query, nil))
	var page struct {
		HasMore bool `json:"has_more"`
		Data    []struct {
			ID      string `json:"id"`
			Created int64  `json:"created"`
		} `json:"data"`
	}
	err := json.Unmarshal(answer.Body.Bytes(), &page)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range page.Data {
		ids, dated = append(ids, row.ID), append(dated, row.Created)
	}
	return ids, page.HasMore, dated
}

// Money is on Stripe's list when its webhook has left, newest first, and dated then.
func TestMoneyAppearsWithItsWebhook(t *testing.T) {
	t.Parallel()
	s := money(10)
	ids, more, _ := list(t, s, "limit=3")
	if len(ids) > 0 || more {
		t.Errorf("before any webhook the list has %v", ids)
	}
	before := time.Now().Unix()
	s.money.show(5)
	for query, want := range map[string]struct {
		ids  []string
		more bool
	}{
		"limit=3":                        {[]string{"txn_005", "txn_004", "txn_003"}, true},
		"limit=3&starting_after=txn_002": {[]string{"txn_001", "txn_000"}, false},
		"limit=2&ending_before=txn_001":  {[]string{"txn_003", "txn_002"}, true},
		"limit=9&ending_before=txn_001":  {[]string{"txn_005", "txn_004", "txn_003", "txn_002"}, false},
		"limit=3&ending_before=txn_005":  {nil, false},
	} {
		ids, more, dated := list(t, s, query)
		if !slices.Equal(ids, want.ids) || more != want.more {
			t.Errorf("%s: %v, more %t; want %v, %t", query, ids, more, want.ids, want.more)
		}
		if slices.ContainsFunc(dated, func(at int64) bool { return at < before }) {
			t.Errorf("%s: dated %v, before they were shown", query, dated)
		}
	}
}

// The rows that SQLite alone writes are all there, in tables of the same shape.
func TestBareRowsAreWrittenWhole(t *testing.T) {
	t.Parallel()
	set := rowset{
		source: source{service: "ledger", table: "posting"},
		schema: []string{`CREATE TABLE posting (number INTEGER PRIMARY KEY, minor INTEGER NOT NULL) STRICT`, `CREATE INDEX posting_minor ON posting (minor)`},
	}
	for n := range 555 {
		set.rows = append(set.rows, []any{int64(n), int64(100)})
		set.earlier = append(set.earlier, []any{int64(1000 + n), int64(1)})
	}
	db, err := sql.Open("sqlite", dsn(t.TempDir()+"/ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	file, err := openBare(t.Context(), db, "ledger", sqliteAlone(), []rowset{set, {source: source{service: "receipt"}}})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 4 {
		err = file.commit(t.Context(), n, 4)
		if err != nil {
			t.Fatal(err)
		}
	}
	var rows, sum int64
	err = file.conn.QueryRowContext(t.Context(), `SELECT COUNT(*), SUM(minor) FROM posting`).Scan(&rows, &sum)
	if err != nil || rows != 1_110 || sum != 56_055 {
		t.Errorf("%d rows, sum %d, %v", rows, sum, err)
	}
	took, computed, err := insertBare(t.Context(), t.TempDir()+"/again", []rowset{set}, 111)
	if err != nil || took <= 0 || computed < 0 {
		t.Errorf("it took %s, of a processor %s, %v", took, computed, err)
	}
}

func TestAnswersOtherThan200AreFailures(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Stripe-Signature") == "" || r.ContentLength != 2 {
			status = http.StatusBadRequest
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte("so"))
	}))
	defer server.Close()
	line, err := dial(t.Context(), server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = line.conn.Close() }()
	for range 2 {
		err = line.post([]byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
	}
	status = http.StatusServiceUnavailable
	err = line.post([]byte("{}"))
	if err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("a 503 was taken for %v", err)
	}
}

func TestBenchmarksAreRead(t *testing.T) {
	t.Parallel()
	out := []byte("goos: linux\nBenchmarkPosting/SQLite/posted-2  \t 12\t  80569312 ns/op\t      3177 entries/s\nBenchmarkPosting/SQLite/bare-2 \t 25\t 43852118 ns/op\t 5838 entries/s\nBenchmarkPosting/SQLite/posted-2  \t 12\t  80569312 ns/op\t      3277.5 entries/s\n")
	ledger := pairs()[0]
	above, err := ledger.read(out, ledger.above)
	if err != nil || !slices.Equal(above, []float64{3177, 3277.5}) {
		t.Errorf("read %v, %v", above, err)
	}
	_, err = ledger.read([]byte("PASS\n"), ledger.above)
	if err == nil {
		t.Error("figures were read where there are none")
	}
}

func TestWrongCallsAreRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-parts", "weather"}, {"-rates", "fast"}, {"-rates", "0"}, {"more"}, {"-nonsense"}} {
		err := run(context.Background(), args, &bytes.Buffer{}, &bytes.Buffer{})
		if err == nil {
			t.Errorf("%v was taken", args)
		}
	}
}
