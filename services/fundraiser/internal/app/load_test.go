package app_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/store"
	"github.com/almoner/almoner/services/fundraiser/migrations"
	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/platform/feed"
	"github.com/almoner/almoner/services/internal/platform/telemetry"
	"github.com/almoner/almoner/services/internal/testkit"
)

// bench is the use cases on a real database, and a look at what they tell.
type bench struct {
	*app.App
	db    *database.DB
	clock *testkit.FakeClock
}

func setup(t testing.TB) bench {
	t.Helper()
	db := testkit.SQLite(t, "fundraiser", migrations.Set(), feed.Migrations())
	clock := testkit.Clock(t, time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
	return bench{App: app.New(store.New(db, feed.NewLog(db, "fundraiser")), clock.Now), db: db, clock: clock}
}

func sample(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("../../sample/refugee-relief.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (b bench) load(t testing.TB, text string) app.Report {
	t.Helper()
	report, err := b.Load(t.Context(), strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// told is an event in the log.
type told struct {
	kind, aggregate, traceparent string
	version                      int64
	payload                      []byte
}

func (b bench) events(t testing.TB) []told {
	t.Helper()
	var events []told
	err := b.db.InReadTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		events = nil
		rows, err := tx.QueryContext(ctx, `SELECT type, aggregate_id, traceparent, aggregate_version, payload FROM event ORDER BY seq`)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var e told
			err := rows.Scan(&e.kind, &e.aggregate, &e.traceparent, &e.version, &e.payload)
			if err != nil {
				return err
			}
			events = append(events, e)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func TestTheSampleIsLoadedOnceAndToldOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	text := sample(t)

	first := b.load(t, text)
	want := app.Report{
		Organizations: app.Count{Added: 1}, Funds: app.Count{Added: 4},
		Appeals: app.Count{Added: 3}, Fundraisers: app.Count{Added: 2},
	}
	if first != want {
		t.Errorf("first: %+v", first)
	}
	events := b.events(t)
	if len(events) != 5 || events[0].kind != "almoner.fundraiser.v1.OrganizationChanged" || events[4].kind != "almoner.fundraiser.v1.FundChanged" {
		t.Fatalf("%+v", events)
	}
	var organization fundraiserv1.OrganizationChanged
	err := proto.Unmarshal(events[0].payload, &organization)
	if err != nil || organization.GetCode() != "WAYHAVEN" || !organization.GetHome() || organization.GetVersion() != 1 ||
		organization.GetTimeZone() != "Europe/Amsterdam" || len(organization.GetAddress()) != 2 {
		t.Errorf("%v, %v", &organization, err)
	}

	b.clock.Advance(time.Hour)
	again := b.load(t, text)
	want = app.Report{
		Organizations: app.Count{Unchanged: 1}, Funds: app.Count{Unchanged: 4},
		Appeals: app.Count{Unchanged: 3}, Fundraisers: app.Count{Unchanged: 2},
	}
	if again != want || len(b.events(t)) != 5 {
		t.Errorf("again: %+v, %d events", again, len(b.events(t)))
	}
}

func TestAChangeIsANewVersionAndOneEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	text := sample(t)
	b.load(t, text)
	before := b.events(t)

	changed := strings.NewReplacer(
		"name: Wayhaven Relief\n", "name: Wayhaven\n",
		"name: Schooling for displaced children", "name: School for every child",
		"title: Shelter tonight", "title: Shelter this winter",
	).Replace(text)
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	report, err := b.Load(telemetry.ContextWithTraceparent(t.Context(), parent), strings.NewReader(changed))
	if err != nil {
		t.Fatal(err)
	}
	want := app.Report{
		Organizations: app.Count{Changed: 1}, Funds: app.Count{Changed: 1, Unchanged: 3},
		Appeals: app.Count{Changed: 1, Unchanged: 2}, Fundraisers: app.Count{Unchanged: 2},
	}
	if report != want {
		t.Errorf("%+v", report)
	}
	after := b.events(t)[len(before):]
	if len(after) != 2 || after[0].version != 2 || after[0].aggregate != before[0].aggregate || after[1].version != 2 {
		t.Fatalf("%+v", after)
	}
	if after[0].traceparent != parent {
		t.Errorf("traceparent is %q", after[0].traceparent)
	}
	var fund fundraiserv1.FundChanged
	err = proto.Unmarshal(after[1].payload, &fund)
	if err != nil || fund.GetCode() != "SCHOOL" || fund.GetName() != "School for every child" || fund.GetVersion() != 2 {
		t.Errorf("%v, %v", &fund, err)
	}
}

func TestWhatGiftsReferToCannotBeTakenAway(t *testing.T) {
	t.Parallel()
	second := strings.NewReplacer("code: WAYHAVEN", "code: HARBOUR", "slug: wayhaven", "slug: harbour", "home: true", "home: false",
		"organization: WAYHAVEN", "organization: HARBOUR")
	for _, c := range []struct {
		name   string
		change func(string) string
		want   string
	}{
		{"currency of an appeal", func(s string) string {
			return strings.Replace(s, "currency: EUR\n    minimum: \"1.00\"", "currency: USD\n    minimum: \"1.00\"", 1)
		}, "appeals[0].currency cannot change: its gifts are in EUR"},
		{"appeal of a page", func(s string) string {
			return strings.Replace(s, "appeal: sixty-thousand-homes", "appeal: beside-every-family", 1)
		}, "fundraisers[1].appeal cannot change"},
		{"organization of appeals", second.Replace, "appeals[0].organization cannot change"},
		{"address of an organization", func(s string) string {
			return strings.Replace(second.Replace(s), "slug: harbour", "slug: wayhaven", 1)
		}, `organizations[0].slug "wayhaven" is the address of organization WAYHAVEN`},
		{"second home", func(s string) string {
			return strings.Replace(second.Replace(s), "home: false", "home: true", 1)
		}, "organizations[0].home exactly one organization must be the home of what belongs to no gift, not 2"},
		{"no home", func(s string) string { return strings.Replace(s, "home: true", "home: false", 1) },
			"exactly one organization must be the home of what belongs to no gift, not 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			text := sample(t)
			b.load(t, text)
			changed := c.change(text)
			if changed == text {
				t.Fatal("the test changes nothing")
			}
			before := len(b.events(t))
			_, err := b.Load(t.Context(), strings.NewReader(changed))
			var invalid *app.InvalidFileError
			if !errors.As(err, &invalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if len(b.events(t)) != before || b.load(t, text).Organizations != (app.Count{Unchanged: 1}) {
				t.Error("something of the refused file was kept")
			}
		})
	}
}

func TestTheFirstFileNamesTheHome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.Load(t.Context(), strings.NewReader(strings.Replace(sample(t), "home: true", "home: false", 1)))
	if err == nil || !strings.Contains(err.Error(), "not 0") {
		t.Errorf("%v", err)
	}
	_, err = b.HomeOrganization(t.Context())
	if err == nil {
		t.Error("an empty database has a home organization")
	}
}

func TestTheHomeCanMoveWithinOneFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	text := sample(t)
	b.load(t, text)
	// A second organization takes over; the first is named before it.
	from := strings.Index(text, "  - code: WAYHAVEN")
	to := strings.Index(text, "appeals:")
	second := strings.NewReplacer("code: WAYHAVEN", "code: HARBOUR", "slug: wayhaven", "slug: harbour").Replace(text[from:to])
	moved := text[:from] + second + strings.Replace(text[from:to], "home: true", "home: false", 1) + text[to:]
	report := b.load(t, moved)
	if report.Organizations != (app.Count{Added: 1, Changed: 1}) {
		t.Errorf("%+v", report)
	}
	listing, err := b.ListAppeals(t.Context())
	if err != nil || len(listing.Organizations) != 2 || listing.Organizations[0].Code != "HARBOUR" || listing.Organizations[1].Home {
		t.Errorf("%+v, %v", listing.Organizations, err)
	}
}

func TestAnEmptyDatabaseIsLoadedByOneOfManyProcesses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	text := sample(t)
	loaded := make([]bool, 4)
	failed := make([]error, 4)
	var all sync.WaitGroup
	for i := range loaded {
		all.Go(func() { loaded[i], failed[i] = b.LoadIfEmpty(t.Context(), strings.NewReader(text)) })
	}
	all.Wait()
	slices.SortFunc(loaded, func(x, y bool) int {
		if x == y {
			return 0
		}
		if x {
			return -1
		}
		return 1
	})
	if !slices.Equal(loaded, []bool{true, false, false, false}) || errors.Join(failed...) != nil {
		t.Errorf("%v, %v", loaded, failed)
	}
	if events := b.events(t); len(events) != 5 {
		t.Errorf("%d events", len(events))
	}
}

func TestTheReportIsInWords(t *testing.T) {
	t.Parallel()
	report := app.Report{Organizations: app.Count{Unchanged: 1}, Funds: app.Count{Unchanged: 3}, Appeals: app.Count{Added: 2, Changed: 1}}
	want := "organizations  0 added, 0 changed, 1 unchanged\n" +
		"funds          0 added, 0 changed, 3 unchanged\n" +
		"appeals        2 added, 1 changed, 0 unchanged\n" +
		"fundraisers    0 added, 0 changed, 0 unchanged"
	if report.String() != want {
		t.Errorf("the report says\n%s", report)
	}
}
