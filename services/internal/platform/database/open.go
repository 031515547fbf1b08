package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	_ "modernc.org/sqlite" // the driver named "sqlite"

	"github.com/almoner/almoner/services/internal/apperr"
)

// MigrationSet is a list of migrations with a history of its own.
type MigrationSet struct {
	// Name ends the name of the table that records what was applied.
	Name string
	// FS has sqlite/*.sql and postgres/*.sql in goose's format, with the same
	// file names in both.
	FS fs.FS
	// Grants say what the service's code may do with each table of the set.
	Grants Grants
	// Checked say what checkers may read of tables that hold personal data or what
	// is as good as a password: "" for nothing, or the columns without it. They read
	// all of the others.
	Checked Grants
}

// Config says which database to open and whose it is.
type Config struct {
	// URL is sqlite:/path/to/file or postgres://…. Of several PostgreSQL hosts the
	// one that takes writes is used, unless target_session_attrs says otherwise.
	URL string
	// Service owns the database.
	Service string
	// Migrations are applied in this order.
	Migrations []MigrationSet
	// Tracer makes a span of each transaction that is part of a trace, and Metrics
	// count them. Both may be nil.
	Tracer  trace.TracerProvider
	Metrics prometheus.Registerer
	// Logger gets what was migrated and which transactions were run again. Nil
	// logs nothing.
	Logger *slog.Logger
}

const (
	// sqliteReaders is enough to keep two cores busy with reads.
	sqliteReaders = 4
	// postgresConnections leaves room for five services and an operator in
	// PostgreSQL's default of 100.
	postgresConnections = 16
	// connectTimeout bounds the wait for one host of a URL.
	connectTimeout = 5 * time.Second
	// connectionLifetime lets a pool find its way back after a failover.
	connectionLifetime = 30 * time.Minute
)

// DB is a service's database. It is safe for concurrent use.
type DB struct {
	engine  Engine
	service string
	sets    []MigrationSet
	logger  *slog.Logger
	// On PostgreSQL both are the same pool. On SQLite the writer is one
	// connection: its callers queue here, in order, and not in busy loops.
	writer  *sql.DB
	reader  *sql.DB
	tracer  trace.Tracer // nil makes no spans
	metrics metrics
	// Statements compiled for each of them, on SQLite.
	written, read *prepared
}

// Open connects to a database without migrating it. It fails when the database
// cannot be reached or belongs to another service.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.Service == "" {
		return nil, errors.New("open database: the owning service is not named")
	}
	engine, path, err := parseURL(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("open database of %s: %w", cfg.Service, err)
	}
	db := &DB{engine: engine, service: cfg.Service, sets: cfg.Migrations, logger: cfg.Logger, metrics: newMetrics(cfg.Service, cfg.Metrics)}
	if cfg.Tracer != nil {
		db.tracer = cfg.Tracer.Tracer("almoner/database")
	}
	if db.logger == nil {
		db.logger = slog.New(slog.DiscardHandler)
	}
	if engine == SQLite {
		err = db.openSQLite(ctx, path)
	} else {
		err = db.openPostgres(cfg.URL)
	}
	if err != nil {
		return nil, fmt.Errorf("open database of %s: %w", cfg.Service, err)
	}
	_, err = db.owner(ctx)
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open database of %s: %w", cfg.Service, err)
	}
	db.watch(cfg.Metrics)
	return db, nil
}

func (db *DB) openSQLite(ctx context.Context, path string) error {
	err := ensureFile(path)
	if err != nil {
		return err
	}
	db.writer, err = sql.Open("sqlite", writerDSN(path))
	if err != nil {
		return err
	}
	db.writer.SetMaxOpenConns(1)
	db.writer.SetMaxIdleConns(1)
	db.reader, err = sql.Open("sqlite", readerDSN(path))
	if err != nil {
		return errors.Join(err, db.writer.Close())
	}
	db.reader.SetMaxOpenConns(sqliteReaders)
	db.reader.SetMaxIdleConns(sqliteReaders)
	db.written, db.read = newPrepared(db.writer), newPrepared(db.reader)
	// The writer turns the file into WAL mode; a reader that came first would
	// meet the rollback journal and block it.
	err = db.writer.PingContext(ctx)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	return nil
}

func (db *DB) openPostgres(url string) error {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return err // pgx leaves the password out
	}
	if cfg.ConnectTimeout == 0 {
		// A server that is away answers nothing at all; the next host may.
		cfg.ConnectTimeout = connectTimeout
	}
	if severalHosts(cfg) && !strings.Contains(url, "target_session_attrs=") {
		// Which of them is the primary changes with each failover.
		cfg.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	setDefault(cfg.RuntimeParams, "application_name", "almoner-"+db.service)
	// A lock that is not had in ten seconds is an error that is retried, and a
	// transaction forgotten by a stalled process does not hold the feed's head
	// for ever.
	setDefault(cfg.RuntimeParams, "lock_timeout", "10s")
	setDefault(cfg.RuntimeParams, "idle_in_transaction_session_timeout", "60s")
	// The server's own default is for disks that turn: it would rather read a table
	// from end to end than find some dozens of rows by their keys, in every batch,
	// until the table is large.
	setDefault(cfg.RuntimeParams, "random_page_cost", "1.1")
	pool := stdlib.OpenDB(*cfg)
	pool.SetMaxOpenConns(postgresConnections)
	pool.SetMaxIdleConns(postgresConnections)
	pool.SetConnMaxLifetime(connectionLifetime)
	db.writer, db.reader = pool, pool
	return nil
}

// severalHosts tells whether a URL names more than one server. One server alone can
// have several entries, with TLS and without.
func severalHosts(cfg *pgx.ConnConfig) bool {
	return slices.ContainsFunc(cfg.Fallbacks, func(other *pgconn.FallbackConfig) bool {
		return other.Host != cfg.Host || other.Port != cfg.Port
	})
}

func setDefault(params map[string]string, key, value string) {
	_, set := params[key]
	if !set {
		params[key] = value
	}
}

// Engine tells which database runs underneath.
func (db *DB) Engine() Engine { return db.engine }

// Ping reports whether the database answers a query.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	err := db.reader.QueryRowContext(ctx, `SELECT 1`).Scan(&one)
	if err != nil {
		return fmt.Errorf("ping database of %s: %w", db.service, err)
	}
	return nil
}

// Ready reports whether the database answers and has every migration, which is
// all that a service needs to be asked. The public half of the error says which
// of the two it is.
func (db *DB) Ready(ctx context.Context) error {
	err := db.Ping(ctx)
	if err != nil {
		return apperr.Wrap(err, apperr.Unavailable, "DATABASE_AWAY", "The database of "+db.service+" does not answer.")
	}
	pending, err := db.Pending(ctx)
	if err != nil {
		return apperr.Wrap(err, apperr.Unavailable, "DATABASE_AWAY", "The database of "+db.service+" does not say which migrations it has.")
	}
	if pending {
		return apperr.New(apperr.FailedPrecondition, "MIGRATION_PENDING", "The database of "+db.service+" is not up to date; run `almoner migrate`.")
	}
	return nil
}

// Close ends all connections. Transactions that run fail.
func (db *DB) Close() error {
	if db.reader == db.writer {
		return db.writer.Close()
	}
	// The writer goes last: closing SQLite's last connection folds the WAL back
	// into the file, which only a connection that may write can do.
	return errors.Join(db.reader.Close(), db.writer.Close())
}
