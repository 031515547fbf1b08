package testkit_test

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
)

func TestMain(m *testing.M) {
	if os.Getenv("TESTKIT_CHILD") != "" {
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}

func TestEachCallGetsADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	for range 2 {
		testkit.EachEngine(t, "ledger", nil, func(t *testing.T, db *database.DB) {
			err := testkit.Owner(t, db).InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.ExecContext(ctx, `CREATE TABLE entry (id TEXT PRIMARY KEY)`)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// The cluster must collate like a real installation, or a missing COLLATE "C"
// would pass every test and fail in production.
func TestPostgreSQLOrdersTextLikePeopleDo(t *testing.T) {
	t.Parallel()
	db := testkit.PostgreSQL(t, "ledger")
	var got []string
	err := db.InReadTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT n FROM (VALUES ('b'), ('B'), ('a')) v(n) ORDER BY n`)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var name string
			err := rows.Scan(&name)
			if err != nil {
				return err
			}
			got = append(got, name)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []string{"a", "b", "B"}) {
		t.Errorf("order is %v", got)
	}
}

func TestTheClusterEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	testkit.PostgreSQLURL(t) // skips where there is none
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(binary, "-test.run=^TestChildStartsACluster$", "-test.v")
	child.Env = append(os.Environ(), "TESTKIT_CHILD=1")
	out, _ := child.CombinedOutput() // it kills itself: no clean exit is expected
	_, rest, found := strings.Cut(string(out), "cluster=")
	if !found {
		t.Fatalf("the child started no cluster: %s", out)
	}
	dir := strings.Fields(rest)[0]
	testkit.Eventually(t, func() bool {
		_, err := os.Stat(dir)
		return os.IsNotExist(err)
	})
}

// TestChildStartsACluster is the body of the child process of the test above,
// and nothing on its own. It dies without running any cleanup.
func TestChildStartsACluster(t *testing.T) {
	if os.Getenv("TESTKIT_CHILD") == "" {
		return
	}
	_, host, _ := strings.Cut(testkit.PostgreSQLURL(t), "host=")
	_, _ = os.Stdout.WriteString("cluster=" + strings.ReplaceAll(host, "%2F", "/") + "\n")
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	_ = self.Kill()
	select {}
}

func TestTheClockMovesOnlyWhenTold(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	clock := testkit.Clock(t, start)
	if !clock.Now().Equal(start) {
		t.Errorf("shows %v", clock.Now())
	}
	clock.Advance(36 * time.Hour)
	if !clock.Now().Equal(start.Add(36 * time.Hour)) {
		t.Errorf("shows %v after 36 hours", clock.Now())
	}
}
