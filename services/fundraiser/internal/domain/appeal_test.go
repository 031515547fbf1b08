package domain_test

import (
	"testing"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

func TestDatesCloseWhatIsLiveAndOpenNothing(t *testing.T) {
	t.Parallel()
	starts := time.Date(2026, 3, 1, 23, 0, 0, 0, time.UTC)
	ends := time.Date(2026, 4, 1, 22, 0, 0, 0, time.UTC) // after the last day in Amsterdam
	for _, c := range []struct {
		name  string
		state domain.State
		now   time.Time
		want  domain.State
	}{
		{"before the first day", domain.Live, starts.Add(-time.Microsecond), domain.Draft},
		{"first moment", domain.Live, starts, domain.Live},
		{"last moment", domain.Live, ends.Add(-time.Microsecond), domain.Live},
		{"the day after", domain.Live, ends, domain.Closed},
		{"draft inside its dates", domain.Draft, starts, domain.Draft},
		{"draft after its end", domain.Draft, ends, domain.Draft},
		{"closed early", domain.Closed, starts, domain.Closed},
		{"closed before it starts", domain.Closed, starts.Add(-time.Hour), domain.Draft},
	} {
		appeal := domain.Appeal{State: c.state, StartsAt: starts, EndsAt: ends}
		if got := appeal.At(c.now); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	standing := domain.Appeal{State: domain.Live}
	if got := standing.At(ends.AddDate(100, 0, 0)); got != domain.Live {
		t.Errorf("an appeal without dates is %s after a century", got)
	}
}

func TestAPageIsNeverMoreOpenThanItsAppeal(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ appeal, page, want domain.State }{
		{domain.Live, domain.Live, domain.Live},
		{domain.Live, domain.Draft, domain.Draft},
		{domain.Live, domain.Closed, domain.Closed},
		{domain.Closed, domain.Live, domain.Closed},
		{domain.Closed, domain.Draft, domain.Draft},
		{domain.Draft, domain.Live, domain.Draft},
		{domain.Draft, domain.Closed, domain.Draft},
	} {
		got := domain.Page{State: c.page}.At(domain.Appeal{State: c.appeal}, now)
		if got != c.want {
			t.Errorf("%s page of a %s appeal is %s, want %s", c.page, c.appeal, got, c.want)
		}
	}
}
