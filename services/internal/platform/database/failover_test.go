package database_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/almoner/almoner/services/internal/platform/database"
	"github.com/almoner/almoner/services/internal/testkit"
)

// tills is a sum that must be that of the gifts beside it, whatever happens.
const tills = `
	CREATE TABLE till (only_row BIGINT PRIMARY KEY, minor BIGINT NOT NULL);
	INSERT INTO till VALUES (1, 0);
	CREATE TABLE coin (id TEXT PRIMARY KEY, minor BIGINT NOT NULL);`

// drop puts a coin into the till: repeatable, as every transaction has to be.
func drop(ctx context.Context, db *database.DB, id string) error {
	return db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		result, err := tx.ExecContext(ctx, `INSERT INTO coin (id, minor) VALUES ($1, 5) ON CONFLICT DO NOTHING`, id)
		if err != nil {
			return err
		}
		fresh, err := result.RowsAffected()
		if err != nil || fresh == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE till SET minor = minor + 5`)
		return err
	})
}

// crowd drops coins from many hands at once until told to stop. What
// is in kept was acknowledged.
type crowd struct {
	hands  sync.WaitGroup
	stop   context.CancelFunc
	mu     sync.Mutex
	kept   map[string]bool
	failed []error
	news   chan struct{} // one signal at most: something was kept
}

func gather(t *testing.T, db *database.DB) *crowd {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	c := &crowd{stop: stop, kept: map[string]bool{}, news: make(chan struct{}, 1)}
	t.Cleanup(func() { c.leave() })
	for hand := range 8 {
		c.hands.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("hand %d coin %d", hand, n)
				err := drop(ctx, db, id)
				c.mu.Lock()
				if err == nil {
					c.kept[id] = true
				} else if ctx.Err() == nil {
					c.failed = append(c.failed, err)
				}
				c.mu.Unlock()
				select {
				case c.news <- struct{}{}:
				default:
				}
			}
		})
	}
	return c
}

func (c *crowd) leave() {
	c.stop()
	c.hands.Wait()
}

// drops waits until so many more coins are kept.
func (c *crowd) drops(t *testing.T, more int) {
	t.Helper()
	count := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.kept)
	}
	want := count() + more
	for count() < want {
		select {
		case <-c.news:
		case <-t.Context().Done():
			t.Fatal("nothing moves")
		}
	}
}

// count leaves, and requires that what was acknowledged is there, once, and that
// nobody was told of a failure.
func (c *crowd) count(t *testing.T, db *database.DB) {
	t.Helper()
	c.leave()
	err := db.InReadTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT id FROM coin`)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		found := map[string]bool{}
		for rows.Next() {
			var id string
			err := rows.Scan(&id)
			if err != nil {
				return err
			}
			found[id] = true
		}
		err = errors.Join(rows.Err(), rows.Close())
		if err != nil {
			return err
		}
		for id := range c.kept {
			if !found[id] {
				t.Errorf("%s was acknowledged and is gone", id)
			}
		}
		var minor int64
		err = tx.QueryRowContext(ctx, `SELECT minor FROM till`).Scan(&minor)
		if minor != int64(5*len(found)) {
			t.Errorf("%d coins are %d in the till", len(found), minor)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range c.failed {
		t.Errorf("a caller was told of it: %v", err)
	}
}

// The server crashes and comes back while everybody writes. Whoever was in the
// middle of it is run again and does not even notice.
func TestARestartOfTheServerIsOutlasted(t *testing.T) {
	t.Parallel()
	server := testkit.NewPostgreSQLServer(t)
	server.Exec(t, tills)
	db := testkit.Open(t, server.URL("postgres"), "ledger")
	everybody := gather(t, db)
	for range 2 {
		everybody.drops(t, 50)
		server.Stop(t)
		server.Start(t)
		everybody.drops(t, 50)
	}
	everybody.count(t, db)
}

// both names two servers in one URL.
func both(first, second *testkit.PostgreSQLServer) string {
	return "postgres://postgres@/postgres?host=" + url.QueryEscape(first.Host()+","+second.Host())
}

// The primary dies, its standby takes over. With synchronous replication what was
// acknowledged is there, and nobody has to be told the new address.
func TestAFailoverIsFollowed(t *testing.T) {
	t.Parallel()
	primary := testkit.NewPostgreSQLServer(t)
	standby := primary.Standby(t)
	primary.Exec(t, tills)
	primary.Exec(t, `ALTER SYSTEM SET synchronous_standby_names = '*'`)
	primary.Exec(t, `SELECT pg_reload_conf()`)
	// The standby stands first: it is asked first, and passed over as long as it may
	// not write.
	db := testkit.Open(t, both(standby, primary), "ledger")
	everybody := gather(t, db)
	everybody.drops(t, 100)
	primary.Stop(t)
	standby.Promote(t)
	everybody.drops(t, 100)
	everybody.count(t, testkit.Open(t, standby.URL("postgres"), "ledger"))
}

// A server that was the primary becomes read-only under open connections, as some
// failovers leave it. They are thrown away, and the next ones find the other.
func TestAServerThatBecomesReadOnlyIsLeft(t *testing.T) {
	t.Parallel()
	old, fresh := testkit.NewPostgreSQLServer(t), testkit.NewPostgreSQLServer(t)
	for _, server := range []*testkit.PostgreSQLServer{old, fresh} {
		server.Exec(t, tills)
	}
	db := testkit.Open(t, both(old, fresh), "ledger")
	err := drop(t.Context(), db, "the first")
	if err != nil {
		t.Fatal(err)
	}
	old.Exec(t, `ALTER SYSTEM SET default_transaction_read_only = on`)
	old.Exec(t, `SELECT pg_reload_conf()`)
	testkit.Eventually(t, func() bool { // a reload takes a moment to reach every session
		err := drop(t.Context(), db, "the second")
		if err != nil {
			t.Fatal(err)
		}
		return coins(t, fresh) == 1
	})
	if coins(t, old) > 2 {
		t.Error("the read-only server was written to")
	}
}

func coins(t *testing.T, server *testkit.PostgreSQLServer) (count int) {
	t.Helper()
	db := testkit.Open(t, server.URL("postgres"), "ledger")
	err := db.InReadTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM coin`).Scan(&count)
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// Of a first host that is away, and of one that may only be read, the second is
// found. Where nothing is to be written, whichever answers will do.
func TestTheFirstHostMayBeAway(t *testing.T) {
	t.Parallel()
	first, second := testkit.NewPostgreSQLServer(t), testkit.NewPostgreSQLServer(t)
	second.Exec(t, tills)
	first.Exec(t, `ALTER SYSTEM SET default_transaction_read_only = on`)
	first.Exec(t, `SELECT pg_reload_conf()`)
	err := drop(t.Context(), testkit.Open(t, both(first, second), "ledger"), "one")
	if err != nil {
		t.Errorf("the first host is read-only: %v", err)
	}
	reading := testkit.Open(t, both(first, second)+"&target_session_attrs=any", "ledger")
	err = drop(t.Context(), reading, "none")
	var postgres *pgconn.PgError
	if !errors.As(err, &postgres) {
		t.Errorf("who asked for any host got %v", err)
	}
	first.Stop(t)
	err = drop(t.Context(), testkit.Open(t, both(first, second), "ledger"), "two")
	if err != nil {
		t.Errorf("the first host is away: %v", err)
	}
	if coins(t, second) != 2 {
		t.Errorf("%d coins", coins(t, second))
	}
}

// Who waits too long for a lock is run again, and gets it when its holder is done.
func TestALockThatIsNotHadInTimeIsTriedAgain(t *testing.T) {
	t.Parallel()
	roles := testkit.PostgreSQLRoles(t, "donation", fund())
	db := testkit.Open(t, roles.App, "donation", fund())
	hasty := testkit.Open(t, roles.App+"&lock_timeout=10ms", "donation", fund())
	put(t, db, "water", int64(100))
	held, waited, holder := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	give := func(db *database.DB, before func(), after func()) error {
		return db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			before()
			_, err := tx.ExecContext(ctx, `UPDATE fund SET minor = minor + 1 WHERE code = 'water'`)
			after()
			return err
		})
	}
	go func() {
		holder <- give(db, func() {}, func() {
			close(held)
			<-waited
		})
	}()
	<-held
	runs := 0
	err := give(hasty, func() {
		runs++
		if runs == 2 { // the first was refused
			close(waited)
			err := <-holder
			if err != nil {
				t.Error(err)
			}
		}
	}, func() {})
	if err != nil || runs != 2 || sum(t, db) != 102 {
		t.Errorf("%v after %d runs, the fund has %d", err, runs, sum(t, db))
	}
}

// Two that read what the other one writes: one of them is run again on what the
// other left.
func TestASerializationFailureIsRunAgain(t *testing.T) {
	t.Parallel()
	db := testkit.PostgreSQL(t, "donation", fund())
	put(t, db, "water", int64(100))
	runs := 0
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		runs++
		_, err := tx.ExecContext(ctx, `SET TRANSACTION ISOLATION LEVEL SERIALIZABLE`)
		if err != nil {
			return err
		}
		var minor int64
		err = tx.QueryRowContext(ctx, `SELECT minor FROM fund WHERE code = 'water'`).Scan(&minor)
		if err != nil {
			return err
		}
		if runs == 1 {
			err = db.InTx(context.WithoutCancel(t.Context()), func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.ExecContext(ctx, `UPDATE fund SET minor = minor * 2`)
				return err
			})
			if err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `UPDATE fund SET minor = $1 WHERE code = 'water'`, minor+1)
		return err
	})
	if err != nil || runs != 2 || sum(t, db) != 201 {
		t.Errorf("%v after %d runs, the fund has %d", err, runs, sum(t, db))
	}
}
