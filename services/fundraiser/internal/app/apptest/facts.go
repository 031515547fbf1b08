package apptest

import (
	"context"
	"slices"
	"testing"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
)

// happened is a fact about a gift.
func happened(g domain.Gift, kind domain.FactKind, object string, minor, pos int64) domain.Fact {
	return domain.Fact{
		DonationID: g.DonationID, Kind: kind, Object: object, OrganizationID: g.OrganizationID, AppealID: g.AppealID, PageID: g.PageID,
		Amount: money.Amount{Minor: minor, Currency: g.Amount.Currency}, Pos: pos,
	}
}

// whatHappens tells the story of four gifts in several batches, some of it twice,
// and looks at what is stored after it.
func whatHappens(t *testing.T, store app.Store) {
	o := organization("WAYHAVEN", true)
	a := appeal(o, "shelter-tonight", eur, "GENERAL")
	p := page(a, "salma-walks-the-coast")
	put(t, store, o, []domain.Appeal{a}, []domain.Page{p})
	uses := app.New(store, noonClock)
	apply := func(facts ...domain.Fact) {
		t.Helper()
		inTx(t, store, func(ctx context.Context, tx app.Tx) error { return uses.ApplyFacts(ctx, tx, facts) })
	}
	whole, part, debit, direct := give(1, a, p.ID, 50_00), give(2, a, p.ID, 40_00), give(3, a, p.ID, 30_00), give(4, a, "", 20_00)

	apply(happened(debit, domain.Processing, "", 30_00, 5))
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		got, _, err := tx.PageBySlug(ctx, p.Slug)
		if want := (domain.Total{Processing: 30_00, AsOf: 5}); got.Total != want {
			t.Errorf("while a debit is processing: %+v, want %+v", got.Total, want)
		}
		return err
	})
	debit.Pos = 6
	count(t, store, whole, part, debit, direct)
	facts := []domain.Fact{
		happened(whole, domain.Refunded, "re_1", 20_00, 7), happened(whole, domain.Refunded, "re_2", 30_00, 8),
		happened(part, domain.Refunded, "re_3", 15_00, 9), happened(direct, domain.DisputeOpened, "dp_1", 20_60, 10),
	}
	apply(facts...)
	apply(facts[2], facts[0], happened(part, domain.Refunded, "re_4", 5_00, 11), facts[0])
	apply(happened(part, domain.RefundFailed, "re_4", -5_00, 12))

	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		gotAppeal, _, err := tx.AppealByID(ctx, a.ID)
		if err != nil {
			return err
		}
		if want := (domain.Total{Settled: 75_00, Gifts: 3, AsOf: 12, Refunded: 65_00, Disputed: 20_00}); gotAppeal.Total != want {
			t.Errorf("appeal's total is %+v, want %+v", gotAppeal.Total, want)
		}
		changed, err := tx.TotalsSince(ctx, 0)
		if want := (domain.Total{Settled: 55_00, Gifts: 2, AsOf: 12, Refunded: 65_00}); err != nil || changed[p.ID] != want {
			t.Errorf("page's total is %+v, want %+v, %v", changed[p.ID], want, err)
		}
		recent, err := tx.RecentGifts(ctx, a.ID, p.ID, 5)
		if err != nil || len(recent) != 2 || slices.ContainsFunc(recent, func(g domain.Gift) bool { return g.DonationID == whole.DonationID }) {
			t.Errorf("gifts of the page: %+v, %v; want those of which something is left", recent, err)
		}
		gone, found, err := tx.Gift(ctx, whole.DonationID)
		if err != nil || !found || gone.Returned != 50_00 {
			t.Errorf("the gift that went back: %+v, %v, %v", gone, found, err)
		}
		direct, err := tx.DirectSums(ctx)
		if err != nil || len(direct) != 1 || direct[0].Minor != 20_00 {
			t.Errorf("direct gifts: %+v, %v; an open dispute takes nothing", direct, err)
		}
		return nil
	})
	apply(happened(direct, domain.DisputeDecided, "dp_1", 20_00, 13))
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		gotAppeal, _, err := tx.AppealByID(ctx, a.ID)
		if want := (domain.Total{Settled: 55_00, Gifts: 2, AsOf: 13, Refunded: 65_00, Lost: 20_00}); gotAppeal.Total != want {
			t.Errorf("after the dispute was lost: %+v, want %+v", gotAppeal.Total, want)
		}
		return err
	})
}

// earlyFacts are told before their gift, as a parked gift's are when it is retried.
func earlyFacts(t *testing.T, store app.Store) {
	o := organization("WAYHAVEN", true)
	a := appeal(o, "shelter-tonight", eur, "GENERAL")
	put(t, store, o, []domain.Appeal{a}, nil)
	uses := app.New(store, noonClock)
	g := give(1, a, "", 50_00)
	inTx(t, store, func(ctx context.Context, tx app.Tx) error {
		return uses.ApplyFacts(ctx, tx, []domain.Fact{happened(g, domain.Refunded, "re_1", 20_00, 2)})
	})
	count(t, store, g)
	count(t, store, g)
	inRead(t, store, func(ctx context.Context, tx app.Reader) error {
		got, _, err := tx.AppealByID(ctx, a.ID)
		if want := (domain.Total{Settled: 30_00, Gifts: 1, AsOf: 2, Refunded: 20_00}); got.Total != want {
			t.Errorf("appeal's total is %+v, want %+v", got.Total, want)
		}
		counted, _, giftErr := tx.Gift(ctx, g.DonationID)
		if giftErr != nil || counted.Returned != 20_00 {
			t.Errorf("%+v, %v", counted, giftErr)
		}
		return err
	})
}
