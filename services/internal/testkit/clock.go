package testkit

import (
	"sync"
	"testing"
	"time"
)

// FakeClock is a clock that stands still until it is advanced. It is safe for
// concurrent use.
type FakeClock struct {
	mu  sync.Mutex
	now time.Time
}

// Clock returns a clock that shows start.
func Clock(t testing.TB, start time.Time) *FakeClock {
	t.Helper()
	return &FakeClock{now: start}
}

// Now returns what the clock shows.
func (c *FakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *FakeClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

const (
	eventually = 2 * time.Minute
	pollEvery  = 5 * time.Millisecond
)

// Eventually waits until cond holds and fails the test after two minutes; a
// machine that is busy with other things must not look like a fault. It is for what
// another process or goroutine does without telling; where there is a signal, wait for
// that.
func Eventually(t testing.TB, cond func() bool) {
	t.Helper()
	deadline := time.NewTimer(eventually)
	defer deadline.Stop()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for !cond() {
		select {
		case <-deadline.C:
			if !cond() {
				t.Fatalf("not so after %v", eventually)
			}
			return
		case <-ticker.C:
		}
	}
}
