package app_test

import (
	"context"
	"testing"
	"time"

	"github.com/almoner/almoner/services/internal/testkit"
)

// Nobody waits a second: the commit of the gift wakes the issue, and the commit
// of the receipt wakes the mail.
func TestCommitsWakeTheWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(id(1)) // due before the start
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	mailed := make(chan struct{}, 10)
	w.mail.taken = func() { mailed <- struct{}{} }
	go func() {
		defer close(stopped)
		w.Work(ctx)
	}()
	<-mailed
	w.give(id(2))
	<-mailed
	testkit.Eventually(t, func() bool { return w.summary().Backlog.Mails == 0 })
	stop()
	<-stopped
	if w.numbered(id(2)) != "REFUGE-2026-000002" {
		t.Errorf("number %q, want 2", w.numbered(id(2)))
	}
}

// A pass that fails must not end the work.
func TestWorkOutlivesFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	failures := 0
	w.store.crash = func() (bool, bool) {
		failures++
		return failures == 1, false
	}
	w.give(id(1))
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		w.Work(ctx)
	}()
	testkit.Eventually(t, func() bool { return w.numbered(id(1)) != "" })
	stop()
	<-stopped
}

// In a rush a pass does little, and what it leaves is done when the rush is over.
func TestInARushPassesAreShort(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var gifts []string
	for n := range 250 {
		gifts = append(gifts, id(n))
	}
	w.give(gifts...)
	w.issue()
	more, err := w.DrawDue(t.Context())
	if err != nil || !more {
		t.Fatalf("more to draw: %t, %v", more, err)
	}
	more, err = w.SendDue(t.Context())
	if err != nil || more || len(w.mail.letters) != 8 {
		t.Errorf("%d letters were sent, more: %t, %v; want those of the 8 PDFs that are drawn", len(w.mail.letters), more, err)
	}
	w.clock.Advance(3 * time.Second)
	w.send()
	if len(w.mail.letters) != len(gifts) {
		t.Errorf("%d letters were sent for %d gifts", len(w.mail.letters), len(gifts))
	}
}
