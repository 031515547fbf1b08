package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver that the program uses, named "sqlite"
)

// services have a database each.
func services() []string { return []string{"donation", "fundraiser", "ledger", "receipt"} }

// books are the program's four databases, read while it works. What a reader in
// another process sees is committed.
type books struct {
	db map[string]*sql.DB
	marks
	alone alone

	mu sync.Mutex
	// compiled are the questions that were asked before: who looks every millisecond
	// must not take more from the program than it has to.
	compiled map[question]*sql.Stmt
}

// marks say how far three tables have grown, each in the way that costs its engine
// least, and which gifts are behind a mark of the journal.
type marks struct{ giftsCounted, entriesBooked, receiptsIssued, giftsBehind string }

func sqliteMarks() marks {
	return marks{
		giftsCounted:   `SELECT COALESCE(MAX(rowid), 0) FROM gift`,
		entriesBooked:  `SELECT COALESCE(MAX(rowid), 0) FROM journal_entry`,
		receiptsIssued: `SELECT COALESCE(MAX(rowid), 0) FROM receipt`,
		giftsBehind:    `SELECT rowid, donation_id FROM journal_entry WHERE rowid > ? AND rule = 'gift' ORDER BY rowid`,
	}
}

func openBooks(dir string) (*books, error) {
	b := &books{db: map[string]*sql.DB{}, marks: sqliteMarks(), alone: sqliteAlone()}
	for _, service := range services() {
		db, err := sql.Open("sqlite", dsn(filepath.Join(dir, service+".db"), "query_only(1)"))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open the books of %s: %w", service, err), b.close())
		}
		db.SetMaxOpenConns(1)
		b.db[service] = db
	}
	return b, nil
}

func dsn(path string, pragmas ...string) string {
	return "file:" + path + "?" + url.Values{"_pragma": append(pragmas, "busy_timeout(5000)")}.Encode()
}

func (b *books) close() error {
	var failures []error
	for _, db := range b.db {
		failures = append(failures, db.Close())
	}
	return errors.Join(failures...)
}

func (b *books) number(ctx context.Context, service, query string) (int64, error) {
	statement, err := b.statement(ctx, question{service, query}) //nolint:sqlclosecheck // closed with its database
	if err != nil {
		return 0, fmt.Errorf("look into the books of %s: %w", service, err)
	}
	var n int64
	err = statement.QueryRowContext(ctx).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("look into the books of %s: %w", service, err)
	}
	return n, nil
}

// statement answers a compiled question, which is closed with its database.
func (b *books) statement(ctx context.Context, q question) (*sql.Stmt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.compiled[q]; known != nil {
		return known, nil
	}
	statement, err := b.db[q.service].PrepareContext(ctx, q.query) //nolint:sqlclosecheck // closed with it
	if err != nil {
		return nil, err
	}
	if b.compiled == nil {
		b.compiled = map[question]*sql.Stmt{}
	}
	b.compiled[q] = statement
	return statement, nil
}

// question is one that says how far the program has come.
type question struct {
	service, query string
}

// Each of them costs the program next to nothing: it reads the end of an index.
const (
	webhooksStored  = `SELECT COALESCE(MAX(seq), 0) FROM stripe_event`
	webhooksPending = `SELECT COUNT(*) FROM stripe_due`
	eventsWaiting   = `SELECT COUNT(*) FROM event WHERE pos IS NULL`
	feedHead        = `SELECT COALESCE(MAX(pos), 0) FROM event_head`
	feedApplied     = `SELECT COALESCE(MAX(pos), 0) FROM feed_checkpoint WHERE feed = 'donation'`
	mailsWaiting    = `SELECT COUNT(*) FROM receipt_mail WHERE mailed_at = 0 AND parked_at = 0`
)

// ends are where the tables that only grow end.
type ends struct {
	webhooks, gifts, entries, receipts int64
}

func (b *books) ends(ctx context.Context) (e ends, err error) {
	for _, q := range []struct {
		question
		into *int64
	}{
		{question{"donation", webhooksStored}, &e.webhooks},
		{question{"fundraiser", b.giftsCounted}, &e.gifts},
		{question{"ledger", b.entriesBooked}, &e.entries},
		{question{"receipt", b.receiptsIssued}, &e.receipts},
	} {
		*q.into, err = b.number(ctx, q.service, q.query)
		if err != nil {
			return ends{}, err
		}
	}
	return e, nil
}

// arrivals are when a burst had arrived in each service, counted from its first
// webhook.
type arrivals struct {
	totals, entries, receipts, quiet time.Duration
}

// all is when it had arrived everywhere and every feed was applied to its end.
func (a arrivals) all() time.Duration { return max(a.totals, a.entries, a.receipts, a.quiet) }

// follow waits until so many gifts have arrived everywhere since before: counted,
// booked (the gift and its fee), receipted; and nothing is left on its way.
func (b *books) follow(ctx context.Context, before ends, gifts int, began time.Time) (a arrivals, err error) {
	n := int64(gifts)
	var failure error
	// reached asks until it is so and notes when that was.
	reached := func(at *time.Duration, q question, want int64) bool {
		if *at > 0 || failure != nil {
			return *at > 0
		}
		have, err := b.number(ctx, q.service, q.query)
		failure = err
		if err == nil && have >= want {
			*at = time.Since(began)
		}
		return *at > 0
	}
	err = eventually(ctx, "all gifts have arrived", 5*time.Millisecond, func() (bool, error) {
		arrived := reached(&a.totals, question{"fundraiser", b.giftsCounted}, before.gifts+n)
		arrived = reached(&a.receipts, question{"receipt", b.receiptsIssued}, before.receipts+n) && arrived
		arrived = reached(&a.entries, question{"ledger", b.entriesBooked}, before.entries+2*n) && arrived
		if !arrived || failure != nil {
			return false, failure
		}
		quiet, err := b.quiet(ctx)
		if quiet {
			a.quiet = time.Since(began)
		}
		return quiet, err
	})
	return a, err
}

// quiet says that no webhook is undone and every consumer is at the feed's head.
func (b *books) quiet(ctx context.Context) (bool, error) {
	for _, query := range []string{webhooksPending, eventsWaiting} {
		n, err := b.number(ctx, "donation", query)
		if err != nil || n > 0 {
			return false, err
		}
	}
	head, err := b.number(ctx, "donation", feedHead)
	if err != nil {
		return false, err
	}
	for _, service := range []string{"fundraiser", "ledger", "receipt"} {
		at, err := b.number(ctx, service, feedApplied)
		if err != nil || at < head {
			return false, err
		}
	}
	return true, nil
}

// mailed waits until every receipt's mail was handed over, and returns how many
// that were.
func (b *books) mailed(ctx context.Context) (int64, error) {
	waiting, err := b.number(ctx, "receipt", mailsWaiting)
	if err != nil {
		return 0, err
	}
	for left := waiting; left > 0; {
		// As long as it goes on there is no hurry: a hundred thousand take a while.
		before := left
		err := eventually(ctx, "receipts are mailed", 100*time.Millisecond, func() (bool, error) {
			left, err = b.number(ctx, "receipt", mailsWaiting)
			return left == 0 || left < before-100, err
		})
		if err != nil {
			return 0, err
		}
	}
	return waiting, nil
}

// watch notes about every millisecond how many entries the ledger has, until ctx
// ends: from that and the entries' order, when each was committed.
func (b *books) watch(ctx context.Context) (seen []sighting, err error) {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return seen, nil
		case <-ticker.C:
		}
		n, err := b.number(context.WithoutCancel(ctx), "ledger", b.entriesBooked)
		if err != nil {
			return nil, err
		}
		if len(seen) == 0 || seen[len(seen)-1].entries < n {
			seen = append(seen, sighting{time.Now(), n})
		}
	}
}

// sighting is how many entries there were at a moment.
type sighting struct {
	at      time.Time
	entries int64
}

// bookedAt is when the gift entries behind a place were first seen, by donation.
func (b *books) bookedAt(ctx context.Context, after int64, seen []sighting) (map[string]time.Time, error) {
	rows, err := b.db["ledger"].QueryContext(ctx, b.giftsBehind, after)
	if err != nil {
		return nil, fmt.Errorf("read the gifts' entries: %w", err)
	}
	defer func() { _ = rows.Close() }()
	at := map[string]time.Time{}
	i := 0
	for rows.Next() {
		var row int64
		var donation string
		err := rows.Scan(&row, &donation)
		if err != nil {
			return nil, fmt.Errorf("read the gifts' entries: %w", err)
		}
		for i < len(seen) && seen[i].entries < row {
			i++
		}
		if i < len(seen) {
			at[donation] = seen[i].at
		}
	}
	return at, rows.Err()
}
