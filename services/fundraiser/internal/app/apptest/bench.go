package apptest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

// Benchmark counts gifts in the consumer's largest batches: all of them to one
// page, and spread over two hundred. The two must cost nearly the same, or a
// page that is shared widely would slow down everybody's.
func Benchmark(b *testing.B, open func(b *testing.B) app.Store) {
	b.Helper()
	const batch = 256
	for _, pages := range []int{1, 200} {
		b.Run(fmt.Sprintf("pages=%d", pages), func(b *testing.B) {
			store := open(b)
			o := organization("WAYHAVEN", true)
			a := appeal(o, "shelter-tonight", eur, "GENERAL")
			var ids []string
			inTx(b, store, func(ctx context.Context, tx app.Tx) error {
				err := errors.Join(tx.PutOrganization(ctx, o), tx.PutFund(ctx, fund(o, "GENERAL", domain.Unrestricted)), tx.PutAppeal(ctx, a))
				ids = nil
				for i := range pages {
					p := page(a, fmt.Sprintf("page-%d", i))
					ids = append(ids, p.ID)
					err = errors.Join(err, tx.PutPage(ctx, p))
				}
				return err
			})
			pos := int64(0)
			for b.Loop() {
				gifts := make([]domain.Gift, 0, batch)
				for range batch {
					pos++
					gifts = append(gifts, give(pos, a, ids[pos%int64(pages)], 25_00))
				}
				count(b, store, gifts...)
			}
			b.ReportMetric(float64(pos)/b.Elapsed().Seconds(), "gifts/s")
		})
	}
}
