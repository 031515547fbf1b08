package domain_test

import (
	"errors"
	"testing"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"pgregory.net/rapid"
)

func fact(kind domain.FactKind, object string, minor int64) domain.Fact {
	return domain.Fact{
		DonationID: "donation-1", Kind: kind, Object: object, OrganizationID: organizationID, AppealID: appealID, PageID: salma,
		Amount: money.Amount{Minor: minor, Currency: eur}, Pos: 9,
	}
}

func TestWhatAGiftAddsToItsTotals(t *testing.T) {
	t.Parallel()
	gift := give(1, salma, 100_00)
	for name, c := range map[string]struct {
		gift  *domain.Gift
		facts []domain.Fact
		want  domain.Contribution
	}{
		"a debit that takes days":   {nil, []domain.Fact{fact(domain.Processing, "", 100_00)}, domain.Contribution{Processing: 100_00}},
		"a debit that failed":       {nil, []domain.Fact{fact(domain.Failed, "", 100_00), fact(domain.Processing, "", 100_00)}, domain.Contribution{}},
		"a debit that came":         {&gift, []domain.Fact{fact(domain.Processing, "", 100_00)}, domain.Contribution{Settled: 100_00, Gifts: 1}},
		"one that failed, and came": {&gift, []domain.Fact{fact(domain.Processing, "", 100_00), fact(domain.Failed, "", 100_00)}, domain.Contribution{Settled: 100_00, Gifts: 1}},
		"a refund of a part":        {&gift, []domain.Fact{fact(domain.Refunded, "re_1", 40_00)}, domain.Contribution{Settled: 60_00, Gifts: 1, Refunded: 40_00}},
		"a refund of all":           {&gift, []domain.Fact{fact(domain.Refunded, "re_1", 40_00), fact(domain.Refunded, "re_2", 60_00)}, domain.Contribution{Refunded: 100_00}},
		"a refund that failed":      {&gift, []domain.Fact{fact(domain.RefundFailed, "re_1", -100_00), fact(domain.Refunded, "re_1", 100_00)}, domain.Contribution{Settled: 100_00, Gifts: 1}},
		"a refund before its gift":  {nil, []domain.Fact{fact(domain.Refunded, "re_1", 40_00)}, domain.Contribution{}},
		"a dispute, with the cover": {&gift, []domain.Fact{fact(domain.DisputeOpened, "dp_1", 103_30)}, domain.Contribution{Settled: 100_00, Gifts: 1, Disputed: 100_00}},
		"a dispute won":             {&gift, []domain.Fact{fact(domain.DisputeOpened, "dp_1", 103_30), fact(domain.DisputeDecided, "dp_1", 0)}, domain.Contribution{Settled: 100_00, Gifts: 1}},
		"a dispute lost": {&gift, []domain.Fact{fact(domain.DisputeDecided, "dp_1", 60_00), fact(domain.Refunded, "re_1", 40_00), fact(domain.DisputeOpened, "dp_1", 103_30)},
			domain.Contribution{Refunded: 40_00, Lost: 60_00}},
		"a refund heard after the loss": {&gift, []domain.Fact{fact(domain.DisputeDecided, "dp_1", 100_00), fact(domain.Refunded, "re_1", 40_00), fact(domain.LossShifted, "re_1", -40_00)},
			domain.Contribution{Refunded: 40_00, Lost: 60_00}},
		"that failed": {&gift, []domain.Fact{
			fact(domain.DisputeDecided, "dp_1", 100_00), fact(domain.Refunded, "re_1", 40_00), fact(domain.LossShifted, "re_1", -40_00),
			fact(domain.RefundFailed, "re_1", -40_00), fact(domain.LossShiftedBack, "re_1", 40_00),
		}, domain.Contribution{Lost: 100_00}},
	} {
		got, err := domain.Stand(c.gift, c.facts)
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
	_, err := domain.Stand(&gift, []domain.Fact{fact(domain.Refunded, "re_1", 100_01)})
	if !errors.Is(err, domain.ErrMoreThanGiven) {
		t.Errorf("a refund of more than was given: %v", err)
	}
}

func TestFactsThatDoNotFitChangeNothing(t *testing.T) {
	t.Parallel()
	gift := give(1, salma, 100_00)
	dollars, elsewhere, stranger, moved := fact(domain.Refunded, "re_1", 5), fact(domain.Refunded, "re_1", 5), fact(domain.Refunded, "re_1", 5), fact(domain.Refunded, "re_1", 5)
	dollars.Amount.Currency = money.MustCurrency("USD")
	elsewhere.AppealID, stranger.OrganizationID, moved.PageID = "not-loaded", "another", bakers
	for name, f := range map[string]domain.Fact{
		"another currency": dollars, "another appeal": elsewhere, "another organization": stranger,
		"another page": moved, "more than was given": fact(domain.Refunded, "re_1", 100_01),
	} {
		before := empty()
		_, _, err := before.Happen([]domain.Happening{{Gift: &gift, Facts: []domain.Fact{f}}})
		if err == nil {
			t.Errorf("%s was applied", name)
		}
		if before.Appeals[appealID].Total != (domain.Total{}) {
			t.Errorf("%s: the totals given were touched", name)
		}
	}
}

// The facts about a gift are applied one after the other in any order, its success
// somewhere among them: the totals are what they are together.
func TestAnyOrderOfFactsMakesTheSameTotals(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		gift := give(1, salma, rapid.Int64Range(2, 1_000_00).Draw(t, "gift"))
		part := rapid.Int64Range(1, gift.Amount.Minor).Draw(t, "part")
		facts := rapid.SampledFrom([][]domain.Fact{
			{fact(domain.Processing, "", gift.Amount.Minor)},
			{fact(domain.Refunded, "re_1", part), fact(domain.RefundFailed, "re_1", -part), fact(domain.Refunded, "re_2", gift.Amount.Minor)},
			{fact(domain.DisputeOpened, "dp_1", part), fact(domain.DisputeDecided, "dp_1", gift.Amount.Minor-part), fact(domain.Refunded, "re_1", part)},
			{fact(domain.DisputeOpened, "dp_1", part), fact(domain.DisputeDecided, "dp_1", 0), fact(domain.Processing, "", gift.Amount.Minor)},
		}).Draw(t, "story")
		whole, err := domain.Stand(&gift, facts)
		if err != nil {
			t.Fatal(err)
		}
		order := rapid.Permutation([]int{-1, 0, 1, 2}[:len(facts)+1]).Draw(t, "order") // -1 is the success
		totals := empty()
		var known []domain.Fact
		var counted *domain.Gift
		for _, next := range order {
			h := domain.Happening{Gift: counted, Known: known}
			if next < 0 {
				after, _, err := totals.Fold([]domain.Gift{gift})
				if err != nil {
					t.Fatal(err)
				}
				totals.Appeals[appealID], totals.Pages[salma] = after.Appeals[appealID], after.Pages[salma]
				h.New, counted = &gift, &gift
			} else {
				h.Facts = facts[next : next+1]
			}
			after, _, err := totals.Happen([]domain.Happening{h})
			if errors.Is(err, domain.ErrMoreThanGiven) {
				return // a failure is never told before its refund
			}
			if err != nil {
				t.Fatal(err)
			}
			for id, total := range after.Appeals {
				totals.Appeals[id] = total
			}
			for id, total := range after.Pages {
				totals.Pages[id] = total
			}
			known = append(known, h.Facts...)
		}
		got := totals.Pages[salma].Total
		want := domain.Total{
			Settled: whole.Settled, Gifts: whole.Gifts, Processing: whole.Processing, Refunded: whole.Refunded, Lost: whole.Lost,
			Disputed: whole.Disputed, AsOf: got.AsOf,
		}
		if got != want || totals.Appeals[appealID].Total != want {
			t.Fatalf("in order %v the page is %+v and the appeal %+v, want %+v", order, got, totals.Appeals[appealID].Total, want)
		}
	})
}
