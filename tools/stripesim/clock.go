package stripesim

import (
	"container/heap"
	"errors"
	"time"
)

// now is the simulated time: the base clock and what was added to it. The
// caller holds the lock.
func (s *Server) now() time.Time {
	return s.cfg.Now().Add(time.Duration(s.state.clockOffset) * time.Microsecond)
}

var errClockBack = errors.New("the clock only goes forward")

// setClock moves the simulated time and does what falls due on the way. Like
// Stripe's test clocks it never goes back.
func (s *Server) setClock(to func(now time.Time) time.Time) (time.Time, error) {
	var target time.Time
	err := s.transact(requestInfo{}, func(t *tx) error {
		target = to(t.now)
		if target.Before(t.now) {
			return errClockBack
		}
		offset := s.state.clockOffset + target.Sub(t.now).Microseconds()
		t.rec.ClockOffset = &offset
		return nil
	})
	if err != nil {
		return time.Time{}, err
	}
	return target, s.tick()
}

// tick does all that is due by the clock.
func (s *Server) tick() error {
	return s.transact(requestInfo{}, func(*tx) error { return nil })
}

// timerDue tells whether time alone has changed something that no record says
// yet. The caller holds the lock.
func (s *Server) timerDue() bool {
	return len(s.state.timers) > 0 && s.state.timers[0].at <= s.now().Unix()
}

// fireTimers does all that is due, a record each. It runs before every
// transition, so that none can meet a session that should have expired. A timer
// is taken off only after its record is written. The caller holds the lock.
func (s *Server) fireTimers() error {
	for s.timerDue() {
		due := s.state.timers[0]
		t := s.begin(requestInfo{})
		if due.kind == timerCapture {
			t.captureLate(due.id)
		} else {
			t.expireBy(due.id)
		}
		err := s.commit(t)
		if err != nil {
			return err
		}
		heap.Pop(&s.state.timers)
	}
	return nil
}
