package database_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
)

// watched opens a database that somebody watches, on both engines.
func watched(t *testing.T, story func(t *testing.T, db *database.DB, metrics *prometheus.Registry, spans *tracetest.SpanRecorder)) {
	t.Helper()
	for engine, address := range map[string]func() string{
		"sqlite":   func() string { return "sqlite:" + filepath.Join(t.TempDir(), "fundraiser.db") },
		"postgres": func() string { return testkit.PostgreSQLURL(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			metrics, spans := prometheus.NewRegistry(), tracetest.NewSpanRecorder()
			db, err := database.Open(t.Context(), database.Config{
				URL: address(), Service: "fundraiser", Migrations: []database.MigrationSet{fund()},
				Metrics: metrics, Tracer: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)),
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			err = db.Migrate(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			story(t, db, metrics, spans)
		})
	}
}

func TestTransactionsAreCountedAndTimed(t *testing.T) {
	t.Parallel()
	watched(t, func(t *testing.T, db *database.DB, metrics *prometheus.Registry, _ *tracetest.SpanRecorder) {
		before := testkit.Scrape(t, metrics)
		put(t, db, "water", 2500)
		ran := 0
		err := db.InTx(t.Context(), func(context.Context, *database.Tx) error {
			ran++
			if ran < 3 {
				return &pgconn.PgError{Code: "40001"}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		sum(t, db)
		after := testkit.Scrape(t, metrics)
		for series, more := range map[string]float64{
			`almoner_database_transaction_seconds_count{kind="write",service="fundraiser"}`: 2,
			`almoner_database_transaction_seconds_count{kind="read",service="fundraiser"}`:  1,
			`almoner_database_retries_total{service="fundraiser"}`:                          2,
		} {
			if after[series]-before[series] != more {
				t.Errorf("%s went from %v to %v", series, before[series], after[series])
			}
		}
		if after[`go_sql_max_open_connections{db_name="fundraiser"}`] < 1 {
			t.Error("the pool is not told of")
		}
		skew, told := after[`almoner_clock_skew_seconds{against="database of fundraiser"}`]
		if told != (db.Engine() == database.PostgreSQL) || math.Abs(skew) > 5 {
			t.Errorf("on %v the clock is %v s ahead (told: %v)", db.Engine(), skew, told)
		}
	})
}

// A transaction is part of the trace that asked for it. Its span says which
// database and nothing of what was written.
func TestATransactionIsASpanOfItsTrace(t *testing.T) {
	t.Parallel()
	watched(t, func(t *testing.T, db *database.DB, _ *prometheus.Registry, spans *tracetest.SpanRecorder) {
		ctx, post := sdktrace.NewTracerProvider().Tracer("test").Start(t.Context(), "POST donate")
		err := db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO fund (code, minor) VALUES ('amina@example.org', 2500)`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		err = db.InReadTx(ctx, func(context.Context, *database.Tx) error {
			return errors.New("amina@example.org was refused")
		})
		if err == nil {
			t.Fatal("it did not fail")
		}
		post.End()
		// What looks around by itself belongs to no trace, and makes none.
		sum(t, db)

		var names []string
		for _, span := range spans.Ended() {
			names = append(names, span.Name())
			if span.Parent().SpanID() != post.SpanContext().SpanID() {
				t.Errorf("%s is below %v", span.Name(), span.Parent())
			}
			for _, attribute := range span.Attributes() {
				if strings.Contains(attribute.Value.String(), "amina") {
					t.Errorf("%s tells %s", span.Name(), attribute.Value.String())
				}
			}
			if strings.Contains(span.Status().Description, "amina") {
				t.Errorf("%s tells why: %s", span.Name(), span.Status().Description)
			}
		}
		if strings.Join(names, ", ") != "write fundraiser, read fundraiser" {
			t.Errorf("the spans are %v", names)
		}
	})
}
