package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	rows   [][]any
}

// rowsOf reads what a burst wrote.
func (b *books) rowsOf(ctx context.Context, before ends, gifts int) ([]rowset, error) {
	var sets []rowset
	for _, from := range sources() {
		set := rowset{source: from}
		err := b.read(ctx, from.service, func(rows *sql.Rows) error {
			var statement string
			err := rows.Scan(&statement)
			set.schema = append(set.schema, statement)
			return err
		}, `SELECT sql FROM sqlite_master WHERE tbl_name = ? AND type IN ('table', 'index') AND sql IS NOT NULL ORDER BY type DESC`, from.table)
		if err != nil {
			return nil, err
		}
		err = b.read(ctx, from.service, func(rows *sql.Rows) error {
			names, err := rows.Columns()
			if err != nil {
				return err
			}
			row, into := make([]any, len(names)), make([]any, len(names))
			for i := range row {
				into[i] = &row[i]
			}
			set.rows = append(set.rows, row)
			return rows.Scan(into...)
		}, `SELECT * FROM `+from.table+` WHERE `+from.rows, used(from.rows, before.webhooks, before.gifts, before.entries, before.receipts, int64(gifts))...)
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

// insertBare is SQLite alone: the same rows into empty copies of the same tables
// with the same indexes, in the same four files, by the same driver, 100 gifts a
// commit and database, synchronous=FULL, one statement a table and commit,
// prepared once. It returns gifts a second.
func insertBare(ctx context.Context, dir string, sets []rowset, gifts int) (perSecond float64, err error) {
	err = os.MkdirAll(dir, 0o700)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var files []*bareFile
	for _, service := range services() {
		file, err := openBare(ctx, filepath.Join(dir, service+".db"), service, sets)
		if err != nil {
			return 0, err
		}
		defer func() { _ = file.db.Close() }()
		files = append(files, file)
	}
	commits := (gifts + giftsPerCommit - 1) / giftsPerCommit
	began := time.Now()
	for n := range commits {
		for _, file := range files {
			err := file.commit(ctx, n, commits)
			if err != nil {
				return 0, fmt.Errorf("insert the rows of %s: %w", file.service, err)
			}
		}
	}
	return float64(gifts) / time.Since(began).Seconds(), nil
}

// bareFile is one of the four databases.
type bareFile struct {
	service  string
	db       *sql.DB
	conn     *sql.Conn
	sets     []rowset
	prepared map[string]*sql.Stmt
}

func openBare(ctx context.Context, path, service string, sets []rowset) (*bareFile, error) {
	db, err := sql.Open("sqlite", dsn(path, "journal_mode(WAL)", "synchronous(FULL)"))
	if err != nil {
		return nil, err
	}
	f := &bareFile{service: service, db: db, prepared: map[string]*sql.Stmt{}}
	f.conn, err = db.Conn(ctx)
	for _, set := range sets {
		if set.service != service || err != nil {
			continue
		}
		f.sets = append(f.sets, set)
		for _, statement := range set.schema {
			_, execErr := f.conn.ExecContext(ctx, statement)
			err = errors.Join(err, execErr)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make an empty %s: %w", service, err), db.Close())
	}
	return f, nil
}

// commit writes the n-th part of the rows in one transaction. It is begun by hand:
// database/sql would compile the statement anew for each transaction of its own.
func (f *bareFile) commit(ctx context.Context, n, of int) error {
	_, err := f.conn.ExecContext(ctx, `BEGIN IMMEDIATE`)
	if err != nil {
		return err
	}
	for _, set := range f.sets {
		part := set.rows[len(set.rows)*n/of : len(set.rows)*(n+1)/of]
		insert, err := f.insert(ctx, set.table, len(part), len(part[0])) //nolint:sqlclosecheck // closed with the database
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
	_, err = f.conn.ExecContext(ctx, `COMMIT`)
	return err
}

func (f *bareFile) insert(ctx context.Context, table string, rows, columns int) (*sql.Stmt, error) {
	row := "(?" + strings.Repeat(",?", columns-1) + ")"
	text := `INSERT INTO ` + table + ` VALUES ` + row + strings.Repeat(","+row, rows-1)
	if f.prepared[text] == nil {
		prepared, err := f.conn.PrepareContext(ctx, text) //nolint:sqlclosecheck // closed with the database
		if err != nil {
			return nil, err
		}
		f.prepared[text] = prepared
	}
	return f.prepared[text], nil
}
