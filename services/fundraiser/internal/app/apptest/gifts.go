package apptest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/feed/envelope"
	"pgregory.net/rapid"
)

// give is the gift at a position of the feed.
func give(pos int64, a domain.Appeal, pageID string, minor int64) domain.Gift {
	return domain.Gift{
		DonationID: a.Slug + "-" + strconv.FormatInt(pos, 10), OrganizationID: a.OrganizationID, AppealID: a.ID,
		PageID: pageID, Amount: money.Amount{Minor: minor, Currency: a.Currency}, Visibility: domain.FirstName,
		PaidAt: noon.UnixMicro() + pos, Pos: pos,
	}
}

// count counts one batch as the consumer does.
func count(t testing.TB, store app.Store, gifts ...domain.Gift) {
	t.Helper()
	uses := app.New(store, noonClock)
	inTx(t, store, func(ctx context.Context, tx app.Tx) error { return uses.CountGifts(ctx, tx, gifts) })
}

func appendEvents(t *testing.T, store app.Store) {
	event, err := envelope.New("ev-1", "org-1", 1, noon, "", &fundraiserv1.OrganizationChanged{OrganizationId: "org-1"})
	if err != nil {
		t.Fatal(err)
	}
	inTx(t, store, func(ctx context.Context, tx app.Tx) error { return tx.Append(ctx, event) })
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		positions, err := tx.Positions(ctx)
		if positions.Unsequenced != 1 || positions.Head != 0 || len(positions.Checkpoints) != 0 {
			t.Errorf("%+v", positions)
		}
		return err
	})
}

func giftsOnce(t *testing.T, store app.Store) {
	o := organization("WAYHAVEN", true)
	a := appeal(o, "shelter-tonight", eur, "GENERAL")
	p := page(a, "salma-walks-the-coast")
	put(t, store, o, []domain.Appeal{a}, []domain.Page{p})

	first := []domain.Gift{give(1, a, p.ID, 25_00), give(2, a, "", 100_00)}
	count(t, store, first...)
	// The second batch brings the first again, out of order, and twice.
	count(t, store, first[1], give(3, a, p.ID, 10_00), first[0], give(4, a, "", 1_00), first[1])
	count(t, store, first...)

	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		got, _, err := tx.AppealByID(ctx, a.ID)
		if want := (domain.Total{Settled: 136_00, Gifts: 4, AsOf: 4}); err != nil || got.Total != want {
			t.Errorf("appeal's total is %+v, want %+v, %v", got.Total, want, err)
		}
		gotPage, _, err := tx.PageBySlug(ctx, p.Slug)
		if want := (domain.Total{Settled: 35_00, Gifts: 2, AsOf: 3}); err != nil || gotPage.Total != want {
			t.Errorf("page's total is %+v, want %+v, %v", gotPage.Total, want, err)
		}
		for pos, want := range map[int64]int64{1: 25_00, 2: 125_00, 3: 35_00, 4: 136_00} {
			gift, found, err := tx.Gift(ctx, a.Slug+"-"+strconv.FormatInt(pos, 10))
			if err != nil || !found || gift.TotalAfter != want || !gift.CountedAt.Equal(noon) {
				t.Errorf("gift %d: %+v, %v, %v; want total %d", pos, gift, found, err, want)
			}
			if pos == 1 && gift.Gift != first[0] {
				t.Errorf("gift is %+v, was %+v", gift.Gift, first[0])
			}
		}
		return nil
	})
}

func recent(t *testing.T, store app.Store) {
	o := organization("WAYHAVEN", true)
	a := appeal(o, "shelter-tonight", eur, "GENERAL")
	p := page(a, "salma-walks-the-coast")
	put(t, store, o, []domain.Appeal{a}, []domain.Page{p})
	var batch []domain.Gift
	for pos := int64(1); pos <= 30; pos++ {
		through := ""
		if pos%3 == 0 {
			through = p.ID
		}
		batch = append(batch, give(pos, a, through, pos*1_00))
	}
	// An old payment that is found late is not a new one.
	batch[29].PaidAt = noon.UnixMicro() - 1
	count(t, store, batch...)
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		gifts, err := tx.RecentGifts(ctx, a.ID, "", 3)
		if err != nil || !reflect.DeepEqual(gifts, []domain.Gift{batch[28], batch[27], batch[26]}) {
			t.Errorf("of the appeal: %+v, %v", gifts, err)
		}
		gifts, err = tx.RecentGifts(ctx, a.ID, p.ID, 2)
		if err != nil || !reflect.DeepEqual(gifts, []domain.Gift{batch[26], batch[23]}) {
			t.Errorf("of the page: %+v, %v", gifts, err)
		}
		return nil
	})
}

func lockKnown(t *testing.T, store app.Store) {
	o := organization("WAYHAVEN", true)
	a := appeal(o, "shelter-tonight", eur, "GENERAL")
	p := page(a, "salma-walks-the-coast")
	put(t, store, o, []domain.Appeal{a}, []domain.Page{p})
	inTx(t, store, func(ctx context.Context, tx app.Tx) error {
		totals, err := tx.LockTotals(ctx, []string{a.ID, "not-loaded"}, []string{"nobody", p.ID})
		want := domain.Totals{
			Appeals: map[string]domain.AppealTotal{a.ID: {OrganizationID: o.ID, Currency: eur}},
			Pages:   map[string]domain.PageTotal{p.ID: {AppealID: a.ID}},
		}
		if !reflect.DeepEqual(totals, want) {
			t.Errorf("%+v, want %+v", totals, want)
		}
		return err
	})
	uses := app.New(store, noonClock)
	stranger := give(1, a, "", 5_00)
	stranger.AppealID = "not-loaded"
	err := store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
		return uses.CountGifts(ctx, tx, []domain.Gift{give(2, a, "", 5_00), stranger})
	})
	if !errors.Is(err, envelope.ErrNotYet) {
		t.Errorf("a gift to an appeal that is not loaded yet: %v", err)
	}
}

func sums(t *testing.T, store app.Store) {
	way, harbour := organization("WAYHAVEN", true), organization("HARBOUR", false)
	euros, dollars := appeal(way, "in-euros", eur, "GENERAL"), appeal(way, "in-dollars", usd, "GENERAL")
	theirs, quiet := appeal(harbour, "theirs", eur, "GENERAL"), appeal(harbour, "quiet", usd, "GENERAL")
	p := page(euros, "salma-walks-the-coast")
	put(t, store, way, []domain.Appeal{euros, dollars}, []domain.Page{p})
	put(t, store, harbour, []domain.Appeal{theirs, quiet}, nil)
	const large = 999_999_99 // the largest gift; two of them leave 32 bits
	count(t, store, give(1, euros, p.ID, large), give(2, euros, "", 5_00), give(3, euros, p.ID, large),
		give(4, dollars, "", 7_00), give(5, theirs, "", 9_00))

	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		for name, c := range map[string]struct {
			read func(context.Context) ([]app.Sum, error)
			want map[app.Sum]bool
		}{
			"appeals": {tx.AppealSums, map[app.Sum]bool{
				{OrganizationID: way.ID, Currency: "EUR", Minor: 2*large + 5_00}: true,
				{OrganizationID: way.ID, Currency: "USD", Minor: 7_00}:           true,
				{OrganizationID: harbour.ID, Currency: "EUR", Minor: 9_00}:       true,
				{OrganizationID: harbour.ID, Currency: "USD", Minor: 0}:          true,
			}},
			"pages": {tx.PageSums, map[app.Sum]bool{
				{OrganizationID: way.ID, Currency: "EUR", Minor: 2 * large}: true,
			}},
			"direct": {tx.DirectSums, map[app.Sum]bool{
				{OrganizationID: way.ID, Currency: "EUR", Minor: 5_00}:     true,
				{OrganizationID: way.ID, Currency: "USD", Minor: 7_00}:     true,
				{OrganizationID: harbour.ID, Currency: "EUR", Minor: 9_00}: true,
			}},
		} {
			read, err := c.read(ctx)
			got := map[app.Sum]bool{}
			for _, s := range read {
				got[s] = true
			}
			if err != nil || len(read) != len(got) || !maps.Equal(got, c.want) {
				t.Errorf("%s: %+v, %v; want %+v", name, read, err, c.want)
			}
		}
		return nil
	})
}

// foldProperty is the promise of the service: however the feed is cut, and
// whatever comes again, what is stored is every gift counted once.
func foldProperty(t *testing.T, store app.Store) {
	o := organization("WAYHAVEN", true)
	put(t, store, o, nil, nil)
	uses := app.New(store, noonClock)
	run := 0
	rapid.Check(t, func(r *rapid.T) {
		run++
		a := appeal(o, fmt.Sprintf("run-%d", run), eur, "GENERAL")
		p, q := page(a, fmt.Sprintf("p-%d", run)), page(a, fmt.Sprintf("q-%d", run))
		inTx(t, store, func(ctx context.Context, tx app.Tx) error {
			return errors.Join(tx.PutAppeal(ctx, a), tx.PutPage(ctx, p), tx.PutPage(ctx, q))
		})
		n := rapid.IntRange(1, 40).Draw(r, "gifts")
		var history []domain.Gift
		want := map[string]int64{}
		for pos := range int64(n) {
			through := rapid.SampledFrom([]string{"", p.ID, q.ID}).Draw(r, "page")
			minor := rapid.Int64Range(1, 999_999_99).Draw(r, "minor")
			history = append(history, give(pos+1, a, through, minor))
			want[through] += minor
		}
		for at := 0; at < n; {
			from, to := rapid.IntRange(0, at).Draw(r, "from"), rapid.IntRange(at+1, n).Draw(r, "to")
			batch := slices.Concat(history[from:to], history[from:from+1]) // overlaps, and one twice
			err := store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
				return uses.CountGifts(ctx, tx, batch)
			})
			if err != nil {
				r.Fatal(err)
			}
			at = to
		}
		err := store.InReadTx(t.Context(), func(ctx context.Context, tx app.Reader) error {
			got, _, err := tx.AppealByID(ctx, a.ID)
			if whole := (domain.Total{Settled: want[""] + want[p.ID] + want[q.ID], Gifts: int64(n), AsOf: int64(n)}); got.Total != whole {
				r.Fatalf("appeal's total is %+v, want %+v", got.Total, whole)
			}
			running := map[string]int64{}
			for _, g := range history {
				running[a.ID] += g.Amount.Minor
				key := a.ID
				if g.PageID != "" {
					running[g.PageID] += g.Amount.Minor
					key = g.PageID
				}
				counted, _, giftErr := tx.Gift(ctx, g.DonationID)
				if counted.TotalAfter != running[key] {
					r.Fatalf("gift %s found %d, want %d", g.DonationID, counted.TotalAfter, running[key])
				}
				err = errors.Join(err, giftErr)
			}
			for _, one := range []domain.Page{p, q} {
				got, _, pageErr := tx.PageBySlug(ctx, one.Slug)
				if got.Total.Settled != want[one.ID] {
					r.Fatalf("page's total is %d, want %d", got.Total.Settled, want[one.ID])
				}
				err = errors.Join(err, pageErr)
			}
			return err
		})
		if err != nil {
			r.Fatal(err)
		}
	})
}

// concurrentConsumers is what happens when an operator retries parked events
// while the service runs: two transactions bring the same gifts.
func concurrentConsumers(t *testing.T, store app.Store) {
	o := organization("WAYHAVEN", true)
	a := appeal(o, "shelter-tonight", eur, "GENERAL")
	p := page(a, "salma-walks-the-coast")
	put(t, store, o, []domain.Appeal{a}, []domain.Page{p})
	uses := app.New(store, noonClock)
	var both sync.WaitGroup
	failed := make([]error, 4)
	for worker := range failed {
		both.Go(func() {
			for pos := int64(1); pos <= 20 && failed[worker] == nil; pos += 2 {
				failed[worker] = store.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
					return uses.CountGifts(ctx, tx, []domain.Gift{give(pos, a, p.ID, 1_00), give(pos+1, a, "", 2_00)})
				})
			}
		})
	}
	both.Wait()
	err := errors.Join(failed...)
	if err != nil {
		t.Fatal(err)
	}
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		got, _, err := tx.AppealByID(ctx, a.ID)
		if want := (domain.Total{Settled: 30_00, Gifts: 20, AsOf: 20}); got.Total != want {
			t.Errorf("appeal's total is %+v, want %+v", got.Total, want)
		}
		return err
	})
}
