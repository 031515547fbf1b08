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

// setClock moves the simulated time and does what falls due on the way, under one
// lock: whatever was written in between, were it the answer to a webhook, would have
// happened after the leap, and nothing could be written before it any more. Like
// Stripe's test clocks it never goes back.
func (s *Server) setClock(to func(now time.Time) time.Time) (time.Time, error) {
	if s.readOnly != nil {
		return time.Time{}, errReadOnly
	}
	s.mu.Lock()
	target, err := s.leap(to)
	seq := s.state.seq
	s.mu.Unlock()
	s.outbox.signal()
	return target, errors.Join(err, s.durable(seq))
}

// leap is one record, and those of what it makes due. The caller holds the lock.
func (s *Server) leap(to func(now time.Time) time.Time) (time.Time, error) {
	err := s.fireTimers()
	if err != nil {
		return time.Time{}, err
	}
	t := s.begin(requestInfo{})
	target := to(t.now)
	if target.Before(t.now) {
		return time.Time{}, errClockBack
	}
	offset := s.state.clockOffset + target.Sub(t.now).Microseconds()
	t.rec.ClockOffset = &offset
	err = s.commit(t)
	if err == nil {
		err = s.fireTimers()
	}
	return target, err
}

// tick does all that is due by the clock.
func (s *Server) tick() error {
	return s.transact(requestInfo{}, func(*tx) error { return nil })
}

// beginAt starts what was due at a second that has passed: when the clock leaps
// over months, each thing still happens on its day, and nothing before what was
// written already.
func (s *Server) beginAt(due int64) *tx {
	t := s.begin(requestInfo{})
	then := time.Unix(due, 0)
	if last := time.UnixMicro(s.state.lastAt); then.Before(last) {
		then = last
	}
	if then.Before(t.now) {
		t.now, t.rec.At = then, then.UnixMicro()
	}
	return t
}

// timerDue tells whether time alone has changed something that no record says
// yet. The caller holds the lock.
func (s *Server) timerDue() bool {
	return len(s.state.advancing) > 0 || s.accountTimerDue()
}

func (s *Server) accountTimerDue() bool {
	return len(s.state.timers) > 0 && s.state.timers[0].at <= s.now().Unix()
}

// fireTimers does all that is due, a record each. It runs before every
// transition, so that none can meet a session that should have expired. A timer
// is over only when its record is written. The caller holds the lock.
func (s *Server) fireTimers() error {
	for s.accountTimerDue() {
		due := heap.Pop(&s.state.timers).(timer)
		t := s.beginAt(due.at)
		t.fire(due)
		err := s.commit(t)
		if err != nil {
			heap.Push(&s.state.timers, due)
			return err
		}
	}
	return s.moveClocks()
}

func (t *tx) fire(due timer) {
	switch due.kind {
	case timerSession:
		t.expireBy(due.id)
	case timerCapture:
		t.captureLate(due.id)
	case timerPlan:
		t.planDue(due.id, due.at)
	case timerInvoice:
		t.invoiceDue(due.id, due.at)
	case timerClock:
		t.removeClock(due.id)
	default:
		t.fireAftermath(due)
	}
}
