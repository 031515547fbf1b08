package store_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/app/apptest"
)

// hundredThousand is a season of 100,000 entries: a gift and its fee each.
var hundredThousand = apptest.Season{OrganizationID: benchOrganization, Gifts: 50_000}

// benchSeason posts the season on an engine.
func benchSeason(b *testing.B, engine database.Engine) *app.Books {
	b.Helper()
	db := benchDB(b, engine)
	now := func() time.Time { return time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC) }
	poster := &app.Poster{Logger: slog.New(slog.DiscardHandler), Now: now}
	err := hundredThousand.Post(b.Context(), poster, books(b, db), 2_000)
	if err != nil {
		b.Fatal(err)
	}
	if engine == database.PostgreSQL {
		// A server does so by itself, some minutes later.
		err := db.InTx(b.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, "ANALYZE")
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return &app.Books{Store: books(b, db).Store, Now: now}
}

// BenchmarkPages reads pages of 50 from 100,000 entries: the newest ones, and
// ones from far back. deep/first is near 1 when a page is found by its key; by
// counting lines off it would be in the hundreds.
func BenchmarkPages(b *testing.B) {
	for _, engine := range []database.Engine{database.SQLite, database.PostgreSQL} {
		b.Run(engine.String(), func(b *testing.B) {
			journal := benchSeason(b, engine)
			for _, filter := range []struct {
				name   string
				filter app.EntryFilter
			}{
				{"all", app.EntryFilter{}},
				{"days", app.EntryFilter{From: "2025-03-25", To: "2026-03-10"}},
				{"account", app.EntryFilter{Account: "4000"}},
				{"account-of-fund", app.EntryFilter{Account: "4100/winter", Currency: "USD"}},
				{"account-with-parts", app.EntryFilter{Account: "4100"}},
				{"currency", app.EntryFilter{Currency: "USD"}},
				{"rule", app.EntryFilter{Rule: "fee"}},
				{"fund", app.EntryFilter{Fund: "winter"}},
				{"appeal-and-account", app.EntryFilter{Appeal: hundredThousand.AppealID(2), Account: "1100"}},
				{"appeal-on-days", app.EntryFilter{Appeal: hundredThousand.AppealID(0), From: "2025-03-25"}},
				{"page", app.EntryFilter{Fundraiser: hundredThousand.PageID(3)}},
			} {
				b.Run("journal/"+filter.name, func(b *testing.B) { benchJournal(b, journal, filter.filter) })
			}
			b.Run("account", func(b *testing.B) { benchAccount(b, journal) })
			for name, filter := range map[string]app.EntryFilter{
				"nobody's-appeal":    {Appeal: "appeal-nobody"},
				"nobody's-reference": {Reference: "pi_nobody"},
				"rare-currency":      {Currency: "KWD"},
				"rare-account":       {Account: "2900"},
				"rare-rule":          {Rule: "foreign_charge"},
				"old-day":            {From: "2025-04-01", To: "2025-04-01"},
				"page-and-account":   {Fundraiser: hundredThousand.PageID(3), Account: "4040"},
				"reference":          {Reference: hundredThousand.PaymentID(4_000)},
			} {
				b.Run("find/"+name, func(b *testing.B) {
					for b.Loop() {
						mustList(b, journal, app.EntryPage{Filter: filter, NewestFirst: true, Limit: 50})
					}
				})
			}
			benchSums(b, journal)
		})
	}
}

func mustList(b *testing.B, journal *app.Books, page app.EntryPage) app.Page {
	b.Helper()
	got, err := journal.ListEntries(b.Context(), benchOrganization, page)
	if err != nil {
		b.Fatal(err)
	}
	return got
}

func benchJournal(b *testing.B, journal *app.Books, filter app.EntryFilter) {
	first := app.EntryPage{Filter: filter, NewestFirst: true, Limit: 50}
	// Near the other end, wherever the filter's entries end: turned round, skip
	// one page and turn back.
	ends := mustList(b, journal, app.EntryPage{Filter: filter, Limit: 60})
	deep := first
	deep.After = ends.Entries[len(ends.Entries)-1].Number
	compare(b, func() int { return len(mustList(b, journal, first).Entries) }, func() int { return len(mustList(b, journal, deep).Entries) })
}

// compare times two pages alternately, so that what else the machine does meets
// both.
func compare(b *testing.B, first, deep func() int) {
	var spent [2]time.Duration
	var lines int
	for b.Loop() {
		for i, page := range []func() int{first, deep} {
			began := time.Now()
			lines = page()
			spent[i] += time.Since(began)
			if lines != 50 {
				b.Fatalf("a page has %d lines, want 50", lines)
			}
		}
	}
	b.ReportMetric(float64(spent[0].Nanoseconds())/float64(b.N), "ns/first")
	b.ReportMetric(float64(spent[1])/float64(spent[0]), "deep/first")
}

func benchAccount(b *testing.B, journal *app.Books) {
	page := app.AccountPage{Period: app.Period{Organization: benchOrganization}, Account: "1100", Currency: "EUR", Limit: 50}
	read := func(page app.AccountPage) app.AccountLines {
		got, err := journal.ListPostings(b.Context(), page)
		if err != nil {
			b.Fatal(err)
		}
		return got
	}
	deep := page
	deep.After = "2026-03-10.1.1"
	compare(b, func() int { return len(read(page).Lines) }, func() int { return len(read(deep).Lines) })
}

// benchSums times what adds up many entries.
func benchSums(b *testing.B, journal *app.Books) {
	for name, sum := range map[string]func(ctx context.Context, period app.Period) error{
		"overview": func(ctx context.Context, period app.Period) error {
			_, err := journal.SumActivity(ctx, period)
			return err
		},
		"trial-balance": func(ctx context.Context, period app.Period) error {
			_, err := journal.TrialBalance(ctx, period)
			return err
		},
		"export-filtered": func(ctx context.Context, period app.Period) error {
			return journal.ExportJournal(ctx, period, app.EntryFilter{Account: "4100", Currency: "USD"}, "csv", io.Discard)
		},
	} {
		for _, from := range []string{"2026-02-20", ""} {
			span := map[bool]string{true: "year", false: "month"}[from == ""]
			b.Run(fmt.Sprintf("%s/%s", name, span), func(b *testing.B) {
				for b.Loop() {
					err := sum(b.Context(), app.Period{Organization: benchOrganization, From: from})
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
