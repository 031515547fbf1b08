package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
	"github.com/almoner/almoner/services/ledger/internal/app"
	"github.com/almoner/almoner/services/ledger/internal/domain"
	"github.com/almoner/almoner/services/ledger/internal/store"
)

const (
	benchOrganization = "5f0c1a52-4f0e-5a3c-8d19-0d7a5f1c2b3e"
	benchBatch        = 256 // events that a consumer applies at once
)

// benchGifts are a batch of gifts, each with its own charge.
func benchGifts(from int) []app.Received[domain.Gift] {
	gifts := make([]app.Received[domain.Gift], benchBatch)
	for i := range gifts {
		number := from + i
		gifts[i] = app.Received[domain.Gift]{
			EventID: fmt.Sprintf("6f2f8c0e-3f0b-5a57-9c6d-%012d", number), TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
			Fact: domain.Gift{
				DonationID: fmt.Sprintf("9d1c7a34-0000-4000-8000-%012d", number), AccountID: "acct_1RELIEFrelief",
				ChargeID: fmt.Sprintf("ch_3Q%020d", number), PaymentIntentID: fmt.Sprintf("pi_3Q%020d", number),
				Gift:   money.Amount{Minor: 100_00, Currency: money.MustCurrency("EUR")},
				Cover:  money.Amount{Minor: 3_30, Currency: money.MustCurrency("EUR")},
				PaidAt: time.Date(2026, 3, 1, 0, 0, number, 0, time.UTC),
				Attribution: domain.Attribution{
					OrganizationID: benchOrganization, AppealID: "c2b1a0f9-0000-5000-8000-000000000001",
					FundCode: "general", FundClass: domain.FundUnrestricted,
				},
			},
		}
	}
	return gifts
}

func benchDB(b *testing.B, engine database.Engine) *database.DB {
	b.Helper()
	db := map[database.Engine]func() *database.DB{
		database.SQLite:     func() *database.DB { return testkit.SQLite(b, "ledger", sets()...) },
		database.PostgreSQL: func() *database.DB { return testkit.PostgreSQL(b, "ledger", sets()...) },
	}[engine]()
	err := db.InTx(b.Context(), func(ctx context.Context, tx *database.Tx) error {
		return app.SaveOrganizations(ctx, store.Bind(tx), []domain.Organization{
			{ID: benchOrganization, Slug: "relief", Code: "REL", Name: "Relief", TimeZone: "Europe/Zurich", Version: 1},
		})
	})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// BenchmarkPosting compares posting (rules, dedupe by key, numbers, hash chain)
// with the same rows written by nothing but batched INSERTs. The ratio of the
// two entries/s is what the chain and its guarantees cost.
func BenchmarkPosting(b *testing.B) {
	for _, engine := range []database.Engine{database.SQLite, database.PostgreSQL} {
		b.Run(fmt.Sprintf("%s/posted", engine), func(b *testing.B) {
			db := benchDB(b, engine)
			poster := &app.Poster{Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) }}
			entries := 0
			for b.Loop() {
				gifts := benchGifts(entries)
				err := db.InTx(b.Context(), func(ctx context.Context, tx *database.Tx) error {
					return poster.PostGifts(ctx, store.Bind(tx), gifts)
				})
				if err != nil {
					b.Fatal(err)
				}
				entries += benchBatch
			}
			b.ReportMetric(float64(entries)/b.Elapsed().Seconds(), "entries/s")
		})
		b.Run(fmt.Sprintf("%s/bare", engine), func(b *testing.B) {
			db := benchDB(b, engine)
			entries := 0
			for b.Loop() {
				err := db.InTx(b.Context(), func(ctx context.Context, tx *database.Tx) error { return bareRows(ctx, tx, entries) })
				if err != nil {
					b.Fatal(err)
				}
				entries += benchBatch
			}
			b.ReportMetric(float64(entries)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// bareRows writes rows of the same size into the same tables.
func bareRows(ctx context.Context, tx *database.Tx, from int) error {
	hash := strings.Repeat("0123456789abcdef", 4)
	var entries, postings, references [][]any
	for i := range benchBatch {
		number := from + i + 1
		entries = append(entries, []any{
			benchOrganization, number, fmt.Sprintf("charge:gross/acct_1RELIEFrelief/ch_3Q%020d", number), "gift", 1, "Gift",
			fmt.Sprintf("6f2f8c0e-3f0b-5a57-9c6d-%012d", number), "acct_1RELIEFrelief", fmt.Sprintf("pi_3Q%020d ch_3Q%020d", number, number),
			fmt.Sprintf("9d1c7a34-0000-4000-8000-%012d", number), "4bf92f3577b34da6a3ce929d0e0e4736",
			1772323200000000 + number, 1772409600000000, "2026-03-01", hash, hash,
		})
		for _, reference := range []string{
			fmt.Sprintf("6f2f8c0e-3f0b-5a57-9c6d-%012d", number), fmt.Sprintf("9d1c7a34-0000-4000-8000-%012d", number),
			fmt.Sprintf("pi_3Q%020d", number), fmt.Sprintf("ch_3Q%020d", number), "4bf92f3577b34da6a3ce929d0e0e4736",
		} {
			references = append(references, []any{reference, benchOrganization, number})
		}
		for line, p := range []struct {
			account string
			minor   int
		}{{"1100", 103_30}, {"4000", -100_00}, {"4040", -3_30}} {
			postings = append(postings, []any{
				benchOrganization, number, line + 1, p.account, "EUR", p.minor, "2026-03-01", "gift", "acct_1RELIEFrelief", "general",
				"c2b1a0f9-0000-5000-8000-000000000001", "", "", "online", "",
			})
		}
	}
	err := bareInsert(ctx, tx, "journal_entry", entries)
	if err != nil {
		return err
	}
	err = bareInsert(ctx, tx, "posting", postings)
	if err != nil {
		return err
	}
	return bareInsert(ctx, tx, "entry_reference", references)
}

func bareInsert(ctx context.Context, tx *database.Tx, table string, rows [][]any) error {
	columns := len(rows[0])
	for batch := range slices.Chunk(rows, 30_000/columns) { // as the store does
		var args []any
		for _, row := range batch {
			args = append(args, row...)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO `+table+` VALUES `+database.Placeholders(len(batch), columns), args...)
		if err != nil {
			return err
		}
	}
	return nil
}
