package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// giftsPerCommit is how many gifts share a commit when SQLite works alone.
const giftsPerCommit = 100

// source is where a gift's rows are found in the program's own databases: one
// table of one service, and the part of it that a burst wrote.
type source struct {
	service, table, rows string
}

// alone is how an engine writes without the program: where the rows to write are
// found, how empty copies of their tables are made, and what its SQL looks like.
type alone struct {
	sources []source
	// copies are the statements that make an empty copy of a table with its indexes,
	// without triggers and references to other tables.
	copies func(ctx context.Context, b *books, from source) ([]string, error)
	// arguments are what the condition of a source needs.
	arguments func(condition string, before ends, gifts int) []any
	// place is what stands for the n-th argument of a statement, from 1.
	place         func(n int) string
	begin, prefix string // how a transaction begins; what copies' names begin with
}

func sqliteAlone() alone {
	return alone{
		sources: sources(),
		copies:  sqliteCopies,
		arguments: func(condition string, before ends, gifts int) []any {
			return used(condition, before.webhooks, before.gifts, before.entries, before.receipts, int64(gifts))
		},
		place: func(int) string { return "?" },
		begin: `BEGIN IMMEDIATE`,
	}
}

func sqliteCopies(ctx context.Context, b *books, from source) (statements []string, err error) {
	err = b.read(ctx, from.service, func(rows *sql.Rows) error {
		var statement string
		err := rows.Scan(&statement)
		statements = append(statements, statement)
		return err
	}, `SELECT sql FROM sqlite_master WHERE tbl_name = ? AND type IN ('table', 'index') AND sql IS NOT NULL ORDER BY type DESC`, from.table)
	return statements, err
}

// sources are all the tables that a gift ends up in once its webhooks have come.
// ?1 to ?4 are where the tables ended before the burst (webhooks, gifts, entries,
// receipts), ?5 is how many gifts it had. What is written before the webhooks (the
// intent, the donor) does not count; what they update (donation and attempt)
// counts as one row; what comes and goes (the due receipt) does not count.
func sources() []source {
	const given = `(SELECT id FROM donation ORDER BY succeeded_at DESC LIMIT ?5)`
	return []source{
		{"donation", "stripe_event", `seq > ?1`},
		{"donation", "donation", `id IN ` + given},
		{"donation", "attempt", `donation_id IN ` + given},
		{"donation", "balance_transaction", `donation_id IN ` + given},
		{"donation", "event", `seq > (SELECT MAX(seq) FROM event) - 2 * ?5`},
		{"fundraiser", "gift", `rowid > ?2`},
		{"ledger", "journal_entry", `rowid > ?3`},
		{"ledger", "entry_reference", `(organization_id, number) IN (SELECT organization_id, number FROM journal_entry WHERE rowid > ?3)`},
		{"ledger", "posting", `(organization_id, number) IN (SELECT organization_id, number FROM journal_entry WHERE rowid > ?3)`},
		{"receipt", "receipt", `rowid > ?4`},
		{"receipt", "receipt_mail", `number IN (SELECT number FROM receipt WHERE rowid > ?4)`},
	}
}

// rowset is what a burst wrote into one table.
type rowset struct {
	source
	schema []string // the table and its indexes; no triggers
	// earlier are the rows that were there before: a row costs more in a large table
	// than in an empty one.
	earlier, rows [][]any
}

// rowsOf reads what a burst wrote, and what it found.
func (b *books) rowsOf(ctx context.Context, before ends, gifts int) ([]rowset, error) {
	var sets []rowset
	for _, from := range b.alone.sources {
		set := rowset{source: from}
		var err error
		set.schema, err = b.alone.copies(ctx, b, from)
		if err != nil {
			return nil, err
		}
		args := b.alone.arguments(from.rows, before, gifts)
		set.rows, err = b.all(ctx, from.service, `SELECT * FROM `+from.table+` WHERE `+from.rows, args...)
		if err != nil {
			return nil, err
		}
		set.earlier, err = b.all(ctx, from.service, `SELECT * FROM `+from.table+` WHERE NOT (`+from.rows+`)`, args...)
		if err != nil {
			return nil, err
		}
		if len(set.rows) < gifts {
			return nil, fmt.Errorf("only %d rows of %s for %d gifts", len(set.rows), from.table, gifts)
		}
		sets = append(sets, set)
	}
	return sets, nil
}

// used names the arguments that a condition mentions: SQLite refuses others.
func used(condition string, values ...int64) []any {
	highest := 0
	for i := range values {
		if strings.Contains(condition, fmt.Sprintf("?%d", i+1)) {
			highest = i + 1
		}
	}
	args := make([]any, highest)
	for i := range args {
		args[i] = values[i]
	}
	return args
}

// all reads whole rows.
func (b *books) all(ctx context.Context, service, query string, args ...any) (all [][]any, err error) {
	err = b.read(ctx, service, func(rows *sql.Rows) error {
		names, err := rows.Columns()
		if err != nil {
			return err
		}
		row, into := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		all = append(all, row)
		return rows.Scan(into...)
	}, query, args...)
	return all, err
}

func (b *books) read(ctx context.Context, service string, each func(*sql.Rows) error, query string, args ...any) error {
	rows, err := b.db[service].QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("read the books of %s: %w", service, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		err := each(rows)
		if err != nil {
			return fmt.Errorf("read the books of %s: %w", service, err)
		}
	}
	return rows.Err()
}

// insertBare is SQLite alone: the same rows into copies of the same tables with the
// same indexes, as full as the burst found them, in the same four files, by the same
// driver with the program's settings, 100 gifts a commit and database, one statement a
// table and commit, prepared once. It returns how long that took, by the clock and of a
// processor.
func insertBare(ctx context.Context, dir string, sets []rowset, gifts int) (took, computed time.Duration, err error) {
	err = os.MkdirAll(dir, 0o700)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var writers []*bareWriter
	for _, service := range services() {
		db, err := sql.Open("sqlite", dsn(filepath.Join(dir, service+".db"),
			"journal_mode(WAL)", "synchronous(FULL)", "temp_store(MEMORY)", "cache_size(-8192)", "wal_autocheckpoint(4000)"))
		if err != nil {
			return 0, 0, err
		}
		defer func() { _ = db.Close() }()
		w, err := openBare(ctx, db, service, sqliteAlone(), sets)
		if err != nil {
			return 0, 0, err
		}
		writers = append(writers, w)
	}
	commits := (gifts + giftsPerCommit - 1) / giftsPerCommit
	runtime.GC() // what filling left is not theirs
	before, err := cpuTime(os.Getpid())
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	for n := range commits {
		for _, w := range writers {
			err := w.commit(ctx, n, commits)
			if err != nil {
				return 0, 0, fmt.Errorf("insert the rows of %s: %w", w.service, err)
			}
		}
	}
	took = time.Since(began)
	after, err := cpuTime(os.Getpid())
	return took, after - before, err
}

// bareWriter writes what one service keeps.
type bareWriter struct {
	alone
	service  string
	conn     *sql.Conn
	sets     []rowset
	prepared map[string]*sql.Stmt
}

// openBare makes the copies, with what was in them before the burst. Whoever opened the
// database closes it.
func openBare(ctx context.Context, db *sql.DB, service string, how alone, sets []rowset) (*bareWriter, error) {
	w := &bareWriter{alone: how, service: service, prepared: map[string]*sql.Stmt{}}
	var err error
	w.conn, err = db.Conn(ctx)
	for _, set := range sets {
		if set.service != service || err != nil {
			continue
		}
		w.sets = append(w.sets, set)
		for _, statement := range set.schema {
			_, execErr := w.conn.ExecContext(ctx, statement)
			err = errors.Join(err, execErr)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("make an empty %s: %w", service, err)
	}
	most := 0
	for _, set := range w.sets {
		most = max(most, len(set.earlier))
	}
	commits := most/giftsPerCommit + 1
	for n := range commits {
		err = w.write(ctx, n, commits, func(set rowset) [][]any { return set.earlier })
		if err != nil {
			return nil, fmt.Errorf("fill an empty %s: %w", service, err)
		}
	}
	return w, nil
}

// commit writes the n-th part of the burst's rows in one transaction.
func (w *bareWriter) commit(ctx context.Context, n, of int) error {
	return w.write(ctx, n, of, func(set rowset) [][]any { return set.rows })
}

// write begins a transaction by hand: database/sql would compile the statement anew for
// each one of its own.
func (w *bareWriter) write(ctx context.Context, n, of int, from func(rowset) [][]any) error {
	_, err := w.conn.ExecContext(ctx, w.begin)
	if err != nil {
		return err
	}
	for _, set := range w.sets {
		rows := from(set)
		part := rows[len(rows)*n/of : len(rows)*(n+1)/of]
		if len(part) == 0 {
			continue
		}
		insert, err := w.insert(ctx, set.table, len(part), len(part[0])) //nolint:sqlclosecheck // closed with the database
		if err != nil {
			return err
		}
		args := make([]any, 0, len(part)*len(part[0]))
		for _, row := range part {
			args = append(args, row...)
		}
		_, err = insert.ExecContext(ctx, args...)
		if err != nil {
			return err
		}
	}
	_, err = w.conn.ExecContext(ctx, `COMMIT`)
	return err
}

func (w *bareWriter) insert(ctx context.Context, table string, rows, columns int) (*sql.Stmt, error) {
	var text strings.Builder
	text.WriteString(`INSERT INTO ` + w.prefix + table + ` VALUES `)
	for n := range rows * columns {
		switch {
		case n == 0:
			text.WriteString("(")
		case n%columns == 0:
			text.WriteString("),(")
		default:
			text.WriteString(",")
		}
		text.WriteString(w.place(n + 1))
	}
	text.WriteString(")")
	if w.prepared[text.String()] == nil {
		prepared, err := w.conn.PrepareContext(ctx, text.String()) //nolint:sqlclosecheck // closed with the database
		if err != nil {
			return nil, err
		}
		w.prepared[text.String()] = prepared
	}
	return w.prepared[text.String()], nil
}
