package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// serverAlone is how PostgreSQL writes a gift's rows without the program. Rows have
// no numbers there; that nothing else is in the databases makes the newest ones the
// burst's.
func serverAlone() alone {
	const given = `(SELECT id FROM donation ORDER BY succeeded_at DESC LIMIT $1)`
	return alone{
		sources: []source{
			{"donation", "stripe_event", `seq > (SELECT MAX(seq) FROM stripe_event) - 2 * $1`},
			{"donation", "donation", `id IN ` + given},
			{"donation", "attempt", `donation_id IN ` + given},
			{"donation", "balance_transaction", `donation_id IN ` + given},
			{"donation", "event", `pos > (SELECT MAX(pos) FROM event) - 2 * $1`},
			{"fundraiser", "gift", `donation_id IN (SELECT donation_id FROM gift ORDER BY pos DESC LIMIT $1)`},
			{"ledger", "journal_entry", `number > (SELECT MAX(number) FROM journal_entry) - 2 * $1`},
			{"ledger", "entry_reference", `number > (SELECT MAX(number) FROM journal_entry) - 2 * $1`},
			{"ledger", "posting", `number > (SELECT MAX(number) FROM journal_entry) - 2 * $1`},
			{"receipt", "receipt", `number IN (SELECT number FROM receipt ORDER BY sequence DESC LIMIT $1)`},
			{"receipt", "receipt_mail", `number IN (SELECT number FROM receipt ORDER BY sequence DESC LIMIT $1)`},
		},
		copies: func(_ context.Context, _ *books, from source) ([]string, error) {
			return []string{
				`CREATE SCHEMA IF NOT EXISTS alone`,
				`DROP TABLE IF EXISTS alone.` + from.table,
				`CREATE TABLE alone.` + from.table + ` (LIKE public.` + from.table + ` INCLUDING CONSTRAINTS INCLUDING INDEXES)`,
			}, nil
		},
		arguments: func(_ string, _ ends, gifts int) []any { return []any{int64(gifts)} },
		place:     func(n int) string { return "$" + strconv.Itoa(n) },
		begin:     `BEGIN`,
		prefix:    `alone.`,
	}
}

// insertBare is PostgreSQL alone: as SQLite alone does it, but all databases at the
// same time, each over a connection of its own, since a server can. It returns gifts
// a second.
func (s *postgres) insertBare(ctx context.Context, sets []rowset, gifts int) (perSecond float64, err error) {
	var writers []*bareWriter
	for _, service := range services() {
		db, err := sql.Open("pgx", s.url("postgres", "almoner_"+service)) // the only one who may make tables here
		if err != nil {
			return 0, fmt.Errorf("open the copies of %s: %w", service, err)
		}
		defer func() { _ = db.Close() }()
		w, err := openBare(ctx, db, service, serverAlone(), sets)
		if err != nil {
			return 0, err
		}
		writers = append(writers, w)
	}
	commits := (gifts + giftsPerCommit - 1) / giftsPerCommit
	failures := make([]error, len(writers))
	var group sync.WaitGroup
	began := time.Now()
	for i, w := range writers {
		group.Go(func() {
			for n := 0; n < commits && failures[i] == nil; n++ {
				failures[i] = w.commit(ctx, n, commits)
			}
		})
	}
	group.Wait()
	took := time.Since(began)
	err = errors.Join(failures...)
	if err != nil {
		return 0, fmt.Errorf("insert the rows of a burst: %w", err)
	}
	return float64(gifts) / took.Seconds(), nil
}
