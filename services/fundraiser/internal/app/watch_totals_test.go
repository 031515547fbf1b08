package app_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"github.com/almoner/almoner/services/fundraiser/internal/store"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/feed"
)

// site is the sample catalogue, and a watch of it that runs.
type site struct {
	bench
	kept  app.Store
	watch *app.Watch
	tick  chan time.Time
}

func watched(t *testing.T) site {
	t.Helper()
	b := setup(t)
	kept := store.New(b.db, feed.NewLog(b.db, "fundraiser"))
	return watchedOn(t, b, kept)
}

func watchedOn(t *testing.T, b bench, kept app.Store) site {
	t.Helper()
	b.App = app.New(kept, b.clock.Now)
	s := site{bench: b, kept: kept, watch: app.NewWatch(kept, b.clock.Now, nil), tick: make(chan time.Time)}
	s.load(t, sample(t))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.watch.Run(ctx, s.tick)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return s
}

// viewer watches until the test ends. It is sent nothing while nobody takes
// its next update.
func (s site) viewer(t *testing.T) chan app.WatchUpdate {
	t.Helper()
	return viewerOf(t, s.watch)
}

func viewerOf(t *testing.T, watch *app.Watch) chan app.WatchUpdate {
	t.Helper()
	updates := make(chan app.WatchUpdate)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- watch.Totals(ctx, func(update app.WatchUpdate) error {
			select {
			case updates <- update:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		err := <-ended
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the watcher ended with %v", err)
		}
	})
	return updates
}

// give counts a gift to the crisis appeal, through Salma's page if asked.
func (s site) give(t *testing.T, through app.Store, pos int64, pageSlug string, minor int64) {
	t.Helper()
	gift := domain.Gift{
		DonationID: fmt.Sprintf("gift-%d", pos), OrganizationID: domain.OrganizationID("WAYHAVEN"),
		AppealID: domain.AppealID("shelter-tonight"), Amount: money.Amount{Minor: minor, Currency: money.MustCurrency("EUR")},
		Visibility: domain.Public, PaidAt: s.clock.Now().UnixMicro(), Pos: pos,
	}
	if pageSlug != "" {
		gift.PageID = domain.PageID(pageSlug)
	}
	err := through.InTx(t.Context(), func(ctx context.Context, tx app.Tx) error {
		return s.CountGifts(ctx, tx, []domain.Gift{gift})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// lines are an update in words, sorted.
func lines(update app.WatchUpdate) []string {
	var found []string
	for _, line := range update.Changed {
		found = append(found, fmt.Sprintf("%s/%s %d from %d at %d", line.AppealSlug, line.PageSlug, line.Total.Settled, line.Total.Gifts, line.Total.AsOf))
	}
	slices.Sort(found)
	return found
}

func expect(t *testing.T, update app.WatchUpdate, want ...string) {
	t.Helper()
	if got := lines(update); !slices.Equal(got, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAWatcherIsToldEverythingAndThenWhatChanges(t *testing.T) {
	t.Parallel()
	s := watched(t)
	s.give(t, s.kept, 1, "", 100_00)
	viewer := s.viewer(t)
	everything := <-viewer
	expect(t, everything,
		"beside-every-family/ 0 from 0 at 0",
		"shelter-tonight/ 10000 from 1 at 1",
		"shelter-tonight/salma-walks-the-coast 0 from 0 at 0",
		"sixty-thousand-homes/ 0 from 0 at 0",
		"sixty-thousand-homes/bread-for-new-neighbours 0 from 0 at 0")

	s.give(t, s.kept, 2, "salma-walks-the-coast", 25_00)
	update := <-viewer
	expect(t, update, "shelter-tonight/ 12500 from 2 at 2", "shelter-tonight/salma-walks-the-coast 2500 from 1 at 2")
	if update.Revision != everything.Revision {
		t.Errorf("a gift raised the revision from %d to %d", everything.Revision, update.Revision)
	}
	// A gift that was parked comes after newer ones: the total moves, its
	// position does not.
	s.give(t, s.kept, 9, "", 1_00)
	expect(t, <-viewer, "shelter-tonight/ 12600 from 3 at 9")
	s.give(t, s.kept, 5, "", 2_00)
	expect(t, <-viewer, "shelter-tonight/ 12800 from 4 at 9")

	// A watcher that comes now is told what the first one knows.
	expect(t, <-s.viewer(t),
		"beside-every-family/ 0 from 0 at 0",
		"shelter-tonight/ 12800 from 4 at 9",
		"shelter-tonight/salma-walks-the-coast 2500 from 1 at 2",
		"sixty-thousand-homes/ 0 from 0 at 0",
		"sixty-thousand-homes/bread-for-new-neighbours 0 from 0 at 0")
}

func TestAWatcherThatDoesNotReadHoldsUpNobodyAndMissesNothing(t *testing.T) {
	t.Parallel()
	s := watched(t)
	slow, quick := s.viewer(t), s.viewer(t)
	<-slow
	<-quick
	const gifts = 60
	for pos := int64(1); pos <= gifts; pos++ {
		s.give(t, s.kept, pos, "salma-walks-the-coast", 1_00)
	}
	last := fmt.Sprintf("shelter-tonight/ %d from %d at %d", gifts*1_00, gifts, gifts)
	seen := int64(0)
	for {
		update := <-quick
		for _, line := range update.Changed {
			if line.PageSlug == "" {
				if line.Total.AsOf <= seen {
					t.Fatalf("told %d after %d", line.Total.AsOf, seen)
				}
				seen = line.Total.AsOf
			}
		}
		if slices.Contains(lines(update), last) {
			break
		}
	}
	// What the slow one was being told when it stopped reading, and then one
	// update with everything that it missed.
	first := <-slow
	if !slices.Contains(lines(first), last) {
		expect(t, <-slow, last, fmt.Sprintf("shelter-tonight/salma-walks-the-coast %d from %d at %d", gifts*1_00, gifts, gifts))
	}
}

func TestAnEditRaisesTheRevision(t *testing.T) {
	t.Parallel()
	s := watched(t)
	viewer := s.viewer(t)
	first := <-viewer
	s.load(t, strings.Replace(sample(t), "title: Shelter tonight", "title: Shelter this week", 1))
	update := <-viewer
	if update.Revision <= first.Revision || len(update.Changed) != 0 {
		t.Errorf("%+v after revision %d", update, first.Revision)
	}
	// An appeal that is closed is still seen; a draft is not.
	closed := strings.Replace(sample(t), "  - slug: shelter-tonight\n", "  - slug: shelter-tonight\n    state: closed\n", 1)
	s.load(t, closed)
	again := <-viewer
	if again.Revision <= update.Revision || len(again.Changed) != 0 {
		t.Errorf("%+v after revision %d", again, update.Revision)
	}
	s.give(t, s.kept, 1, "", 10_00)
	expect(t, <-viewer, "shelter-tonight/ 1000 from 1 at 1")
	s.load(t, strings.Replace(sample(t), "  - slug: shelter-tonight\n", "  - slug: shelter-tonight\n    state: draft\n", 1))
	<-viewer
	s.give(t, s.kept, 2, "", 10_00)
	s.load(t, sample(t))
	// Published again, it is told anew, with the page under it.
	expect(t, <-viewer, "shelter-tonight/ 2000 from 2 at 2", "shelter-tonight/salma-walks-the-coast 0 from 0 at 0")
}

func TestADateOpensAndClosesWhatIsWatched(t *testing.T) {
	t.Parallel()
	s := watched(t)
	// In Amsterdam 6 March begins at 23:00 UTC the day before; the clock shows
	// noon of 4 March.
	s.load(t, strings.Replace(sample(t), "  - slug: shelter-tonight\n", "  - slug: shelter-tonight\n    starts: 2026-03-06\n    ends: 2026-03-07\n", 1))
	viewer := s.viewer(t)
	before := <-viewer
	if slices.ContainsFunc(before.Changed, func(line app.WatchedTotal) bool { return line.AppealSlug == "shelter-tonight" }) {
		t.Errorf("an appeal that has not begun is told: %v", lines(before))
	}
	s.clock.Advance(35 * time.Hour)
	s.tick <- s.clock.Now()
	opened := <-viewer
	expect(t, opened, "shelter-tonight/ 0 from 0 at 0", "shelter-tonight/salma-walks-the-coast 0 from 0 at 0")
	if opened.Revision <= before.Revision {
		t.Errorf("opened at %d, before %d", opened.Revision, before.Revision)
	}
	s.clock.Advance(48 * time.Hour)
	s.tick <- s.clock.Now()
	closed := <-viewer
	if closed.Revision <= opened.Revision || len(closed.Changed) != 0 {
		t.Errorf("closed: %+v after %d", closed, opened.Revision)
	}
	// An edit that takes the dates away still raises it.
	s.load(t, sample(t))
	if edited := <-viewer; edited.Revision <= closed.Revision {
		t.Errorf("edited at %d, before %d", edited.Revision, closed.Revision)
	}
}

func TestWhatAnotherProcessWritesIsSeenWithinASecond(t *testing.T) {
	t.Parallel()
	s := watched(t)
	viewer := s.viewer(t)
	<-viewer
	elsewhere := store.New(s.db, feed.NewLog(s.db, "fundraiser"))
	s.give(t, elsewhere, 1, "", 40_00)
	s.tick <- s.clock.Now()
	expect(t, <-viewer, "shelter-tonight/ 4000 from 1 at 1")
}

func TestARestartedWatchTellsTheSame(t *testing.T) {
	t.Parallel()
	s := watched(t)
	viewer := s.viewer(t)
	<-viewer
	s.give(t, s.kept, 1, "salma-walks-the-coast", 40_00)
	<-viewer
	first := <-s.viewer(t)
	again := <-viewerOf(t, app.NewWatch(store.New(s.db, feed.NewLog(s.db, "fundraiser")), s.clock.Now, nil))
	if again.Revision != first.Revision || !reflect.DeepEqual(lines(again), lines(first)) {
		t.Errorf("%+v\nand after a restart\n%+v", first, again)
	}
}

// counting is a store that counts readings and fails them when told to.
type counting struct {
	app.Store
	readings atomic.Int64
	broken   atomic.Bool
}

var errBroken = errors.New("the disk is gone")

func (c *counting) InReadTx(ctx context.Context, fn func(context.Context, app.Reader) error) error {
	c.readings.Add(1)
	if c.broken.Load() {
		return errBroken
	}
	return c.Store.InReadTx(ctx, fn)
}

func TestNothingIsReadWhileNobodyWatches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	kept := &counting{Store: store.New(b.db, feed.NewLog(b.db, "fundraiser"))}
	s := watchedOn(t, b, kept)
	s.tick <- s.clock.Now()
	s.give(t, kept, 1, "", 10_00)
	s.tick <- s.clock.Now()
	if n := kept.readings.Load(); n != 0 {
		t.Errorf("%d readings for nobody", n)
	}
}

func TestAReadingThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	kept := &counting{Store: store.New(b.db, feed.NewLog(b.db, "fundraiser"))}
	s := watchedOn(t, b, kept)
	kept.broken.Store(true)
	err := s.watch.Totals(t.Context(), func(app.WatchUpdate) error { return nil })
	if !errors.Is(err, errBroken) {
		t.Errorf("a watcher that cannot be told anything: %v", err)
	}
	kept.broken.Store(false)
	viewer := s.viewer(t)
	<-viewer
	kept.broken.Store(true)
	s.give(t, kept, 1, "", 10_00)
	s.tick <- s.clock.Now()
	s.tick <- s.clock.Now()
	kept.broken.Store(false)
	s.tick <- s.clock.Now()
	expect(t, <-viewer, "shelter-tonight/ 1000 from 1 at 1")
}

func TestAWatcherWhoCannotBeSentToIsLeft(t *testing.T) {
	t.Parallel()
	s := watched(t)
	gone := errors.New("connection reset")
	err := s.watch.Totals(t.Context(), func(app.WatchUpdate) error { return gone })
	if !errors.Is(err, gone) {
		t.Error(err)
	}
}
