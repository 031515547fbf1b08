package database

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

func state(code string) error {
	return fmt.Errorf("book the gift: %w", &pgconn.PgError{Code: code})
}

// runs is how often a transaction is run that always ends so, and how long is waited.
func runs(err error) (count int, waited time.Duration) {
	var p patience
	for again := true; again; count++ {
		var pause time.Duration
		pause, again = p.after(err, 0)
		waited += pause
	}
	return count, waited
}

func TestWhoIsGoneIsWaitedForByTime(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"57P01", "57P02", "57P03", "08006", "53300", "25006"} {
		for range 100 {
			count, waited := runs(state(code))
			if waited != absence || count < 7 || count > 14 {
				t.Fatalf("after %s it was run %d times in %s", code, count, waited)
			}
		}
	}
}

// A network that swallows what is sent makes each try long.
func TestWhoDoesNotEvenAnswerIsNotWaitedForLonger(t *testing.T) {
	t.Parallel()
	var p patience
	tries := 0
	for again := true; again; tries++ {
		_, again = p.after(state("08006"), 5*time.Second)
	}
	if tries != 2 {
		t.Errorf("it was tried %d times, for 5 s each", tries)
	}
}

func TestOthersAreGivenWayFiveTimes(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int{
		"40001": 5, "40P01": 5, "55P03": 5, "23505": 1, "23514": 1, "42601": 1, "22003": 1,
	} {
		count, waited := runs(state(code))
		if count != want || waited > time.Second {
			t.Errorf("after %s it was run %d times in %s, want %d", code, count, waited, want)
		}
	}
	if count, _ := runs(errors.New("no such fund")); count != 1 {
		t.Errorf("what is no fault of the engine's was run %d times", count)
	}
}

// When a server is back everybody is, and they get in each other's way.
func TestWhoWasWaitedForMayStillBeContended(t *testing.T) {
	t.Parallel()
	var p patience
	for range 5 {
		_, again := p.after(state("57P03"), 0)
		if !again {
			t.Fatal("it was not waited for")
		}
	}
	for n := range attempts {
		_, again := p.after(state("40001"), 0)
		if again != (n < attempts-1) {
			t.Errorf("after conflict %d: again %t", n+1, again)
		}
	}
}
