package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Querier is what a query needs. *Tx satisfies it.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Tx is one run of a transaction. It belongs to the closure it was given to and
// must not be used by two goroutines at once.
type Tx struct {
	tx          *sql.Tx
	engine      Engine
	prepared    *prepared
	savepoints  int
	afterCommit []func()
}

// inside marks the context of a running transaction of one database.
type inside struct{ db *DB }

// InTx runs fn in a transaction that may write and commits it when fn returns
// nil. On SQLite it holds the database's only write lock. When the engine asks
// for it, or the outcome of the commit is unknown, fn is run again from the
// start: five times at most because of what others do, and while the server is gone
// until eight seconds were waited. fn must use the ctx and tx that it gets.
// A transaction inside a transaction is refused: on SQLite it would wait for itself.
func (db *DB) InTx(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	var options *sql.TxOptions
	if db.engine == PostgreSQL {
		// Whoever waited for a row's lock has to see, in the next statement, what its
		// holder did, whatever the server's default is: rows that are only locked do
		// not make a stale snapshot fail.
		options = &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	}
	return db.run(ctx, pool{db.writer, db.written, "write", db.metrics.wrote}, options, fn)
}

// InReadTx runs fn on one consistent snapshot. Writing in it fails.
func (db *DB) InReadTx(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	var options *sql.TxOptions
	if db.engine == PostgreSQL {
		options = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	return db.run(ctx, pool{db.reader, db.read, "read", db.metrics.read}, options, fn)
}

// pool is connections and what is compiled for them.
type pool struct {
	*sql.DB
	prepared *prepared
	// kind is what a transaction on it is called, and took counts how long they take.
	kind string
	took prometheus.Observer
}

func (db *DB) run(ctx context.Context, pool pool, options *sql.TxOptions, fn func(context.Context, *Tx) error) error {
	if ctx.Value(inside{db}) != nil {
		return errors.New("a transaction was begun inside a transaction of the same database")
	}
	began := time.Now()
	ctx, span := db.span(ctx, pool.kind)
	runs, err := db.runs(ctx, pool, options, fn)
	ended(span, runs, err)
	pool.took.Observe(time.Since(began).Seconds())
	return err
}

// runs runs a transaction as often as it takes, and answers how often that was.
func (db *DB) runs(ctx context.Context, pool pool, options *sql.TxOptions, fn func(context.Context, *Tx) error) (int, error) {
	var patience patience
	for attempt := 1; ; attempt++ {
		began, answered := time.Now(), false
		tx, err := db.once(ctx, pool, options, func(ctx context.Context, tx *Tx) error {
			answered = true
			return fn(ctx, tx)
		})
		if err == nil {
			for _, hook := range tx.afterCommit {
				hook()
			}
			pool.prepared.compile(ctx)
			return attempt, nil
		}
		unanswered := time.Duration(0)
		if !answered {
			unanswered = time.Since(began)
		}
		pause, again := patience.after(err, unanswered)
		if ctx.Err() != nil || !again {
			return attempt, err
		}
		db.metrics.again.Inc()
		db.logger.WarnContext(ctx, "transaction is run again", "service", db.service,
			"attempt", attempt, "pause", pause, "error", err)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return attempt, err
		case <-timer.C:
		}
	}
}

// once runs fn in one transaction on one connection.
func (db *DB) once(ctx context.Context, pool pool, options *sql.TxOptions, fn func(context.Context, *Tx) error) (_ *Tx, err error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer func() {
		if db.engine == PostgreSQL && readOnlyServer(err) {
			// A failover left this connection on a server that may not write any
			// more. Thrown away, the next run dials anew and finds the primary.
			discard(conn)
			return
		}
		_ = conn.Close()
	}()
	sqlTx, err := conn.BeginTx(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = sqlTx.Rollback() }() // also when fn panics; after a commit it does nothing
	tx := &Tx{tx: sqlTx, engine: db.engine, prepared: pool.prepared}
	err = fn(context.WithValue(ctx, inside{db}, true), tx)
	if err != nil {
		return nil, err
	}
	err = sqlTx.Commit()
	if err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return tx, nil
}

// ExecContext runs a statement that returns no rows.
func (tx *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if statement := tx.prepared.take(query); statement != nil {
		return tx.tx.StmtContext(ctx, statement).ExecContext(ctx, args...) //nolint:sqlclosecheck // the transaction closes it
	}
	return tx.tx.ExecContext(ctx, tx.text(query), args...)
}

// QueryContext runs a query. The rows must be closed before the next statement.
func (tx *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if statement := tx.prepared.take(query); statement != nil {
		return tx.tx.StmtContext(ctx, statement).QueryContext(ctx, args...) //nolint:sqlclosecheck // the transaction closes it
	}
	return tx.tx.QueryContext(ctx, tx.text(query), args...)
}

// QueryRowContext runs a query that returns at most one row.
func (tx *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if statement := tx.prepared.take(query); statement != nil {
		return tx.tx.StmtContext(ctx, statement).QueryRowContext(ctx, args...) //nolint:sqlclosecheck // the transaction closes it
	}
	return tx.tx.QueryRowContext(ctx, tx.text(query), args...)
}

// Engine tells which database runs underneath.
func (tx *Tx) Engine() Engine { return tx.engine }

// ForUpdate is what a SELECT ends with to lock its rows until the commit. It is
// empty on SQLite, where a write transaction excludes every other.
func (tx *Tx) ForUpdate() string {
	if tx.engine == PostgreSQL {
		return " FOR UPDATE"
	}
	return ""
}

// ForUpdateIfFree is ForUpdate that leaves out rows which another transaction has
// locked, instead of waiting for it.
func (tx *Tx) ForUpdateIfFree() string {
	if tx.engine == PostgreSQL {
		return " FOR UPDATE SKIP LOCKED"
	}
	return ""
}

// Savepoint runs fn and undoes what it wrote when it fails; the transaction
// goes on. It returns fn's error. Savepoints nest.
func (tx *Tx) Savepoint(ctx context.Context, fn func(ctx context.Context) error) error {
	tx.savepoints++
	name := fmt.Sprintf("sp%d", tx.savepoints)
	_, err := tx.tx.ExecContext(ctx, "SAVEPOINT "+name)
	if err != nil {
		return fmt.Errorf("set savepoint: %w", err)
	}
	hooks := len(tx.afterCommit)
	err = fn(ctx)
	if err == nil {
		_, err = tx.tx.ExecContext(ctx, "RELEASE SAVEPOINT "+name)
		if err != nil {
			return fmt.Errorf("release savepoint: %w", err)
		}
		return nil
	}
	tx.afterCommit = tx.afterCommit[:hooks]
	_, undoErr := tx.tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT "+name)
	if undoErr != nil {
		// Both are kept: the first one decides whether the whole is run again.
		return errors.Join(err, fmt.Errorf("roll back to savepoint: %w", undoErr))
	}
	_, undoErr = tx.tx.ExecContext(ctx, "RELEASE SAVEPOINT "+name)
	if undoErr != nil {
		return errors.Join(err, fmt.Errorf("release savepoint: %w", undoErr))
	}
	return err
}

// AfterCommit runs hook once the transaction is durable, before InTx returns.
// It is not run when the transaction, or the savepoint it was set in, is undone.
func (tx *Tx) AfterCommit(hook func()) {
	tx.afterCommit = append(tx.afterCommit, hook)
}
