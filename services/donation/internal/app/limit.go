package app

import (
	"sync"
	"time"
)

// Limits of session creation: who tests stolen cards needs many sessions.
const (
	sessionsPerAddress = 20
	sessionWindow      = 10 * time.Minute
	sessionsPerIntent  = 3
	// linksPerDonor is how many letters with links an address gets, and linksPerAddress
	// how many one client can make us write.
	linksPerDonor   = 3
	linksPerAddress = 20
	linkWindow      = time.Hour
	// rememberedAddresses bounds the memory that an attacker can make us use.
	rememberedAddresses = 100_000
)

// limiter counts what addresses ask for in memory. Addresses are personal data and are
// not stored.
type limiter struct {
	most   int
	window time.Duration
	mu     sync.Mutex
	used   map[string][]time.Time
}

func newLimiter(most int, window time.Duration) *limiter {
	return &limiter{most: most, window: window, used: map[string][]time.Time{}}
}

// take counts one session of address, or answers false when it has had its
// share. An empty address is not counted: the caller is not a browser.
func (l *limiter) take(address string, now time.Time) bool {
	if address == "" {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	recent := since(l.used[address], now.Add(-l.window))
	if len(recent) >= l.most {
		l.used[address] = recent
		return false
	}
	if len(l.used) >= rememberedAddresses {
		l.sweep(now)
	}
	l.used[address] = append(recent, now)
	return true
}

// give takes back one session that was not needed after all.
func (l *limiter) give(address string) {
	if address == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	times := l.used[address]
	if len(times) > 0 {
		l.used[address] = times[:len(times)-1]
	}
	if len(l.used[address]) == 0 {
		delete(l.used, address)
	}
}

// sweep forgets addresses whose window is over. If all are recent the memory is
// full of an attack; forgetting them all is better than refusing every donor.
func (l *limiter) sweep(now time.Time) {
	for address, times := range l.used {
		if len(since(times, now.Add(-l.window))) == 0 {
			delete(l.used, address)
		}
	}
	if len(l.used) >= rememberedAddresses {
		clear(l.used)
	}
}

func since(times []time.Time, start time.Time) []time.Time {
	for len(times) > 0 && !times[0].After(start) {
		times = times[1:]
	}
	return times
}
