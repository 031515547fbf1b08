package app_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/almoner/almoner/services/receipt/internal/domain"
)

// Gifts to several organizations come and come again, donors are known, gone or
// out of reach for a while, the process dies before and after commits, years
// turn at different hours: the series stay 1, 2, 3, …, and everybody who can
// have a receipt has one.
func TestSeriesAreDenseWhateverHappens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	zones := []string{"Pacific/Auckland", "Europe/Zurich", "America/New_York"}
	gifts := 0
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		given := map[string]bool{} // donation → its donor can be named in the end
		organizations := make([]string, len(zones))
		for i, zone := range zones {
			organizations[i] = fmt.Sprintf("organization-%d-%d", round, i)
			w.letterhead(organizations[i], fmt.Sprintf("R%dORG%d", round, i), zone)
		}
		issue := func() {
			_, err := w.IssueDue(context.Background())
			if err != nil && !errors.Is(err, errCrash) {
				t.Fatalf("issue: %v", err)
			}
		}

		t.Repeat(map[string]func(*rapid.T){
			"give": func(t *rapid.T) {
				var batch []domain.Gift
				for range rapid.IntRange(1, 5).Draw(t, "gifts") {
					gifts++
					g := w.gift(id(gifts))
					g.Fund.OrganizationID = rapid.SampledFrom(organizations).Draw(t, "organization")
					known := rapid.IntRange(0, 9).Draw(t, "known") > 0
					if known {
						w.donor.set(g.DonationID, donorAnswer{name: "Amina Diallo", email: "amina@example.org"})
					}
					given[g.DonationID] = known
					batch = append(batch, g)
				}
				times := rapid.IntRange(1, 2).Draw(t, "deliveries")
				for range times {
					w.receive(batch...)
				}
			},
			"issue": func(*rapid.T) { issue() },
			"issue while donation is away": func(*rapid.T) {
				w.donor.setAway(true)
				issue()
				w.donor.setAway(false)
			},
			"die before the commit": func(*rapid.T) {
				w.store.crash = func() (bool, bool) { return true, false }
				issue()
				w.restart()
			},
			"die after the commit": func(*rapid.T) {
				w.store.crash = func() (bool, bool) { return false, true }
				issue()
				w.restart()
			},
			"time passes": func(t *rapid.T) {
				w.clock.Advance(time.Duration(rapid.IntRange(1, 24*100).Draw(t, "hours")) * time.Hour)
			},
		})

		w.clock.Advance(time.Minute)
		w.issue()
		sequences := map[domain.Series][]int64{}
		for donation, known := range given {
			link, err := w.GetReceiptLink(context.Background(), donation)
			if known != (err == nil) {
				t.Fatalf("donation %s: donor known %v, but receipt: %v", donation, known, err)
			}
			if known {
				series := domain.Series{OrganizationID: link.Number.Code, Year: link.Number.Year}
				sequences[series] = append(sequences[series], link.Number.Sequence)
			}
		}
		for series, numbers := range sequences {
			slices.Sort(numbers)
			for i, n := range numbers {
				if n != int64(i+1) {
					t.Fatalf("series %v has %v", series, numbers)
				}
			}
		}
	})
	summary := w.summary()
	if summary.Backlog.Receipts != 0 {
		t.Errorf("%d receipts are still due", summary.Backlog.Receipts)
	}
}
