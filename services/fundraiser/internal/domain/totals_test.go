package domain_test

import (
	"errors"
	"math"
	"reflect"
	"strconv"
	"testing"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"pgregory.net/rapid"
)

const (
	organizationID = "117a713a-284d-5658-8ccb-4ae593f7ea2f"
	appealID       = "1234171a-d915-5f09-900e-83ae70bc3baa"
	salma          = "salma-walks-the-coast"
	bakers         = "bread-for-new-neighbours"
)

func empty() domain.Totals {
	return domain.Totals{
		Appeals: map[string]domain.AppealTotal{appealID: {OrganizationID: organizationID, Currency: eur}},
		Pages:   map[string]domain.PageTotal{salma: {AppealID: appealID}, bakers: {AppealID: appealID}},
	}
}

func give(pos int64, page string, minor int64) domain.Gift {
	return domain.Gift{
		DonationID: "donation-" + strconv.FormatInt(pos, 10), OrganizationID: organizationID, AppealID: appealID,
		PageID: page, Amount: money.Amount{Minor: minor, Currency: eur}, Visibility: domain.Public, Pos: pos,
	}
}

func TestEachGiftFindsTheTotalRightAfterIt(t *testing.T) {
	t.Parallel()
	after, counted, err := empty().Fold([]domain.Gift{
		give(4, salma, 25_00), give(5, "", 100_00), give(7, salma, 10_00), give(9, bakers, 5_00),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{25_00, 125_00, 35_00, 5_00} {
		if counted[i].TotalAfter != want {
			t.Errorf("gift %d found %d, want %d", i, counted[i].TotalAfter, want)
		}
	}
	if got, want := after.Appeals[appealID].Total, (domain.Total{Settled: 140_00, Gifts: 4, AsOf: 9}); got != want {
		t.Errorf("appeal is %+v, want %+v", got, want)
	}
	if got, want := after.Pages[salma].Total, (domain.Total{Settled: 35_00, Gifts: 2, AsOf: 7}); got != want {
		t.Errorf("page is %+v, want %+v", got, want)
	}
}

func TestWhatDoesNotFitIsNotCounted(t *testing.T) {
	t.Parallel()
	var unknown domain.UnknownError
	usd := give(1, "", 10_00)
	usd.Amount.Currency = money.MustCurrency("USD")
	elsewhere := give(1, "", 10_00)
	elsewhere.AppealID = "not-loaded"
	stranger := give(1, "", 10_00)
	stranger.OrganizationID = "another"
	for name, c := range map[string]struct {
		gift domain.Gift
		want func(error) bool
	}{
		"another currency":     {usd, func(err error) bool { return errors.Is(err, domain.ErrOtherCurrency) }},
		"nothing":              {give(1, "", 0), func(err error) bool { return errors.Is(err, domain.ErrNotPositive) }},
		"less than nothing":    {give(1, "", -5), func(err error) bool { return errors.Is(err, domain.ErrNotPositive) }},
		"another organization": {stranger, func(err error) bool { return errors.Is(err, domain.ErrOtherParent) }},
		"unknown appeal":       {elsewhere, func(err error) bool { return errors.As(err, &unknown) && unknown.Kind == "appeal" }},
		"unknown page":         {give(1, "who", 5), func(err error) bool { return errors.As(err, &unknown) && unknown.Kind == "fundraiser" }},
		"beyond counting":      {give(1, "", math.MaxInt64), func(err error) bool { return errors.Is(err, domain.ErrTooMuch) }},
	} {
		before := empty()
		first := give(0, salma, 1)
		_, counted, err := before.Fold([]domain.Gift{first, c.gift})
		if !c.want(err) || counted != nil {
			t.Errorf("%s: %v, %v", name, counted, err)
		}
		if !reflect.DeepEqual(before, empty()) {
			t.Errorf("%s: the totals given were touched", name)
		}
	}

	other := empty()
	other.Pages[salma] = domain.PageTotal{AppealID: "another"}
	_, _, err := other.Fold([]domain.Gift{give(1, salma, 5)})
	if !errors.Is(err, domain.ErrOtherParent) {
		t.Errorf("a gift through a page of another appeal: %v", err)
	}
}

func TestOnceKeepsTheFirst(t *testing.T) {
	t.Parallel()
	batch := []domain.Gift{give(1, salma, 5), give(2, "", 6), give(1, salma, 5)}
	once := domain.Once(batch)
	if len(once) != 2 || once[0] != batch[0] || once[1] != batch[1] {
		t.Errorf("%+v", once)
	}
	if len(batch) != 3 || batch[2].DonationID != "donation-1" {
		t.Error("the batch given was touched")
	}
}

// However the feed is cut into batches, and however often a part of it comes
// again, the totals are those of every gift counted once, and pages and direct
// gifts make the appeal.
func TestAnySplitWithDuplicatesFoldsToTheSameTotals(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 60).Draw(t, "gifts")
		var history []domain.Gift
		for pos := range int64(n) {
			page := rapid.SampledFrom([]string{"", salma, bakers}).Draw(t, "page")
			history = append(history, give(pos+1, page, rapid.Int64Range(1, 1_000_000_00).Draw(t, "minor")))
		}

		counted := map[string]bool{}
		totals := empty()
		var direct int64
		for at := 0; at < n; {
			from := rapid.IntRange(0, at).Draw(t, "from") // what comes again
			to := rapid.IntRange(at+1, n).Draw(t, "to")
			var fresh []domain.Gift
			for _, g := range domain.Once(append(history[from:to:to], history[from:to]...)) {
				if !counted[g.DonationID] {
					counted[g.DonationID] = true
					fresh = append(fresh, g)
				}
			}
			after, _, err := totals.Fold(fresh)
			if err != nil {
				t.Fatal(err)
			}
			for id, total := range after.Appeals {
				totals.Appeals[id] = total
			}
			for id, total := range after.Pages {
				totals.Pages[id] = total
			}
			at = to
		}

		whole, once, err := empty().Fold(history)
		if err != nil {
			t.Fatal(err)
		}
		for id, total := range whole.Appeals {
			if totals.Appeals[id] != total {
				t.Fatalf("appeal: %+v in batches, %+v at once", totals.Appeals[id], total)
			}
		}
		for id, total := range whole.Pages {
			if totals.Pages[id] != total {
				t.Fatalf("page %s: %+v in batches, %+v at once", id, totals.Pages[id], total)
			}
		}
		for _, c := range once {
			if c.PageID == "" {
				direct += c.Amount.Minor
			}
		}
		if pages := totals.Pages[salma].Settled + totals.Pages[bakers].Settled; pages+direct != totals.Appeals[appealID].Settled {
			t.Fatalf("pages %d and direct %d are not the appeal's %d", pages, direct, totals.Appeals[appealID].Settled)
		}
	})
}
