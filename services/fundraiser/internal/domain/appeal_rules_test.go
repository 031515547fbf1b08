package domain_test

import (
	"strings"
	"testing"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/internal/money"
	"pgregory.net/rapid"
)

func TestAppealActions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state  domain.State
		action domain.AppealAction
		want   domain.State
		can    bool
	}{
		{domain.Draft, domain.PublishAppeal, domain.Live, true},
		{domain.Draft, domain.CloseAppeal, "", false},
		{domain.Draft, domain.ReopenAppeal, "", false},
		{domain.Live, domain.PublishAppeal, domain.Live, true},
		{domain.Live, domain.CloseAppeal, domain.Closed, true},
		{domain.Live, domain.ReopenAppeal, domain.Live, true},
		{domain.Closed, domain.PublishAppeal, "", false},
		{domain.Closed, domain.CloseAppeal, domain.Closed, true},
		{domain.Closed, domain.ReopenAppeal, domain.Live, true},
		{domain.Live, "burn", "", false},
		{domain.Paused, domain.PublishAppeal, "", false},
	} {
		got, can := domain.Appeal{State: c.state}.After(c.action)
		if got != c.want || can != c.can {
			t.Errorf("%s %s: %s, %v", c.action, c.state, got, can)
		}
	}
}

// Whatever buttons are pressed in whatever order: a published appeal is never a
// draft again, and a button pressed twice does what it did once.
func TestNoWayLeadsBackToADraft(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		appeal := domain.Appeal{State: domain.Draft}
		seen := false
		for _, action := range rapid.SliceOf(rapid.SampledFrom([]domain.AppealAction{
			domain.PublishAppeal, domain.CloseAppeal, domain.ReopenAppeal,
		})).Draw(t, "actions") {
			next, can := appeal.After(action)
			if !can {
				continue
			}
			again, canAgain := domain.Appeal{State: next}.After(action)
			if !canAgain || again != next {
				t.Fatalf("%s twice leads to %s, once to %s", action, again, next)
			}
			appeal.State = next
			seen = seen || next != domain.Draft
			if seen && next == domain.Draft {
				t.Fatal("a published appeal is a draft again")
			}
		}
	})
}

// Days come back as they were typed, wherever the organization is: also where a
// day has 23 hours or begins at one o'clock.
func TestDaysComeBackAsTheyWereTyped(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{
			"Europe/Amsterdam", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "Pacific/Apia",
			"Asia/Beirut", "America/Asuncion", "Africa/Cairo", "America/Havana", "UTC",
		}).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		typed := time.Date(2012, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 9000).Draw(t, "day")).Format(time.DateOnly)
		first, err := time.ParseInLocation(time.DateOnly, typed, zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := domain.FirstDay(first.UTC(), zone); got != typed {
			t.Errorf("first day %s of %s comes back as %s", typed, zone, got)
		}
		if got := domain.LastDay(first.AddDate(0, 0, 1).UTC(), zone); got != typed {
			t.Errorf("last day %s of %s comes back as %s", typed, zone, got)
		}
	})
	if domain.FirstDay(time.Time{}, time.UTC) != "" || domain.LastDay(time.Time{}, time.UTC) != "" {
		t.Error("no day is some day")
	}
}

func TestAStoryHasSomethingToRead(t *testing.T) {
	t.Parallel()
	for story, says := range map[string]string{
		"":                                  "missing",
		" \n ":                              "missing",
		strings.Repeat("é", 20_001):         "more than 20000",
		strings.Repeat("a\u0301", 50_000):   "more than 20000",
		strings.Repeat("é", 20_000):         "",
		"# Tonight\n\n*They* came on foot.": "",
	} {
		got := domain.CheckStory(story)
		if (says == "") != (got == "") || !strings.Contains(got, says) {
			t.Errorf("%.20q: %q, want %q", story, got, says)
		}
	}
}

func TestAPageComesBackAsItWasBeforeItWasTakenDown(t *testing.T) {
	t.Parallel()
	for _, state := range []domain.State{domain.Live, domain.Paused, domain.Closed} {
		page := domain.Page{State: state}
		hidden := page.TakenDown("Asks for gifts to a private account.").TakenDown("Another reason.")
		if hidden.State != domain.TakenDown || hidden.StateBefore != state || hidden.Reason != "Another reason." {
			t.Errorf("%+v", hidden)
		}
		back := hidden.Restored()
		if back.State != state || back.StateBefore != "" || back.Reason != "" || back.Restored().State != state {
			t.Errorf("%s: %+v", state, back)
		}
	}
}

func TestAmountsThatCannotBeChargedAreRefused(t *testing.T) {
	t.Parallel()
	kwd := money.MustCurrency("KWD") // three decimals, the last is 0
	var problems domain.Problems
	appeal := goodAppeal()
	appeal.Currency, appeal.Minimum, appeal.Suggested, appeal.UnitCost = kwd, 1_001, []int64{5_000, 5_005}, 7
	appeal.GoalCount, appeal.GoalUnit = 10, "tents"
	appeal.CoverRatePPM, appeal.CoverFixed = 1_000_000, -1
	domain.CheckAppeal("", appeal, &problems)
	var paths []string
	for _, p := range problems {
		paths = append(paths, p.Path)
	}
	for _, want := range []string{".minimum", ".suggested[1]", ".unit_cost", ".cover_rate", ".cover_fixed"} {
		if !strings.Contains(strings.Join(paths, " "), want) {
			t.Errorf("nothing about %s: %+v", want, problems)
		}
	}
}
