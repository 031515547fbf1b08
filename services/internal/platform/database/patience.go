package database

import (
	"math/rand/v2"
	"time"
)

const (
	// attempts bounds how often one transaction is run because of what others do.
	attempts = 5
	// firstPause bounds the random pause before the second run; each further one
	// may last twice as long.
	firstPause = 20 * time.Millisecond
	// firstAbsence bounds that pause when the server is gone, and longestAbsence the
	// later ones: when it is back, nobody should sleep for long.
	firstAbsence   = 400 * time.Millisecond
	longestAbsence = 1600 * time.Millisecond
	// absence is how long a server that is gone is waited for, however often that is.
	// It outlasts a restart and a standby's promotion, and ends before a person, or
	// Stripe, gives up waiting.
	absence = 8 * time.Second
)

// patience decides whether one transaction is run again. Who is gone is waited for by
// time and not by tries: five of them are over before the standby of a busy machine is
// the primary. What a transaction worked in between does not count, what it took to find
// nobody does.
type patience struct {
	contended, absent int
	waited            time.Duration // for a server that was gone
}

// after is the pause after a run that ended with err and, if nobody answered it, lasted
// for so long; false when no run is to come.
func (p *patience) after(err error, unanswered time.Duration) (pause time.Duration, again bool) {
	switch {
	case !retryable(err):
		return 0, false
	case away(err):
		p.waited += unanswered
		if p.waited >= absence {
			return 0, false
		}
		// Half of it at least: all of them together must not be over at once.
		most := min(firstAbsence<<p.absent, longestAbsence)
		pause = min(most/2+rand.N(most/2), absence-p.waited) //nolint:gosec // no secret
		p.absent++
		p.waited += pause
		return pause, true
	}
	p.contended++
	if p.contended == attempts {
		return 0, false
	}
	return rand.N(firstPause << (p.contended - 1)), true //nolint:gosec // full jitter, no secret
}
