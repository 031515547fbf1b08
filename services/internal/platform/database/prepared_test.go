package database

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
)

func openFunds(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), Config{URL: "sqlite:" + t.TempDir() + "/funds.db", Service: "fundraiser"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := db.Close()
		if err != nil {
			t.Error(err)
		}
	})
	exec(t, db, `CREATE TABLE fund (code TEXT PRIMARY KEY, minor INTEGER NOT NULL) STRICT`)
	return db
}

func exec(t *testing.T, db *DB, query string, args ...any) {
	t.Helper()
	err := db.InTx(t.Context(), func(ctx context.Context, tx *Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, db *DB, query string, args ...any) (n int64) {
	t.Helper()
	err := db.InReadTx(t.Context(), func(ctx context.Context, tx *Tx) error {
		return tx.QueryRowContext(ctx, query, args...).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The third time a statement is run it is compiled already, and does the same.
func TestStatementsThatComeAgainAreCompiledOnce(t *testing.T) {
	t.Parallel()
	db := openFunds(t)
	const insert, sum = `INSERT INTO fund (code, minor) VALUES ($1, $2)`, `SELECT COUNT(*) FROM fund WHERE minor >= $1`
	for n := range 5 {
		exec(t, db, insert, fmt.Sprintf("FUND%d", n), n)
		if got := count(t, db, sum, 0); got != int64(n+1) {
			t.Fatalf("after %d funds there are %d", n+1, got)
		}
	}
	if db.written.take(insert) == nil || db.read.take(sum) == nil {
		t.Error("statements that came five times are not compiled")
	}
	if len(db.written.compiled) != 1 {
		t.Errorf("%d statements are compiled for writing, want the one that came more than once", len(db.written.compiled))
	}
}

// What is compiled stays right when the table changes under it.
func TestCompiledStatementsOutliveTheirTablesShape(t *testing.T) {
	t.Parallel()
	db := openFunds(t)
	const sum = `SELECT COUNT(*) FROM fund`
	for range 3 {
		count(t, db, sum)
	}
	exec(t, db, `ALTER TABLE fund ADD COLUMN name TEXT NOT NULL DEFAULT ''`)
	exec(t, db, `INSERT INTO fund (code, minor, name) VALUES ('GENERAL', 0, 'Where it is needed most')`)
	if got := count(t, db, sum); got != 1 {
		t.Errorf("there is one fund, the compiled statement counts %d", got)
	}
}

// A statement that fails is as usable afterwards as it was before.
func TestCompiledStatementsFailAndGoOn(t *testing.T) {
	t.Parallel()
	db := openFunds(t)
	const insert = `INSERT INTO fund (code, minor) VALUES ($1, $2)`
	for n := range 3 {
		exec(t, db, insert, fmt.Sprintf("FUND%d", n), n)
	}
	for range 2 {
		err := db.InTx(t.Context(), func(ctx context.Context, tx *Tx) error {
			_, err := tx.ExecContext(ctx, insert, "FUND1", 7)
			return err
		})
		if !IsRefused(err) {
			t.Fatalf("the same fund twice gave %v, want the database's refusal", err)
		}
	}
	exec(t, db, insert, "FUND3", 3)
	if got := count(t, db, `SELECT COUNT(*) FROM fund`); got != 4 {
		t.Errorf("there are %d funds, want 4", got)
	}
}

func TestCompiledStatementsServeManyReaders(t *testing.T) {
	t.Parallel()
	db := openFunds(t)
	for n := range 10 {
		exec(t, db, `INSERT INTO fund (code, minor) VALUES ($1, $2)`, fmt.Sprintf("FUND%d", n), n)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for n := range 50 {
				if got := count(t, db, `SELECT COUNT(*) FROM fund WHERE minor < $1`, n%11); got != int64(n%11) {
					t.Errorf("%d funds below %d", got, n%11)
				}
			}
		})
	}
	group.Wait()
}

// A caller that makes up texts cannot fill the memory.
func TestOnlySoManyStatementsAreKept(t *testing.T) {
	t.Parallel()
	db := openFunds(t)
	for round := range 3 {
		err := db.InReadTx(t.Context(), func(ctx context.Context, tx *Tx) error {
			for n := range mostPrepared + mostSeen {
				var got int
				err := tx.QueryRowContext(ctx, fmt.Sprintf(`SELECT %d`, n)).Scan(&got)
				if err != nil || got != n {
					return fmt.Errorf("round %d: %d came as %d: %w", round, n, got, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(db.read.compiled) > mostPrepared || len(db.read.seen) > mostSeen {
		t.Errorf("%d compiled, %d remembered", len(db.read.compiled), len(db.read.seen))
	}
}

func TestPieces(t *testing.T) {
	t.Parallel()
	list := make([]int, 64+64+32+4+1)
	for i := range list {
		list[i] = i
	}
	var sizes, all []int
	for piece := range Pieces(list) {
		sizes = append(sizes, len(piece))
		all = append(all, piece...)
	}
	if !slices.Equal(sizes, []int{64, 64, 32, 4, 1}) || !slices.Equal(all, list) {
		t.Errorf("pieces of %v, %d of %d in order", sizes, len(all), len(list))
	}
	for range Pieces([]int(nil)) {
		t.Error("nothing has no pieces")
	}
	for piece := range Pieces(list) {
		if len(piece) != 64 {
			t.Error("went on after the reader had left")
		}
		break
	}
}
