package live

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
)

// Key names an appeal or a supporter's page: one of the two slugs is set.
type Key struct{ Appeal, Fundraiser string }

// Totals are what is shown of it.
type Totals struct {
	SettledMinor int64
	Gifts        int64
	Processing   int64 // by methods that take days; not in SettledMinor
	AsOf         int64 // position of the donation feed at which this is true
}

// Watch follows the totals. It is safe for concurrent use.
type Watch struct {
	client fundraiserv1.FundraiserServiceClient
	logger *slog.Logger

	mu        sync.Mutex
	standing  bool  // the stream has told everything and goes on
	era       int64 // raised at each reconnect and each change of the catalogue
	revision  int64 // of the catalogue, as the stream tells it
	changes   int64 // raised at each change of any totals
	totals    map[Key]Totals
	touched   map[Key]int64 // changes at the last change of a key, or of a page under it
	listeners map[Key]map[*Listener]struct{}
	count     int
}

// New makes a watch that is not running.
func New(client fundraiserv1.FundraiserServiceClient, logger *slog.Logger) *Watch {
	return &Watch{
		client: client, logger: logger,
		totals: map[Key]Totals{}, touched: map[Key]int64{}, listeners: map[Key]map[*Listener]struct{}{},
	}
}

const (
	// reconnectFirst and reconnectMost are how long the watch waits before it asks
	// again; each failure doubles it.
	reconnectFirst = 100 * time.Millisecond
	reconnectMost  = 5 * time.Second
)

// Run follows until ctx ends, and asks again whenever the stream breaks.
func (w *Watch) Run(ctx context.Context) error {
	wait := reconnectFirst
	for {
		told, err := w.follow(ctx)
		w.fall()
		if ctx.Err() != nil {
			return nil //nolint:nilerr // to be ended is what it waits for
		}
		if told {
			wait = reconnectFirst
		}
		w.logger.WarnContext(ctx, "live totals stand still; asking again", "in", wait, "error", err)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		wait = min(2*wait, reconnectMost)
	}
}

// follow reads one stream to its end; told says whether it brought anything.
func (w *Watch) follow(ctx context.Context) (told bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := w.client.WatchTotals(ctx, &fundraiserv1.WatchTotalsRequest{})
	if err != nil {
		return false, err
	}
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return told, errors.New("the stream ended")
		}
		if err != nil {
			return told, err
		}
		w.hear(message)
		told = true
	}
}

// fall notes that nothing is known any more about what changes.
func (w *Watch) fall() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.standing = false
	w.era++
}

func (w *Watch) hear(message *fundraiserv1.WatchTotalsResponse) {
	w.mu.Lock()
	defer w.mu.Unlock()
	first := !w.standing
	if first || message.GetCatalogueRevision() != w.revision {
		w.era++
		w.revision = message.GetCatalogueRevision()
	}
	w.standing = true
	for _, changed := range message.GetChanged() {
		appeal := Key{Appeal: changed.GetAppealSlug()}
		key := appeal
		if changed.GetFundraiserSlug() != "" {
			key = Key{Fundraiser: changed.GetFundraiserSlug()}
		}
		now := Totals{
			SettledMinor: changed.GetTotals().GetSettledMinor(),
			Gifts:        changed.GetTotals().GetGifts(),
			Processing:   changed.GetTotals().GetProcessingMinor(),
			AsOf:         changed.GetTotals().GetAsOf(),
		}
		before, known := w.totals[key]
		if known && (before == now || (!first && now.AsOf < before.AsOf)) {
			continue
		}
		w.changes++
		w.totals[key] = now
		w.touched[key] = w.changes
		// A page's total stands on its appeal's page as well.
		w.touched[appeal] = w.changes
		for listener := range w.listeners[key] {
			listener.hear(now)
		}
	}
}

// Totals of a key as they are known now; false when they are not.
func (w *Watch) Totals(key Key) (Totals, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	totals, known := w.totals[key]
	return totals, known && w.standing
}

// Stamp says which state of the world a page was drawn in. Two equal stamps of one
// page are the same state.
type Stamp struct{ era, changes int64 }

// Stamp of what the page of a key shows; for the zero Key, of everything. Take it
// before asking for what the page shows. False while nobody can say what changes.
func (w *Watch) Stamp(key Key) (Stamp, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.standing {
		return Stamp{}, false
	}
	changes := w.changes
	if key != (Key{}) {
		changes = w.touched[key]
	}
	return Stamp{era: w.era, changes: changes}, true
}
