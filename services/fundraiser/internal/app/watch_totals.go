package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

// watchedAtOnce keeps one message far below what gRPC carries, and what a
// watcher is sent in one piece small.
const watchedAtOnce = 10_000

// revisionsPerEdit is larger than the number of days on which appeals start and
// end, so that the revision that watchers see grows with every edit, whatever
// the edit did to the days that have passed.
const revisionsPerEdit = 1_000_000

// Watch tells any number of watchers what appeals and pages have raised. It
// reads for all of them together, reads only what changed, and only while
// somebody watches. It is safe for use by several goroutines.
type Watch struct {
	store    Store
	now      func() time.Time
	logger   *slog.Logger
	watchers atomic.Int64
	board    *board

	// reading is held while the database is read and the board is written, so
	// that an older reading never overwrites a newer one.
	reading sync.Mutex
	read    Revision // zero before the first reading
	shown   int64    // revision on the board
	appeals map[string]Appeal
	pages   map[string]Page // those whose owners do not keep them to themselves
}

// WatchUpdate is what a watcher is told: what changed since it was told last.
type WatchUpdate struct {
	Changed []WatchedTotal
	// Revision grows whenever anything but totals changes: texts, states,
	// pictures, and what a date opens or closes. It is the same in every process
	// and after a restart.
	Revision int64
}

// NewWatch returns a watch of a store, whose Changed it alone receives from.
// logger may be nil.
func NewWatch(store Store, now func() time.Time, logger *slog.Logger) *Watch {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Watch{
		store: store, now: now, logger: logger, board: newBoard(),
		appeals: map[string]Appeal{}, pages: map[string]Page{},
	}
}

// Run looks for changes after each commit of this process and at each tick,
// which brings what other processes wrote and what dates change, until ctx
// ends. A reading that fails is logged, and tried again at the next.
func (w *Watch) Run(ctx context.Context, tick <-chan time.Time) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.store.Changed():
		case <-tick:
		}
		if w.watchers.Load() == 0 {
			continue
		}
		err := w.look(ctx)
		if err != nil && ctx.Err() == nil {
			w.logger.ErrorContext(ctx, "totals were not read, tried again", "error", err)
		}
	}
}

// Totals sends everything that is published, and then what changes, until ctx
// ends or send fails; it returns why. What changes while send is busy is sent
// afterwards, as it is then. An update is complete in itself; a very large one
// is sent in pieces.
func (w *Watch) Totals(ctx context.Context, send func(WatchUpdate) error) error {
	w.watchers.Add(1)
	defer w.watchers.Add(-1)
	// Nobody may have watched until now, so the board may be old.
	err := w.look(ctx)
	if err != nil {
		return fmt.Errorf("watch totals: %w", err)
	}
	var seen boardMark
	for first := true; ; first = false {
		lines, now, wait := w.board.read(seen, watchedAtOnce)
		if first || now != seen {
			err = send(WatchUpdate{Changed: lines, Revision: now.revision})
			if err != nil {
				return fmt.Errorf("watch totals: %w", err)
			}
		}
		seen = now
		if wait == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("watch totals: %w", ctx.Err())
		case <-wait:
		}
	}
}

// look reads what changed since the last reading and puts it on the board.
func (w *Watch) look(ctx context.Context) error {
	w.reading.Lock()
	defer w.reading.Unlock()
	var found findings
	err := w.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
		var err error
		found, err = find(ctx, tx, w.read)
		return err
	})
	if err != nil {
		return err
	}
	now := w.now()
	changed := w.take(found)
	shown := found.revision.Catalogue*revisionsPerEdit + w.daysPassed(now)
	if shown == w.shown {
		lines := map[string]WatchedTotal{}
		for id := range changed {
			line, published := w.line(id, now)
			if published {
				lines[id] = line
			}
		}
		w.board.show(shown, lines, false)
		return nil
	}
	lines := make(map[string]WatchedTotal, len(w.appeals)+len(w.pages))
	for id := range w.appeals {
		line, published := w.line(id, now)
		if published {
			lines[id] = line
		}
	}
	for id := range w.pages {
		line, published := w.line(id, now)
		if published {
			lines[id] = line
		}
	}
	w.board.show(shown, lines, true)
	w.shown = shown
	return nil
}

// findings are what one reading brought.
type findings struct {
	revision Revision
	appeals  []Appeal // all, if the catalogue changed; they are few
	pages    []Page   // those that changed
	totals   map[string]domain.Total
}

func find(ctx context.Context, tx Reader, read Revision) (findings, error) {
	var found findings
	var err error
	found.revision, err = tx.Revision(ctx)
	if err != nil {
		return findings{}, err
	}
	if found.revision.Catalogue != read.Catalogue {
		found.appeals, err = tx.Appeals(ctx)
		if err != nil {
			return findings{}, err
		}
		found.pages, err = tx.PagesSince(ctx, read.Catalogue)
		if err != nil {
			return findings{}, err
		}
	}
	if found.revision.Totals != read.Totals && read.Totals != 0 {
		found.totals, err = tx.TotalsSince(ctx, read.Totals)
		if err != nil {
			return findings{}, err
		}
	}
	return found, nil
}

// take keeps what was found and returns the ids of whose total may be another.
func (w *Watch) take(found findings) map[string]domain.Total {
	if found.revision.Catalogue != w.read.Catalogue {
		w.appeals = make(map[string]Appeal, len(found.appeals))
		for _, appeal := range found.appeals {
			w.appeals[appeal.ID] = appeal
		}
	}
	for _, page := range found.pages {
		if page.State == domain.Draft {
			delete(w.pages, page.ID)
			continue
		}
		w.pages[page.ID] = page
	}
	for id, total := range found.totals {
		appeal, isAppeal := w.appeals[id]
		if isAppeal {
			appeal.Total = total
			w.appeals[id] = appeal
		}
		page, isPage := w.pages[id]
		if isPage {
			page.Total = total
			w.pages[id] = page
		}
	}
	w.read = found.revision
	return found.totals
}

// line is what the appeal or page with this id shows; false if it is not
// published.
func (w *Watch) line(id string, now time.Time) (WatchedTotal, bool) {
	appeal, isAppeal := w.appeals[id]
	if isAppeal {
		return WatchedTotal{AppealSlug: appeal.Slug, Total: appeal.Total}, appeal.At(now) != domain.Draft
	}
	page, isPage := w.pages[id]
	if !isPage {
		return WatchedTotal{}, false
	}
	above, known := w.appeals[page.AppealID]
	if !known {
		return WatchedTotal{}, false
	}
	line := WatchedTotal{AppealSlug: above.Slug, PageSlug: page.Slug, Total: page.Total}
	return line, page.At(above.Appeal, now) != domain.Draft
}

// daysPassed counts how often a date has opened or closed an appeal. It grows
// by itself as time goes on.
func (w *Watch) daysPassed(now time.Time) int64 {
	var passed int64
	for _, appeal := range w.appeals {
		for _, date := range []time.Time{appeal.StartsAt, appeal.EndsAt} {
			if !date.IsZero() && !now.Before(date) {
				passed++
			}
		}
	}
	return passed
}
